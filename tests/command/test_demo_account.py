"""alltoken_app/command/demo_account.py, as somebody types it"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from alltoken_app import crypto, db, passwords
from alltoken_app.ledger import accounts
from alltoken_app.money import NANO_PER_USD
from alltoken_app.tables.account import Person
from alltoken_app.tables.key import ApiKey
from tests.conftest import ROOT
from tests.postgres import free_port


def demo_account(var: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"VAR": str(var), "PORT": str(free_port())} | settings
    return subprocess.run(
        [sys.executable, "-m", "alltoken_app", "demo-account", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def facts(session: Session) -> tuple[Person, list[ApiKey], int]:
    person = session.exec(select(Person)).one()
    keys = list(session.exec(select(ApiKey).order_by(col(ApiKey.created_at))))
    wallet = accounts.find_wallet(session, keys[0].org_id, "sandbox")
    assert wallet
    return person, keys, accounts.balance(session, wallet.id).available


async def test_one_line_of_json_is_a_whole_account_and_again_renews_it(
    database_url: str, tmp_path: Path
) -> None:
    given = {"DATABASE_URL": database_url}
    first = demo_account(tmp_path, **given)
    assert first.returncode == 0, first.stderr
    again = demo_account(tmp_path, "--credit", "7.50", **given)
    assert again.returncode == 0, again.stderr
    old, new = json.loads(first.stdout), json.loads(again.stdout)
    assert set(new) == {"email", "password", "key", "base_url", "organisation"}
    assert first.stdout.count("\n") == 1

    person, keys, available = await read(database_url)
    pepper = crypto.load_secrets(tmp_path).pepper
    assert person.email == new["email"]
    assert person.verified_at
    assert await passwords.verify(new["password"], person.password_hash)
    assert not await passwords.verify(old["password"], person.password_hash)
    assert [key.digest for key in keys] == [
        crypto.token_digest(pepper, made["key"]) for made in (old, new)
    ]
    assert [key.revoked_at is None for key in keys] == [False, True]
    assert available == 12_500 * NANO_PER_USD // 1000


async def read(url: str) -> tuple[Person, list[ApiKey], int]:
    database = db.Database(url)
    try:
        return await database.read(facts)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("words", "settings", "told"),
    [
        ((), {"STRIPE_SECRET_KEY": "sk_live_notreal"}, "sandbox book"),
        (("--credit", "2"), {}, "from $5 to $500"),
        (("--credit", "lots"), {}, "amount in US dollars"),
        (("--email", "nobody"), {}, "not an email address"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], told: str
) -> None:
    ran = demo_account(tmp_path, *words, **settings)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
