"""API keys: their form, and whether a secret is the one of a key. Pure; the keys themselves are a question."""

from __future__ import annotations

import hmac
import re
from typing import Final

from smcp_security.checks.rung import ApiKey, LookUp, Run

ENVIRONMENT: Final = "SMCP_API_KEY"
"""The owner of the one key of the environment, and its id unless it has one of its own."""

PREFIX: Final = "smcp_"
_FORM: Final = re.compile(r"smcp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
# An id that nobody has costs as much as a wrong secret of one that somebody has.
_NOBODY: Final = ApiKey(id="", owner="", salt=bytes(32), digest=bytes(32))


def parts(text: str) -> tuple[str, str] | None:
    """(id, secret) of a text in the form of `smcp keys create`, None for any other."""
    match = _FORM.fullmatch(text)
    return None if match is None else (match[1], match[2])


def match(id: str, secret: str) -> Run[ApiKey | None]:
    """The API key of that id if `secret` is its secret. Whether it still counts is not looked at."""
    known = yield from LookUp(id).ask()
    key = _NOBODY if known is None else known
    digest = hmac.digest(key.salt, f"{id}:{secret}".encode(), "sha256")
    same = hmac.compare_digest(digest, key.digest)
    return known if same else None
