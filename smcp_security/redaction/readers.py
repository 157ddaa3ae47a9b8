"""Readers in code: where the span is in a candidate that no pattern can bound. Pure; on short windows only.

A reader gets what stands before the candidate, the text from it on, and its size; latin-1, so that a character is a
byte. It gives the span as offsets into the text from the candidate on, or None.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from smcp_security.redaction.addresses import email, ipv6, joins
from smcp_security.redaction.checksums import LENGTHS_OF_IBANS, iban
from smcp_security.redaction.insides import INSIDES
from smcp_security.redaction.judging import entropy_of, placeholder, stands_in
from smcp_security.redaction.naming import PASSWORD, says
from smcp_security.redaction.values import credential, refers, wordy

__all__ = ["READERS", "Reader"]

Reader = Callable[[str, str, int], "tuple[int, int] | None"]

_LEAST_KEY: Final = 40
"""Characters of Base64 that the shortest private key has more than."""

_NAME_END: Final = re.compile(r"[\w.-]*\Z", re.ASCII)
_OPERATOR: Final = re.compile(
    r"""([\w.-]*+)(?:\\{0,4}["'`]|[\])])*+[ \t]{0,8}(?:[:?]{0,3}=>?|:)(?!=)[ \t]{0,8}""", re.ASCII
)
_QUOTE: Final = re.compile(r"""\\{0,4}["'`]""")
_BARE: Final = re.compile(r"""(?:[^\s"'`<>,;&|)\]}\\]|&(?![\w.-]+=))+""", re.ASCII)
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|api-?token|api-?key|apikey|digest|negotiate)[ :]+", re.IGNORECASE)


def _assigned(before: str, here: str, size: int) -> tuple[int, int] | None:
    """`password = ...`, `"api_key": "..."`, `token=...`: the value, if the whole name says that it is a secret."""
    operator = _OPERATOR.match(here)
    left = _NAME_END.search(before[-40:])
    if operator is None or left is None:
        return None
    name = says(left.group() + operator.group(1))
    if not name:
        return None
    start = operator.end()
    found = _value(here, start)
    if found is None:
        return None
    start, end, quoted = found
    scheme = _SCHEME.match(here, start, end)
    if scheme is not None:
        start = scheme.end()
    return (start, end) if credential(here[start:end], name, quoted=quoted) else None


def _value(here: str, start: int) -> tuple[int, int, bool] | None:
    """The bounds of the value at `start`, and whether quotes are around it."""
    quote = _QUOTE.match(here, start)
    if quote is not None:
        end = here.find(quote.group(), quote.end())
        if end > quote.end() and "\n" not in here[quote.end() : end]:
            return quote.end(), end, True
        start = quote.end()
    bare = _BARE.match(here, start)
    if bare is None or here[bare.end() : bare.end() + 1] in ("(", "["):
        return None
    end = bare.end()
    while end > start and here[end - 1] in ".:":
        end -= 1
    return start, end, False


