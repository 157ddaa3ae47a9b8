"""Whether the value that stands behind a name of secrets is one: no placeholder, no reference, no word. Pure."""

from __future__ import annotations

import re
from typing import Final

from smcp_security.redaction.judging import entropy_of, filled, sequential, stands_in
from smcp_security.redaction.naming import PASSWORD, SECRET

_LONGEST: Final = 400
_REFERENCE: Final = re.compile(
    r"[$<{%@&*\[(`]|(?:env|vault|ref|file|arn|ssm|op|secret|process|os|config|var|local|data|module|self|this)[:.]"
    r"|https?:|[a-z]+://|/[a-z]|~/|\.{1,2}/",
    re.ASCII | re.IGNORECASE,
)
"""How a value begins that only says where the secret is: a variable, a template, a file, an address."""

_TEMPLATE: Final = re.compile(r"\$\{|\{\{|\$\(|%\(|<[A-Za-z][\w -]*>|\w\(|\bgetenv\b|\benviron\b", re.ASCII)
_WORD: Final = re.compile(r"[A-Z]?[a-z]{0,24}\d{0,2}|[A-Z]{1,24}\d{0,2}|\d{1,4}|v\d+", re.ASCII)
_SEPARATORS: Final = re.compile(r"[-_.:/ ,+]", re.ASCII)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])", re.ASCII)
_SCHEMA: Final = frozenset(
    "string str text integer number boolean bool true false null none nil undefined object array any unknown required"
    " optional password passwd pass pwd secret token apikey user username test guest changeme change redacted hidden"
    " masked empty default value basic bearer digest oauth oauth2 jwt api_key yes no on off auto input foo bar baz abc"
    " passw0rd admin root example xxx asdf key login".split()
)
"""Values that stand for a type, a mode or nothing."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def credential(value: str, name: str, *, quoted: bool) -> bool:
    """Whether `value` is what a name that `says` `name` holds. `quoted`: its bounds are sure, as in a field."""
    if not 4 <= len(value) <= _LONGEST or refers(value) or value.lower() in _SCHEMA:
        return False
    if name == PASSWORD:
        return _password(value, quoted)
    if len(value) < 8 or any(sign in value for sign in " \t\n") or filled(value) or stands_in(value):
        return False
    if sequential(value):
        return False
    if not wordy(value):
        return entropy_of(value) >= (2.5 if name == SECRET else 2.75) and (
            name == SECRET or (len(value) >= 10 and _UUID.fullmatch(value) is None)
        )
    return False


def refers(value: str) -> bool:
    """Whether a value only says where the secret is, or that one belongs here."""
    if (
        value.startswith(("[redacted:", "!secret", "!vault", "...", "***", "xxx", "XXX"))
        or _TEMPLATE.search(value) is not None
    ):
        return True
    # An opening sign alone is a reference, unless what follows has no end to it: passwords begin with anything.
    if _REFERENCE.match(value) is None:
        return False
    return value[0] not in "%@&*(" or wordy(value[1:]) or value[-1] in ")%*"


def wordy(value: str) -> bool:
    """Whether a value consists of words, versions and short numbers, as names and identifiers do."""
    parts = [part for piece in _SEPARATORS.split(value) for part in _CAMEL.split(piece)]
    if any(_WORD.fullmatch(part) is None for part in parts):
        return False
    # Random letters of both cases fall apart into pieces of one and two letters; words do not.
    longest = max(map(len, parts))
    return len(value) < 12 or len(value) / len(parts) >= 3.5 or longest >= 8


def _password(value: str, quoted: bool) -> bool:
    if value.count(" ") > 3 or "\n" in value or set(value.lower()) <= set("x*.-_#?•0 ") or stands_in(value):
        return False
    if value.isalpha():
        return quoted and len(value) >= 6 and (value.islower() or not (value.istitle() or value.isupper()))
    if " " in value or (not quoted and _UUID.fullmatch(value) is not None):
        return False
    return not wordy(value) or (quoted and not _identifier(value))


def _identifier(value: str) -> bool:
    """Names of things have separators between words and no digits; words with hyphens are a passphrase too."""
    if any("0" <= sign <= "9" for sign in value) or not wordy(value):
        return False
    return _PHRASE.fullmatch(value) is None or "pass" in value


_PHRASE: Final = re.compile(r"[a-z]{2,12}(?:-[a-z]{2,12}){1,7}", re.ASCII)
