"""Names that people type and others read: one visible line."""

import unicodedata

from alltoken_app.errors import Invalid

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # controls, bidi tricks, surrogates
JOINER = "\u200d"  # holds emoji together


def clean(text: str, *, param: str, longest: int) -> str:
    """The name in NFC with single spaces, 1 to `longest` characters.

    Raises:
        Invalid: `invalid_name`: empty, too long, or with characters nobody can see.
    """
    words = unicodedata.normalize("NFC", text).strip().split(" ")
    name = " ".join(word for word in words if word)
    hidden = any(unicodedata.category(sign) in HIDDEN and sign != JOINER for sign in name)
    if not 1 <= len(name) <= longest or hidden:
        raise Invalid(
            f"A name has 1 to {longest} characters on one line.",
            code="invalid_name",
            param=param,
            status=422,
        )
    return name
