"""alltoken_app/mail/sender.py, against a real SMTP server on loopback"""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlmodel import select

from alltoken_app import db
from alltoken_app.mail import outbox, sender, templates
from alltoken_app.mail.templates import Letter
from alltoken_app.settings import Settings
from alltoken_app.tables.account import Mail
from tests.postgres import free_port

ORIGIN = "http://localhost:3000"
LINK = f"{ORIGIN}/verify?token=secret"
FROM = "AllToken <no-reply@example.com>"

# The server asks for a password without TLS: it lives on loopback.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")


class Postbox:
    """Keeps what arrives; refuses the first `refusals` mails."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refusals = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 later"
        self.envelopes.append(envelope)
        return "250 OK"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
    good = LoginPassword(b"post", b"p@ss/word")
    return AuthResult(success=data == good)


@pytest.fixture
async def postbox() -> AsyncIterator[tuple[Postbox, sender.Server]]:
    box, port = Postbox(), free_port()
    controller = UnthreadedController(
        box,
        "127.0.0.1",
        port,
        loop=asyncio.get_running_loop(),
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.server = await controller._create_server()
    yield box, sender.parse_url(f"smtp://post:p%40ss%2Fword@127.0.0.1:{port}")
    controller.server.close()
    await controller.server.wait_closed()


async def kept() -> list[Mail]:
    return await db.read(lambda session: list(session.exec(select(Mail))))


async def queue(letter: Letter | None = None) -> None:
    letter = letter or templates.confirm_address(LINK, ORIGIN)
    await db.run(outbox.queue, "mira@example.org", letter)


async def test_a_mail_arrives_once_and_its_link_is_forgotten(
    database: db.Database, postbox: tuple[Postbox, sender.Server]
) -> None:
    box, server = postbox
    await queue()
    assert await sender.deliver(server, FROM) == 1
    assert await sender.deliver(server, FROM) == 0
    (envelope,) = box.envelopes
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["mira@example.org"]
    assert (message["From"], message["Subject"]) == (FROM, "Confirm your email address")
    assert message["Message-ID"].endswith("@example.com>")
    assert LINK in message.get_content()
    (mail,) = await kept()
    assert mail.sent_at is not None
    assert (mail.text, mail.attempts) == ("", 1)


async def test_a_refused_mail_is_tried_again_later_and_later(
    database: db.Database, postbox: tuple[Postbox, sender.Server]
) -> None:
    box, server = postbox
    box.refusals = 2
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        await queue()
        assert await sender.deliver(server, FROM) == 0
        clock.shift(59)
        assert await sender.deliver(server, FROM) == 0
        assert box.refusals == 1  # not yet due
        clock.shift(1)
        assert await sender.deliver(server, FROM) == 0
        clock.shift(119)
        assert await sender.deliver(server, FROM) == 0
        clock.shift(1)
        assert await sender.deliver(server, FROM) == 1
    assert len(box.envelopes) == 1


async def test_a_server_that_is_away_costs_nothing_but_time(database: db.Database) -> None:
    server = sender.parse_url(f"smtp://127.0.0.1:{free_port()}")
    await queue()
    assert await sender.deliver(server, FROM) == 0
    (mail,) = await kept()
    assert mail.sent_at is None


async def test_two_processes_never_take_the_same_attempt(database: db.Database) -> None:
    await queue()
    claims = await asyncio.gather(*(database.run(sender.claim) for _ in range(5)))
    assert sum(mail is not None for mail in claims) == 1


async def test_after_a_dozen_attempts_a_mail_is_given_up(database: db.Database) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        await queue()
        attempts = 0
        for _ in range(30):
            attempts += await database.run(sender.claim) is not None
            clock.shift(3_600)
    assert attempts == sender.ATTEMPTS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_background_task_delivers_what_is_queued_later(
    database: db.Database, postbox: tuple[Postbox, sender.Server]
) -> None:
    box, server = postbox
    url = f"smtp://post:p%40ss%2Fword@127.0.0.1:{server.port}"
    settings = Settings(_env_file=None, smtp_url=url, mail_from=FROM)
    task = asyncio.create_task(sender.deliver_forever(settings))
    await queue()
    async with asyncio.timeout(20):
        while not box.envelopes:
            await asyncio.sleep(0.02)
    task.cancel()


async def test_without_smtp_nothing_runs() -> None:
    await sender.deliver_forever(Settings(_env_file=None))


def test_a_line_break_in_a_header_is_refused() -> None:
    mail = Mail(recipient="a@example.org\r\nBcc: b@example.org", subject="x", text="", kind="test")
    with pytest.raises(ValueError, match=r"newline|linefeed|carriage"):
        sender.compose(mail, FROM)


@pytest.mark.parametrize(
    ("url", "port", "tls", "start_tls"),
    [
        ("smtp://mail.example.com", 587, False, True),
        ("smtps://mail.example.com", 465, True, False),
        ("smtp://localhost:2525", 2525, False, None),
    ],
)
def test_mails_leave_this_machine_encrypted(
    url: str, port: int, tls: bool, start_tls: bool | None
) -> None:
    server = sender.parse_url(url)
    assert (server.port, server.tls, server.start_tls) == (port, tls, start_tls)


@pytest.mark.parametrize("url", ["http://mail.example.com", "smtp://", "user:hunter2@mail"])
def test_a_wrong_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL") as refused:
        sender.parse_url(url)
    assert "hunter2" not in str(refused.value)
