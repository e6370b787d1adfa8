"""alltoken_app/states/errors.py"""

import pytest

from alltoken_app.errors import NotFound, Unauthenticated
from alltoken_app.states import errors


def said(exception: Exception) -> str:
    return str(errors.show(exception).args)


def test_an_expected_error_speaks_for_itself() -> None:
    assert "No such key." in said(NotFound("No such key."))


def test_who_is_signed_out_goes_to_sign_in() -> None:
    assert "/signin?error=signed_out" in said(Unauthenticated("…", code="signed_out"))


def test_an_unexpected_error_is_an_id_on_the_page_and_a_place_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        raise LookupError("mira@example.org asked about …")
    except LookupError as error:
        text = said(error)
    logged = capsys.readouterr().out
    assert "mira" not in text + logged
    error_id = text.split("err_")[1][:26]
    assert error_id in logged
    assert "LookupError" in logged
    assert "test_errors.py" in logged
