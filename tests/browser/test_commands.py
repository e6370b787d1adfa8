"""The commands beside a running server."""

import json

import httpx

from tests.browser.site import Member, Site


def test_a_second_run_says_that_it_runs_already(site: Site) -> None:
    again = site.command("run")
    assert again.returncode == 0
    assert f"already, at {site.url}" in again.stdout


def test_doctor_finds_nothing_broken_and_the_server_running(site: Site) -> None:
    told = site.command("doctor", "--json")
    findings = json.loads(told.stdout)["findings"]
    assert told.returncode == 0, findings
    assert [f["verdict"] for f in findings if f["room"] == "running"] == ["ok"]
    assert [f["verdict"] for f in findings if f["room"] == "built"] == ["ok"]


def test_a_demo_account_works_at_once_and_its_old_key_no_longer(site: Site) -> None:
    old = site.member("renewed")
    assert credits(site, old) == 200
    new = site.member("renewed")
    assert new.base_url == site.api
    assert credits(site, new) == 200
    assert credits(site, old) == 401


def credits(site: Site, member: Member) -> int:
    head = {"Authorization": f"Bearer {member.key}"}
    return httpx.get(f"{site.api}/credits", headers=head).status_code