def _told(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The password right behind the words that announce it, if it looks like one by itself."""
    start = size + len(here[size:]) - len(here[size:].lstrip(" "))
    found = _value(here, start)
    if found is None or not credential(here[found[0] : found[1]], PASSWORD, quoted=False):
        return None
    return found[:2]


def _authorization(before: str, here: str, size: int) -> tuple[int, int] | None:
    """What a header signs in with, and `Bearer ...` by itself."""
    found = _CREDENTIALS.match(here)
    if found is None:
        return None
    value = found.group(2)
    if refers(value) or placeholder(value) or stands_in(value) or len(value) < 8:
        return None
    if (found.group(1) or "").lower().startswith("basic"):
        return found.span(2) if _is_pair(value) else None
    if wordy(value) or (entropy_of(value) < 3.0 and len(value) > 12):
        return None
    return found.span(2)


_CREDENTIALS: Final = re.compile(
    r"""(?:(?:proxy-)?authori[sz]ation(?:\\{0,4}["'`\])])*\s{0,4}(?::=|[:=]>?)\s{0,4}(?:\\{0,4}["'`])?)?"""
    r"""((?:bearer|basic|token|api-?token|api-?key|digest)[ :=]{1,3}(?:token[= ]{1,2})?)?(?:\\{0,4}["'`])?"""
    r"""([^\s"'`<>,;\\]+)""",
    re.IGNORECASE,
)


def _is_pair(value: str) -> bool:
    """Whether Base64 of `name:password`."""
    try:
        return b":" in binascii.a2b_base64(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return False


def _url_password(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The password of `scheme://name:password@host`."""
    user, colon, password = here[3 : size - 1].partition(":")
    start = 4 + len(user)
    if not colon or len(password) < 3 or refers(password) or (placeholder(password) and len(password) > 5):
        return None
    if password.lower() in _URL_STAND_INS or stands_in(password) or (user.lower() == "user" and password == "pw"):
        return None
    return start, size - 1


_URL_STAND_INS: Final = frozenset(
    "password passwd pass pwd secret token user username pw xxx xxxx changeme mypassword mypass key".split()
)


def _flag(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The password behind `-u name:`, `--user name:`, `--password` and the like."""
    start = len(here) - len(here.lstrip(" \t\r\n\"'"))
    found = _PAIR.match(here, start)
    if found is not None:
        name, password = found.group(1), found.group(2)
        value, group = (password, 2) if password and len(password) > 2 else (name, 1)
        if password in ("", None) and len(name) < 6:
            return None
        return found.span(group) if _typed(value) and value.lower() != name.lower() * (group - 1) else None
    found = _OPTION.match(here, start)
    if found is None:
        return None
    value = found.group(1)
    return found.span(1) if not refers(value) and _typed(value) and not value.startswith("-") else None


_PAIR: Final = re.compile(
    r"""(?:-u|--user|--proxy-user)[ =]{1,3}["']?((?:\{[\w-]+\}|[\w.@!?*#~=,;/\\-]*))["']?:["']?"""
    r"""([^\s"'`$<\[(]*[^\s"'`<\[(]*)""",
    re.ASCII,
)
_OPTION: Final = re.compile(
    r"""--?(?:password|passwd|passphrase|pass|pwd|token|api-?key|secret|auth-?token|access-?token|client-?secret)"""
    r"""(?:=|\s{1,3}){1,2}["']?([^\s"'`,;)]+)""",
    re.ASCII | re.IGNORECASE,
)


def _typed(value: str) -> bool:
    """Whether somebody's password, and no word that stands for one."""
    if len(value) < 6 or refers(value.strip("{}")) or placeholder(value) or stands_in(value):
        return False
    letters = value.strip("{}")
    return not wordy(letters) or (any(map(str.isdigit, letters)) and any(map(str.isalpha, letters)))


def _jwt(before: str, here: str, size: int) -> tuple[int, int] | None:
    """A JSON Web Token whose header says what it is."""
    header = here[:size].partition(".")[0]
    try:
        decoded = binascii.a2b_base64(header.replace("-", "+").replace("_", "/").rstrip("=") + "=" * (-len(header) % 4))
        read = json.loads(decoded[:4096])
    except (ValueError, RecursionError):
        return None
    return (0, size) if isinstance(read, dict) and ("alg" in read or "typ" in read or "enc" in read) else None


_BODY: Final = re.compile(
    r"(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[^\n\\]{0,200}"
    r"|[A-Za-z0-9+/=\s]|\\{1,4}[nrt]|\\{1,4}/|\\u000[aAdD]|[,\"'])*+"
)
_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def _private_key(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The whole block, or as much of it as there is, also with line breaks written as `\\n`."""
    body = _BODY.match(here, size)
    end = size if body is None else body.end()
    held = sum(map(str.isalnum, here[size:end]))
    if held <= _LEAST_KEY:
        return None
    closed = _END.match(here, end)
    if closed is not None:
        return 0, closed.end()
    return 0, end - (len(here[size:end]) - len(here[size:end].rstrip(" \t\r\n\"',\\")))


def _putty(before: str, here: str, size: int) -> tuple[int, int] | None:
    """PuTTY's file from its first line to the last that it can have."""
    end = size
    for line in _LINE.finditer(here, size):
        if _PUTTY_LINE.match(line.group(1)) is None:
            break
        end = line.end()
    return (0, end) if "Private-Lines" in here[:end] else None


_LINE: Final = re.compile(r"([^\n\\]*)(?:\r?\n|\\r\\n|\\n|\Z)")
_PUTTY_LINE: Final = re.compile(
    r"[ ]?(?:[\w@.-]*|[A-Za-z0-9+/=]+"
    r"|(?:Encryption|Comment|Public-Lines|Private-Lines|Private-MAC|Key-Derivation|Argon2-\w+): .*)\r?\Z"
)


def _iban(before: str, here: str, size: int) -> tuple[int, int] | None:
    """An IBAN by its country's length; what is behind it may look like more of it."""
    length = LENGTHS_OF_IBANS.get(here[:2].upper())
    if length is None or joins(before[-1:]) or before[-1:] in ("_", "-"):
        return None
    signs = []
    for place, sign in enumerate(here[:size]):
        if sign.isalnum():
            signs.append(sign)
            if len(signs) == length:
                after = here[place + 1 : place + 2]
                good = not joins(after) and after != "_" and iban("".join(signs).upper())
                return (0, place + 1) if good else None
    return None


def _behind(before: str, pattern: re.Pattern[str]) -> int:
    """How far back from the candidate a token reaches, 0 for not at all."""
    found = pattern.search(before)
    return 0 if found is None else len(before) - found.start(1)


_HEX_BEFORE: Final = re.compile(r"(?:^|[^0-9A-Za-z]|\\[nrt])([0-9a-f]{32})\Z", re.ASCII)
_DIGITS_BEFORE: Final = re.compile(r"(?:^|[^0-9A-Za-z]|\\[nrt]|bot)([0-9]{8,10})\Z", re.ASCII)
_ATLAS_BEFORE: Final = re.compile(r"(?:^|[^0-9A-Za-z]|\\[nrt])([A-Za-z0-9]{14})\Z", re.ASCII)


_THREE_BEFORE: Final = re.compile(r"(?:^|[^0-9A-Za-z_~.%/-]|\\[nrt])([A-Za-z0-9_~.]{3})\Z", re.ASCII)
_APP_BEFORE: Final = re.compile(r"(?:^|[^0-9A-Za-z]|\\[nrt])([0-9]{14,15})\Z", re.ASCII)


def _azure(before: str, here: str, size: int) -> tuple[int, int] | None:
    """Three characters, a digit, `Q~`, and 31 to 34 more."""
    back = _behind(before, _THREE_BEFORE)
    return (
        (-back, size) if back and 34 <= size <= 37 and here.count("~") < 6 and not placeholder(here[3:size]) else None
    )


def _meta_app(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The number of an app, a bar, and its token."""
    back = _behind(before, _APP_BEFORE)
    return (-back, size) if back and 28 <= size <= 45 and entropy_of(here[2:size]) > 3.5 else None


def _mailchimp(before: str, here: str, size: int) -> tuple[int, int] | None:
    """32 hex digits before the name of a data centre."""
    back = _behind(before, _HEX_BEFORE)
    return (-back, size) if back and not here[size : size + 1].isalnum() else None


def _telegram(before: str, here: str, size: int) -> tuple[int, int] | None:
    """The number of the bot, a colon, and 35 characters."""
    back = _behind(before, _DIGITS_BEFORE)
    return (-back, 36) if back and size == 36 else None


def _hashicorp(before: str, here: str, size: int) -> tuple[int, int] | None:
    """A token of Vault by its length, one of Terraform Cloud by what stands before its name."""
    if here.startswith("."):
        back = _behind(before, _ATLAS_BEFORE)
        return (-back, size) if back and 60 <= size - 9 <= 75 and not placeholder(here[9:size]) else None
    return (0, size) if size >= 28 and not placeholder(here[4:size]) else None


_ACCOUNT_BEFORE: Final = re.compile(r"(?:[A-Za-z0-9]|(?<=[^A-Za-z0-9])[_+])[A-Za-z0-9._%+-]*\Z", re.ASCII)
_DOMAIN: Final = re.compile(
    r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9-]*[0-9])", re.ASCII
)


def _email(before: str, here: str, size: int) -> tuple[int, int] | None:
    """An address by what stands around its sign. An escape before it is none of it."""
    before, here = before + here[:1], here[1:]
    account, domain = _ACCOUNT_BEFORE.search(before), _DOMAIN.match(here)
    if account is None or domain is None:
        return None
    start = account.start()
    if before[start - 1 : start] == "\\" and before[start] in "nrt":
        start += 1
    if start == len(before) or not email(before[start:] + domain.group(), before[:start], here[domain.end() :]):
        return None
    return start - len(before) + 1, domain.end() + 1


_SIX_BEFORE: Final = re.compile(r"[0-9A-Fa-f:]*\Z", re.ASCII)
_SIX: Final = re.compile(r"[0-9A-Fa-f:]+(?:\.[0-9]{1,3}){0,3}", re.ASCII)


def _ipv6(before: str, here: str, size: int) -> tuple[int, int] | None:
    """An address of version 6 by what stands around a piece of it."""
    left, right = _SIX_BEFORE.search(before[-40:]), _SIX.match(here)
    if left is None or right is None:
        return None
    back, end = len(left.group()), right.end()
    # The colon of a sentence or of a port is no part of it.
    while end > 2 and here[end - 1] == ":" and here[end - 2] != ":":
        end -= 1
    fits = ipv6(before[len(before) - back :] + here[:end], before[: len(before) - back], here[end:])
    return (-back, end) if fits else None


READERS: Final[Mapping[str, Reader]] = MappingProxyType({
    "assigned": _assigned,
    "told": _told,
    "authorization": _authorization,
    "url-password": _url_password,
    "flag": _flag,
    "jwt": _jwt,
    "private-key": _private_key,
    "putty": _putty,
    "iban": _iban,
    "email": _email,
    "ipv6": _ipv6,
    "azure": _azure,
    "meta-app": _meta_app,
    "mailchimp": _mailchimp,
    "telegram": _telegram,
    "hashicorp": _hashicorp,
    **INSIDES,
})  # fmt: skip
"""What a rule's `read` stands for."""
