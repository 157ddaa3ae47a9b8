"""Whether a shared secret is worth the name. Pure; a message names the variable and never shows what is in it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from smcp_security.errors import PolicyError

LEAST_BYTES: Final = 32
DISTINCT_BYTES: Final = 10
"""Of 32 random hexadecimal digits one draw in 5,000 has fewer; of random text practically none."""

LEFT_OVER: Final = 16
"""Letters and digits that must remain when the words below are taken out."""

ADVICE: Final = 'set it to what this prints: python -c "import secrets; print(secrets.token_urlsafe(32))"'

# What examples, templates and default settings are made of. A word alone refuses nothing, random text may hold one by
# chance; too little beside the words does.
_WORDS: Final = (
    "abcdefghijklmnopqrstuvwxyz abc admin and api are audit auth bar baz bearer bit bytes change changeit "
    "changeme characters chars client correct default demo dev development django do dummy enough env example "
    "fake fastapi flask foo for hello here hmac horse hunter insecure jwt keep key keyboard cat least letmein "
    "long master mcp must needs never not pass passphrase passwd password phrase placeholder please private prod "
    "production public put qwerty qwertyuiop asdfghjkl zxcvbnm random real replace root safe sample secret secure "
    "server session shared should sign signing smcp some something string strong super test testing than that the "
    "this todo token top unsafe use value very weak welcome with world you your 0123456789 1234567890 0987654321 "
    "9876543210 123456789 12345678 1234567 123456 12345 1234 123 256 512 abcdef deadbeef cafebabe"
).split()
_WORD: Final = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)))
_BESIDES: Final = re.compile(r"[^a-z0-9]+")
# Random bytes may be anything; only what somebody typed has blanks and words.
_PRINTABLE: Final = re.compile(rb"[\t-\r -~]*")
LONGEST_KEY: Final = 8192
_SENT: Final = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def check_secret(value: str | bytes, name: str, *, least: int = LEAST_BYTES, left_over: int = LEFT_OVER) -> bytes:
    """The bytes of `value`, a secret that the environment variable `name` holds.

    Raises:
        PolicyError: shorter than `least` bytes, fewer than ten different bytes, a repetition, a sequence, or made of
            the words that examples and defaults are made of.
    """
    secret = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    problem = _problem(secret, least, left_over)
    if problem:
        raise PolicyError(f"{name}: {problem}; {ADVICE}")
    return secret


def check_key(key: str, name: str) -> None:
    """Nothing, if `key` is a secret that a client can send.

    Raises:
        PolicyError: as `check_secret`, or with characters that no header field carries unchanged.
    """
    check_secret(key, name)
    if _SENT.fullmatch(key) is None:
        raise PolicyError(
            f"{name}: expected at most {LONGEST_KEY} letters, digits and other visible ASCII characters,"
            f" because clients send it in a header field; {ADVICE}"
        )


def is_token(key: str) -> bool:
    """Whether `Authorization: Bearer` can carry it (RFC 6750, 2.1)."""
    return _TOKEN.fullmatch(key) is not None


def _problem(secret: bytes, least: int, left_over: int) -> str:
    text = _PRINTABLE.fullmatch(secret) is not None
    if text and secret != secret.strip():
        return "begins or ends with a blank or a line break, which is no part of a secret"
    if len(secret) < least:
        return f"too short: expected at least {least} random bytes, and a shorter secret can be found by trial"
    if len(set(secret)) < DISTINCT_BYTES:
        return f"too uniform: expected at least {DISTINCT_BYTES} different characters"
    if _period(secret) < min(least, len(secret) // 2 + 1):
        return "a repetition of something shorter"
    if _even_steps(secret) > len(secret) // 2:
        return "a sequence that everybody can continue"
    if text and _left_over(secret) < left_over:
        return "made of the words of examples and defaults, which are tried first"
    return ""


def _period(secret: bytes) -> int:
    """The length of the shortest piece that gives the secret when it is repeated and cut."""
    return next(length for length in range(1, len(secret) + 1) if secret.startswith(secret[length:]))


def _even_steps(secret: bytes) -> int:
    return sum(abs(after - before) <= 1 for before, after in pairwise(secret))


def _left_over(secret: bytes) -> int:
    return len(_WORD.sub("", _BESIDES.sub("", secret.decode("ascii").lower())))
