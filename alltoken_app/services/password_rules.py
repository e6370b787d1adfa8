"""What a new password must be, and how one is brought into its one form before hashing."""

import unicodedata

from alltoken_app.errors import Invalid

SHORTEST, LONGEST = 12, 1024
FEWEST_DISTINCT = 5

# The most common ones that are long enough to pass otherwise.
_COMMON = """
123456789012 1234567890123 12345678901234 1234567891011 123123123123 012345678910
1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx3edc4rfv zaq12wsxcde3 q1w2e3r4t5y6 qazwsxedcrfv
qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiop[] qwertyuiopasdf qwerty123456
qwerty1234567 qwerty12345678 qwertyqwerty asdfghjkl123 asdfghjkl;' zxcvbnm12345
password1234 password12345 password123456 password1234! passwordpassword passw0rd1234
p@ssw0rd1234 p@ssword1234 mypassword123 mypassword1234 changeme1234 changemenow1
letmein12345 letmein123456 welcome12345 welcome123456 welcome2024! welcome2025! welcome2026!
administrator administrator1 admin1234567 admin12345678 adminadmin12 superadmin123
iloveyou1234 iloveyou12345 iloveyouforever abcdefghijkl abcdefghijklm abcdefghijklmnop
abcd12345678 abcdef123456 abc123456789 a1b2c3d4e5f6 a12345678910 football1234
baseball1234 sunshine1234 princess1234 dragon123456 monkey123456 michael12345
superman1234 batman123456 trustno112345 secret123456 correcthorsebatterystaple
"""
COMMON = frozenset(_COMMON.split()) | {"correct horse battery staple"}


def prepared(password: str) -> str:
    """The password in NFKC, so that the same characters typed on two systems agree."""
    return unicodedata.normalize("NFKC", password)


def hashable(password: str) -> bool:
    """Whether it is worth hashing at all: not absurdly long, no NUL, no broken characters."""
    if len(password) > LONGEST or "\0" in password:
        return False
    return not any(unicodedata.category(sign) == "Cs" for sign in password)


def check(password: str, emails: tuple[str, ...]) -> None:
    """Refuse what is too short, too long, or guessed first.

    Args:
        password: In its prepared form.
        emails: The person's address in every form; the password must be none of them.

    Raises:
        Invalid: `weak_password`.
    """
    if len(password) < SHORTEST:
        raise _weak(f"A password needs at least {SHORTEST} characters.")
    if not hashable(password):
        raise _weak(f"A password has at most {LONGEST} characters, and no control character NUL.")
    folded = password.casefold()
    if folded in COMMON or len(set(folded)) < FEWEST_DISTINCT:
        raise _weak("This password is among the first ones anybody would try. Choose another.")
    own = {form.casefold() for email in emails for form in (email, email.partition("@")[0])}
    if folded in own:
        raise _weak("The password must not be your email address.")


def _weak(message: str) -> Invalid:
    return Invalid(message, code="weak_password", param="password", status=422)
