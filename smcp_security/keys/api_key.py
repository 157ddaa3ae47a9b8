"""An API key: its text, the digest that is kept of it, and its entry in a key file. Touches no file itself.

The text is `smcp_<12 hex digits: the id>_<43 base64url characters: 256 random bits>`. Kept is HMAC-SHA-256 under the
file's salt: a stolen file opens nothing, and since the secret is random, a slow hash would protect it no better.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from smcp_security.checks.rung import ApiKey
from smcp_security.policy.identity import ROLE_PATTERN, SCOPE_PATTERN

ENVIRONMENT_KEY: Final = "SMCP_API_KEY"
"""The variable that may hold one more key; also its id and its owner."""

KEY_PATTERN: Final = re.compile(r"smcp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
ID_PATTERN: Final = r"[0-9a-f]{12}"
OWNER_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9_.@:/+-]{0,127}"
TENANT_PATTERN: Final = r"[!-~]{1,128}"
DIGEST_PATTERN: Final = r"[0-9a-f]{64}"
MOMENT_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?"

_EXPECTED: Final = {
    "id": (ID_PATTERN, "12 digits of 0-9 and a-f, in quotes"),
    "owner": (OWNER_PATTERN, f"a name of letters, digits and _ . @ : / + -, not {ENVIRONMENT_KEY}"),
    "digest": (DIGEST_PATTERN, "64 digits of 0-9 and a-f, in quotes"),
    "roles": (ROLE_PATTERN, "names of roles: letters, digits and _ . : / -"),
    "scopes": (SCOPE_PATTERN, "scopes without spaces, quotes and backslashes"),
    "tenant": (TENANT_PATTERN, "a name without spaces"),
    "created": (MOMENT_PATTERN, "a time such as 2026-12-31T23:59:59Z"),
    "expires": (MOMENT_PATTERN, "a day, or a time such as 2026-12-31T23:59:59Z"),
    "revoked": (MOMENT_PATTERN, "true, or a time such as 2026-12-31T23:59:59Z"),
}
_LISTS: Final = ("roles", "scopes")
FIELDS: Final = tuple(_EXPECTED)
NEEDED: Final = ("id", "owner", "digest")


class Misfit(Exception):
    """A field that is not what it should be: which, and what was expected. Never what was there."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.expected = _EXPECTED[field][1]
        many = "a list of " if field in _LISTS else ""
        super().__init__(f"{field}: expected {many}{self.expected}")


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key as the file has it. Times are texts in UTC; an empty one means never."""

    id: str
    owner: str
    digest: str
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenant: str = ""
    created: str = ""
    expires: str = ""
    revoked: str | bool = False

    def __repr__(self) -> str:
        return f"Entry({self.id}, {self.owner})"

    def api_key(self, salt: bytes) -> ApiKey:
        """What the identity rung judges by."""
        return ApiKey(
            id=self.id, owner=self.owner, salt=salt, digest=bytes.fromhex(self.digest), roles=self.roles,
            scopes=self.scopes, tenant=self.tenant, expires_at=moment(self.expires) if self.expires else None,
            revoked=bool(self.revoked),
        )  # fmt: skip

    def state(self, now: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked:
            return "revoked"
        return "expired" if self.expires and moment(self.expires) <= now else "active"


def read_entry(fields: Mapping[str, Any]) -> Entry:
    """The entry of `fields`, whose names are known and of which the needed ones are there. Raises `Misfit`."""
    given = {name: value for name, value in fields.items() if value is not None}
    for name, value in given.items():
        _check(name, value)
    given.update({name: tuple(given[name]) for name in _LISTS if name in given})
    return Entry(**given)


def _check(name: str, value: Any) -> None:
    if name == "revoked" and isinstance(value, bool):
        return
    if name in _LISTS and not isinstance(value, list | tuple):
        raise Misfit(name)
    for text in value if name in _LISTS else (value,):
        check_text(name, text)


def check_text(name: str, text: Any) -> None:
    """Refuse a text that the field cannot hold, or one member of a list. Raises `Misfit`."""
    if not isinstance(text, str) or re.fullmatch(_EXPECTED[name][0], text, re.ASCII) is None:
        raise Misfit(name)
    if name == "owner" and text == ENVIRONMENT_KEY:
        raise Misfit(name)
    if name in ("created", "expires", "revoked"):
        try:
            moment(text)
        except ValueError:
            raise Misfit(name) from None


def moment(text: str) -> float:
    """Unix seconds of a time or day in UTC. Raises `ValueError` for one that no calendar has."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()


def moment_text(seconds: float) -> str:
    """The text of unix seconds, as the file has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(salt: bytes, id: str, secret: str) -> bytes:
    """What is kept of a key."""
    return hmac.digest(salt, f"{id}:{secret}".encode(), "sha256")


def new_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def environment_key(secret: str, roles: Sequence[str] = ()) -> ApiKey:
    """The key that stands in the environment. One made by `smcp keys` keeps the id that is part of its text."""
    salt = secrets.token_bytes(32)
    made = KEY_PATTERN.fullmatch(secret)
    id, kept = made.groups() if made is not None else (ENVIRONMENT_KEY, secret)
    return ApiKey(id=id, owner=ENVIRONMENT_KEY, salt=salt, digest=digest(salt, id, kept), roles=tuple(roles))
