"""alltoken_app/command/{doctor,checks}.py"""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from alltoken_app.command import checks, database, doctor, instance
from alltoken_app.command.checks import Verdict
from alltoken_app.engines import weights
from alltoken_app.settings import Settings
from tests.postgres import free_port

SECRET = "sk_test_never_to_be_seen_1234"
OK, NOTE, BROKEN = Verdict.OK, Verdict.NOTE, Verdict.BROKEN


def settings(var: Path, **given: object) -> Settings:
    return Settings(_env_file=None, var=var, port=free_port(), **given)  # type: ignore[call-arg]


def verdicts(found: list[checks.Finding]) -> dict[tuple[str, str], Verdict]:
    return {(finding.room, finding.name): finding.verdict for finding in found}


def test_a_new_installation_is_not_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.doctor(settings(tmp_path), as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] is False
    assert {"installed", "reachable", "models", "built", "running"} <= {
        finding["room"] for finding in told["findings"]
    }


def test_the_extras_of_the_local_models_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = verdicts(checks.examine(settings(tmp_path)))
    assert (found["models", "Whisper base"], found["models", "speech"]) == (OK, NOTE)
    speaking = settings(tmp_path, speech_command="/bin/sh -c 'cat'")
    assert verdicts(checks.examine(speaking))["models", "speech"] is OK
    mute = settings(tmp_path, speech_command="/no/such/program")
    assert verdicts(checks.examine(mute))["models", "speech"] is BROKEN
    monkeypatch.setattr(
        weights,
        "FILES",
        tuple(replace(f, package="no_such") if f.optional else f for f in weights.FILES),
    )
    told = [f for f in checks.examine(mute) if f.name == "Whisper base"]
    assert [(f.verdict, "make speech" in f.text) for f in told] == [(NOTE, True)]


def test_a_migrated_database_is_told_from_a_new_one(tmp_path: Path) -> None:
    new = settings(tmp_path)
    assert verdicts(checks.examine(new))["migrated", "database"] is NOTE
    database.prepare(new)
    assert verdicts(checks.examine(new))["migrated", "database"] is OK


def test_an_unreachable_database_is_broken_and_keeps_its_password(tmp_path: Path) -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:{free_port()}/none"
    found = checks.examine(settings(tmp_path, database_url=url))
    assert verdicts(found)["reachable", "database"] is BROKEN
    assert SECRET not in repr(found)


def test_a_mail_server_that_does_not_answer_is_broken(tmp_path: Path) -> None:
    port = free_port()
    given = settings(tmp_path, smtp_url=f"smtp://me:{SECRET}@127.0.0.1:{port}")
    found = list(checks.reachable(given))
    assert verdicts(found)["reachable", "mail"] is BROKEN
    with socket.create_server(("127.0.0.1", port)):
        found = list(checks.reachable(given))
    assert verdicts(found)["reachable", "mail"] is OK
    assert SECRET not in repr(found)


def test_secrets_show_their_last_four_signs_at_most(tmp_path: Path) -> None:
    given = settings(tmp_path, stripe_secret_key=SECRET)
    found = list(checks.configured(given))
    assert SECRET not in repr(found)
    [shown] = [f.text for f in found if f.name == "STRIPE_SECRET_KEY"]
    assert shown == "set, ends in …1234"
    assert verdicts(found)["configured", "stripe"] is BROKEN  # its webhook secret is missing


def test_a_lock_without_answers_is_running_but_not_ready(tmp_path: Path) -> None:
    given = settings(tmp_path)
    assert verdicts(list(checks.built(given)))["running", "server"] is NOTE
    with instance.claim(tmp_path, given.origin, given.port):
        assert verdicts(list(checks.built(given)))["running", "server"] is BROKEN


def test_a_package_off_its_pin_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("rich==0.0.1  # old\nsqlalchemy[asyncio]==9\n")
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    found = verdicts(list(checks.installed(settings(tmp_path))))
    assert found["installed", "rich"] is BROKEN
    assert found["installed", "sqlalchemy"] is BROKEN


def test_the_table_names_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    doctor.doctor(settings(tmp_path), as_json=False)
    shown = capsys.readouterr().out
    for finding in checks.examine(settings(tmp_path)):
        assert finding.name in shown
