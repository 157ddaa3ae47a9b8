"""The `vault` section: where secrets are kept, what opens them, and which tools may have which. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from smcp_security.policy.section import FILE_PATTERN, Section, file_name

NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
"""Of a secret: it may stand in `vault://name`, and two never differ only by what a terminal hides."""

HANDLE: Final = "vault://"
"""Before the name of a secret, where configuration says one in place of a value."""
HANDLE_PATTERN: Final = rf"^{HANDLE}{NAME_PATTERN[1:]}"
KEY_PATTERN: Final = r"^(passphrase:)?(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:[^\x00]{0,1023}[^\x00/])$"
LEAST_GRANTED: Final = 12
"""Bytes. A search for a shorter value would hit ordinary text, so it cannot be granted."""
LEAST_DIFFERENT: Final = 4
"""Bytes that are not the same: a line of zeros, dashes or blanks is ordinary text, however long."""

_NAME: Final = re.compile(NAME_PATTERN, re.ASCII)
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)
_MAX: Final = 64


def is_name(text: object) -> bool:
    """Whether a secret may be called that."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def can_be_granted(value: bytes) -> bool:
    """Whether a search for a value finds that and nothing else."""
    return len(value) >= LEAST_GRANTED and len(set(value)) >= LEAST_DIFFERENT


def named_by(handle: str) -> str | None:
    """The name of the secret that `vault://name` stands for; None if it is no such handle."""
    name = handle.removeprefix(HANDLE)
    return name if name != handle and is_name(name) else None


def _name(value: object) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise ValueError("expected the name of a secret: letters, digits and _ . -, at most 128")
    return value


def _file(value: object) -> str:
    if (name := file_name(value)) is None:
        raise ValueError("expected the name of the vault file, as `smcp vault init` makes it")
    return name


def _keys(value: object) -> tuple[str, ...]:
    """One reference or a list of them; never a key itself, which is not shown."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not given or len(given) > _MAX:
        raise ValueError(_KEY_EXPECTED)
    for each in given:
        if not isinstance(each, str) or _KEY.fullmatch(each) is None:
            raise ValueError(_KEY_EXPECTED)
    if len(set(given)) < len(given):
        raise ValueError("names the same key twice; the first one seals, the others only open")
    return tuple(given)


_KEY_EXPECTED: Final = (
    "expected env:NAME or file:PATH of the key, or passphrase:env:NAME or passphrase:file:PATH, or a list of them;"
    " a key has no place in a policy"
)

SecretName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
VaultFile = Annotated[str, BeforeValidator(_file), WithJsonSchema({"type": "string", "pattern": FILE_PATTERN})]
KeyReferences = Annotated[
    tuple[str, ...],
    BeforeValidator(_keys),
    WithJsonSchema({
        "anyOf": [
            {"type": "string", "pattern": KEY_PATTERN},
            {"type": "array", "minItems": 1, "maxItems": _MAX, "items": {"type": "string", "pattern": KEY_PATTERN}},
        ]
    }),
]  # fmt: skip


def _globs(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("expected a list of at least one name or glob")
    return tuple(value)


Globs = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=256)], ...], Field(min_length=1), BeforeValidator(_globs)
]


class GrantPolicy(Section):
    """Which calls may have which secrets: everything that is written must fit."""

    secrets: tuple[SecretName, ...] = Field(min_length=1, max_length=_MAX, description="Names of secrets.")
    tools: Globs = Field(description="Tools by name or glob.")
    callers: Globs | None = Field(
        default=None, description="Callers by id or glob, such as key:ann or jwt:*; null: any, known or not."
    )
    roles: Globs | None = Field(default=None, description="Roles of which the caller has one. null: none is asked.")
    tenants: Globs | None = Field(default=None, description="Tenants that the caller may be of. null: any, or none.")
    owner: Literal["shared", "tenant"] = Field(
        default="shared",
        description="shared: the secret that is nobody's in particular; tenant: the one that the caller's tenant owns.",
    )


class VaultPolicy(Section):
    """Secrets that tools use and nobody sees."""

    file: VaultFile = Field(description="Vault file, relative to the server's current directory.")
    key: KeyReferences = Field(
        description="env:NAME, file:PATH, passphrase:env:NAME or passphrase:file:PATH; a list while a key is exchanged."
    )
    grants: tuple[GrantPolicy, ...] = Field(
        default=(), max_length=1_000, description="Who may have which secret. An empty list: nobody."
    )
    generation: Annotated[int, Strict(), Field(ge=1, le=2**63 - 1)] | None = Field(
        default=None,
        description="Least generation that the file must have, as `smcp vault verify` prints it: an older copy is"
        " refused. null: only what this process has seen counts.",
    )
