"""The `pins` section: the lock file that definitions are held to. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from smcp_security.policy.section import FILE_PATTERN, Section, file_name

DIGEST_PATTERN: Final = r"^sha256:[0-9a-f]{64}$"
_DIGEST: Final = re.compile(DIGEST_PATTERN, re.ASCII)


def _digest(value: object) -> str:
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise ValueError("expected sha256: and 64 lower-case hex digits, as `smcp pin` prints them")
    return value


def _lock(value: object) -> str:
    if (name := file_name(value)) is None:
        raise ValueError("expected the name of the lock file; leave `pins` out to hold definitions to none")
    return name


LockName = Annotated[str, BeforeValidator(_lock), WithJsonSchema({"type": "string", "pattern": FILE_PATTERN})]
Digest = Annotated[str, BeforeValidator(_digest), WithJsonSchema({"type": "string", "pattern": DIGEST_PATTERN})]


class PinsPolicy(Section):
    """Which definitions were approved, and what becomes of others."""

    file: LockName = Field(default="smcp.lock", description="Lock file, relative to the server's current directory.")
    drift: Literal["block", "annotate"] = Field(
        default="block",
        description="block: drifted and unpinned definitions are dropped from lists, and calls to them refused.",
    )
    digest: Digest | None = Field(
        default=None, description="SHA-256 that the lock file must have; null: any, so guard the file itself."
    )
