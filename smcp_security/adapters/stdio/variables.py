"""The environment of the server: ours without our secrets, and those of the vault that the operator names for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.errors import VaultError
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy
from smcp_security.policy.vault import HANDLE, named_by

_REFERENCE: Final = re.compile(r"(?:passphrase:)?env:([A-Za-z_][A-Za-z0-9_]*)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the server, and the secret of the vault that it holds."""

    name: str
    secret: str


def parse_variable(text: str) -> Variable:
    """What `NAME=vault://SECRET` says. Raises `ValueError`, which never shows what may be a secret."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(
            f"expected NAME={HANDLE}SECRET; variables of this environment are passed on without being named"
        )
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"expected NAME={HANDLE}SECRET, with a NAME of letters, digits and _")
    if not value.startswith(HANDLE):
        raise ValueError(
            f"{name}: expected {HANDLE}SECRET: a value on a command line can be read by others; store it with"
            " `smcp vault set`"
        )
    secret = named_by(value)
    if secret is None:
        raise ValueError(f"{name}: expected {HANDLE} and the name of a secret: letters, digits and _ . -, at most 128")
    return Variable(name, secret)


def surroundings(environ: Mapping[str, str], policy: Policy) -> dict[str, str]:
    """The environment without what is ours: every SMCP_* variable, and the secrets that the policy names."""
    named = {match.group(1) for text in _texts(policy.model_dump(mode="json")) if (match := _REFERENCE.fullmatch(text))}
    return {name: value for name, value in environ.items() if name not in named and not name.startswith("SMCP_")}


def handed_out(framework: SMCPSecurityFramework, variables: Sequence[Variable]) -> dict[str, str]:
    """The values, each written down in the audit and looked for in all that the server says from now on.

    Raises `VaultError`, `Unavailable` and `AuditUnavailable`.
    """
    if variables and framework.policy.vault is None:
        raise VaultError("--env: the policy has no vault; add the section vault to it")
    return {variable.name: _value(framework, variable) for variable in variables}


def _value(framework: SMCPSecurityFramework, variable: Variable) -> str:
    opened = framework.hand_out(variable.secret, variable.name)
    if b"\0" in opened.value:
        raise VaultError(
            f"--env {variable.name}: the secret {variable.secret} holds a NUL byte, which no environment can carry"
        )
    if not opened.is_text:
        # Each runtime spells such bytes in a way of its own, in which nobody would find them.
        raise VaultError(
            f"--env {variable.name}: the secret {variable.secret} is no UTF-8, and variables are text; store it in"
            " base64"
        )
    return os.fsdecode(opened.value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
