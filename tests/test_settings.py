"""alltoken_app/settings.py"""

import re
from pathlib import Path

import pytest

from alltoken_app.settings import Settings, settings

ROOT = Path(__file__).parent.parent
LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def no_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def documented() -> dict[str, str]:
    return dict(LINE.findall((ROOT / ".env.example").read_text()))


def test_every_key_is_documented_and_no_other() -> None:
    assert set(documented()) == {name.upper() for name in Settings.model_fields}


def test_the_defaults_documented_are_the_defaults_that_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = Settings()
    for key, value in documented().items():
        monkeypatch.setenv(key, value)
    given = Settings()
    different = {
        name for name in Settings.model_fields if getattr(given, name) != getattr(plain, name)
    }
    assert different <= {"var"}  # `var` here, the same folder as an absolute path there
    assert given.var.resolve() == (Path.cwd() / "var").resolve()


def test_a_wrong_value_is_named_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "seventy")
    settings.cache_clear()
    with pytest.raises(SystemExit) as stop:
        settings()
    assert "PORT" in str(stop.value)
    assert "seventy" not in str(stop.value) + capsys.readouterr().out


def test_secrets_do_not_show_in_a_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_never_seen")
    monkeypatch.setenv("SMTP_URL", "smtp://me:never_seen@localhost")
    assert "never_seen" not in repr(Settings())


def test_only_a_live_stripe_key_opens_the_live_book(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().book == "sandbox"
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_x")
    assert Settings().book == "sandbox"
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_x")
    assert Settings().book == "live"


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA_ORIGINS", "https://a.example, https://b.example,")
    origins = Settings().origins
    assert origins[-2:] == ("https://a.example", "https://b.example")
