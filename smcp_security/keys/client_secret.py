"""Our own secret at an issuer, from the environment or out of the vault. Never shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from smcp_security.checks.custody import OpenSecret
from smcp_security.errors import PolicyError, Unavailable
from smcp_security.opened import Opened
from smcp_security.policy.vault import LEAST_GRANTED, named_by

OpenVault: TypeAlias = Callable[[OpenSecret], Opened | None]
"""Raises `Unavailable` while the vault cannot be read."""


class ClientSecret:
    """What `env:NAME` or `vault://NAME` stands for. `where` is the key of the policy, for errors.

    Raises `PolicyError` if nothing is there.
    """

    def __init__(self, reference: str, where: str, environ: Mapping[str, str], vault: OpenVault | None = None) -> None:
        self._name = named_by(reference)
        self._vault = vault
        self._fixed = _from_environment(reference, where, environ) if self._name is None else ""
        try:
            self.now()
        except Unavailable as error:
            raise PolicyError(f"{where}: {error}") from None

    def now(self) -> str:
        """The secret; of one in the vault the newest version. Raises `Unavailable`."""
        if self._name is None:
            return self._fixed
        opened = None if self._vault is None else self._vault(OpenSecret(self._name))
        if opened is None:
            raise Unavailable(
                f"the vault has no secret {self._name} of at least {LEAST_GRANTED} bytes that has not expired; store"
                " one with `smcp vault set`"
            )
        try:
            return opened.value.decode()
        except UnicodeDecodeError:
            raise Unavailable(f"the secret {self._name} of the vault is no text; store it as UTF-8") from None

    def same_as(self, other: ClientSecret) -> bool:
        """Whether it comes from the same place."""
        return (self._name, self._fixed, self._vault) == (other._name, other._fixed, other._vault)


def _from_environment(reference: str, where: str, environ: Mapping[str, str]) -> str:
    name = reference.removeprefix("env:")
    if not environ.get(name, "").strip():
        raise PolicyError(f"{where}: the environment variable {name} is not set; set it to the secret")
    return environ[name]
