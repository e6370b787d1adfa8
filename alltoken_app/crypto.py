"""Secrets of this installation, and the tokens made with them.

A token is `prefix_` + 43 base62 digits (256 random bits) + 6 base62 digits of CRC32: a scanner
can tell a real one from a lookalike without asking anybody. Only its HMAC is ever stored.
"""

import hashlib
import hmac
import json
import os
import secrets
import zlib
from dataclasses import dataclass
from pathlib import Path

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY = 43
CHECK = 6


@dataclass(frozen=True, repr=False)
class Secrets:
    """What `secrets.json` holds. Never shown: the representation is redacted.

    Attributes:
        pepper: Keys the HMAC of API keys and browser tokens.
        sandbox_api_key: The sandbox payment processor accepts this key and no other.
        sandbox_webhook_secret: Signs the sandbox processor's webhooks.
        engine_token: Lets the gateway, and nobody else, talk to the local model process.
    """

    pepper: bytes
    sandbox_api_key: str
    sandbox_webhook_secret: str
    engine_token: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def load_secrets(folder: Path) -> Secrets:
    """Read `secrets.json` in `folder`; on the first run make it, readable by its owner alone."""
    path = folder / "secrets.json"
    if not path.exists():
        _write_new(path)
    kept = json.loads(path.read_text())
    return Secrets(
        pepper=bytes.fromhex(kept["pepper"]),
        sandbox_api_key=kept["sandbox_api_key"],
        sandbox_webhook_secret=kept["sandbox_webhook_secret"],
        engine_token=kept["engine_token"],
    )


def _write_new(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {
        "pepper": secrets.token_hex(32),
        "sandbox_api_key": "sk_test_" + secrets.token_hex(16),
        "sandbox_webhook_secret": "whsec_" + secrets.token_hex(24),
        "engine_token": secrets.token_urlsafe(32),
    }
    draft = path.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    try:
        os.link(draft, path)  # never overwrites: two first runs at once agree on one file
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _base62(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def new_token(prefix: str) -> str:
    """A new secret such as "atk_test_…"; `prefix` comes without its last underscore."""
    body = _base62(secrets.randbits(256), BODY)
    return f"{prefix}_{body}{_base62(zlib.crc32(body.encode()), CHECK)}"


def well_formed(token: str) -> bool:
    """Whether the checksum fits; costs no look-up, so nonsense is refused first."""
    body, check = token[-(BODY + CHECK) : -CHECK], token[-CHECK:]
    if len(body) != BODY or not token.isascii():
        return False
    return hmac.compare_digest(_base62(zlib.crc32(body.encode()), CHECK), check)


def token_digest(pepper: bytes, token: str) -> str:
    """Hex HMAC-SHA256 under the installation's pepper: all that is stored of a token."""
    return hmac.digest(pepper, token.encode(), "sha256").hex()


def sha256_hex(text: str) -> str:
    """Hex SHA-256, for 256-bit session ids and mail tokens."""
    return hashlib.sha256(text.encode()).hexdigest()


def display(token: str) -> str:
    """What may be shown of a token ever after: "atk_test_ab12…9xyz"."""
    head = token[: -(BODY + CHECK)]
    return f"{head}{token[len(head) : len(head) + 4]}…{token[-4:]}"
