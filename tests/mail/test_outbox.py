"""alltoken_app/mail/outbox.py and templates.py"""

import pytest
import time_machine

from alltoken_app import db
from alltoken_app.clock import DAY
from alltoken_app.mail import outbox, templates
from alltoken_app.mail.templates import Letter
from alltoken_app.settings import Settings

LETTER = Letter("test", "Hello", "{0.__class__} ${7*7} %n {{7*7}}")


async def test_a_mail_is_queued_by_the_transaction_that_causes_it(database: db.Database) -> None:
    def fail(session: db.Session) -> None:
        outbox.queue(session, "mira@example.org", LETTER)
        session.flush()
        raise LookupError

    with pytest.raises(LookupError):
        await database.run(fail)
    assert await database.read(outbox.recent) == []
    await database.run(outbox.queue, "mira@example.org", LETTER)
    (mail,) = await database.read(outbox.recent)
    assert (mail.recipient, mail.kind, mail.text) == ("mira@example.org", "test", LETTER.text)


async def test_mails_are_kept_for_seven_days(database: db.Database) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        await database.run(outbox.queue, "mira@example.org", LETTER)
        clock.shift(7 * DAY / 1000)
        assert await database.run(outbox.sweep) == 0
        clock.shift(1)
        assert await database.run(outbox.sweep) == 1


@pytest.mark.parametrize(
    ("changed", "open_"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),
        ({"smtp_url": "smtp://127.0.0.1:25"}, False),
        ({"public_url": "https://ai.example.com"}, False),
        ({"public_url": "http://localhost:9000"}, True),
    ],
)
def test_only_this_machine_may_look_into_the_mailbox(changed: dict[str, str], open_: bool) -> None:
    assert outbox.has_mailbox(Settings(_env_file=None, **changed)) is open_


def test_no_letter_promises_what_it_cannot_keep() -> None:
    origin = "https://ai.example.com"
    letters = [
        templates.confirm_address(f"{origin}/verify?token=x", origin),
        templates.already_registered(origin),
        templates.reset_password(f"{origin}/reset?token=x", origin),
        templates.password_changed(origin),
    ]
    for letter in letters:
        words = f"{letter.subject} {letter.text}".lower()
        assert origin in words
        assert not any(word in words for word in ("oops", "successfully", "please", "!"))
    assert len({letter.kind for letter in letters}) == len(letters)
