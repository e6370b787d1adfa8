"""alltoken_app/services/accounts.py: what a sign-up form may hold. No database is open here."""

import pytest

from alltoken_app.errors import AllTokenError
from alltoken_app.services import accounts, addresses
from tests.people import form


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"email": "a@b"}, "invalid_email", "email"),
        ({"email": "a@x.org\r\nBcc: b@x.org"}, "invalid_email", "email"),
        ({"email": f"{'a' * 320}@x.org"}, "invalid_email", "email"),
        ({"password": "elevenchars"}, "weak_password", "password"),
        ({"password": "x7" * 513}, "weak_password", "password"),
        ({"password": "\ufdfa" * 60}, "weak_password", "password"),  # 18 characters each in NFKC
        ({"password": "quiet-otter\0bakes"}, "weak_password", "password"),
        ({"password": "\ud800quiet-otter-bakes"}, "weak_password", "password"),
        ({"password": "Password1234"}, "weak_password", "password"),
        ({"password": "abababababab"}, "weak_password", "password"),
        ({"password": "Mira@Example.org"}, "weak_password", "password"),
        ({"name": " "}, "invalid_name", "name"),
        ({"name": "Mira\nBcc: x"}, "invalid_name", "name"),
        ({"name": "Mira \u202egnp.exe"}, "invalid_name", "name"),
        ({"organisation": "x" * 81}, "invalid_name", "organisation"),
        ({"of_age": False}, "age_required", "age"),
        ({"accepted": {"terms": "2026-11-22"}}, "acceptance_required", "privacy"),
        ({"accepted": {"terms": "2020-01-01"}}, "acceptance_required", "terms"),
    ],
)
async def test_a_wrong_form_names_the_field_before_anything_is_written(
    changes: dict[str, object], code: str, param: str
) -> None:
    with pytest.raises(AllTokenError) as refused:
        await accounts.sign_up(form(**changes))
    assert (refused.value.code, refused.value.param, refused.value.status) == (code, param, 422)


def test_a_homoglyph_domain_is_another_address() -> None:
    cyrillic = addresses.parse("mira@\u0435xample.org")
    assert cyrillic.canonical != addresses.canonical("mira@example.org")
    assert cyrillic.shown.isascii()
