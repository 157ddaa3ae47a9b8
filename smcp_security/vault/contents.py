"""One reading of a vault, verified as a whole: what is in it, and secrets opened out of it. Pure; never changes."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from smcp_security.errors import InvalidToken, VaultDamaged, VaultError
from smcp_security.opened import Opened
from smcp_security.vault.document import RESTORE, Document, Header, KeyLine, Line
from smcp_security.vault.envelope import OVERHEAD
from smcp_security.vault.facts import Entry, KeyState
from smcp_security.vault.keyring import KeyRing, MasterKey
from smcp_security.vault.wrapping import mac_of, opened

SHARED: Final = ""
"""The tenant of a secret that is nobody's in particular."""


def verified(document: Document, ring: KeyRing, name: str) -> Contents:
    """`document`, once its MAC is right.

    Raises:
        VaultError: the key that vouches for it is not in the ring.
        VaultDamaged: it was changed by somebody without that key.
    """
    header = document.header
    first = header.keys[header.first_key_id - 1]
    key = needed(ring, first, name)
    if not compare_digest(mac_of(document.covered, key, header.vault_id), document.mac):
        raise VaultDamaged(f"{name}: changed since it was written, by something without its key; {RESTORE}")
    return Contents(header, document.lines, ring, name)


def needed(ring: KeyRing, key: KeyLine, name: str) -> MasterKey:
    """The key of the ring that a vault asks for. Raises `VaultError`."""
    found = ring.find(key.fingerprint)
    if found is None:
        given = ", ".join(f"{each.label} (fingerprint {each.fingerprint})" for each in ring.keys)
        raise VaultError(
            f"{name}: needs its key {key.id}, of fingerprint {key.fingerprint}; given was {given}; name the key that"
            " this vault was sealed under"
        )
    return found


class Contents:
    """What a vault held at one generation."""

    def __init__(self, header: Header, lines: tuple[Line, ...], ring: KeyRing, name: str) -> None:
        self.header = header
        self.lines = lines
        self.ring = ring
        self.name = name
        self._versions: dict[tuple[str, str], list[Line]] = {}
        for line in lines:
            self._versions.setdefault(line.place, []).append(line)

    def __repr__(self) -> str:
        return f"Contents({self.name!r}, generation={self.generation})"

    @property
    def generation(self) -> int:
        """One more with every write."""
        return self.header.generation

    @property
    def first(self) -> KeyLine:
        """The key that seals."""
        return self.header.keys[self.header.first_key_id - 1]

    @property
    def secrets(self) -> int:
        """How many secrets there are, whatever number of versions each has."""
        return len(self._versions)

    def versions(self, name: str, tenant: str = SHARED) -> list[Line]:
        """All that there are of one secret, the newest one last."""
        return self._versions.get((tenant, name), [])

    def line(self, name: str, tenant: str = SHARED, version: int | None = None) -> Line | None:
        """One version of a secret, the newest one if none is named; None if there is none."""
        versions = self.versions(name, tenant)
        if version is None:
            return versions[-1] if versions else None
        return next((line for line in versions if line.version == version), None)

    def find(self, name: str, tenant: str = SHARED, version: int | None = None, *, now: float) -> Opened | None:
        """A secret opened; None if there is none, or it has expired. Raises as `open` does."""
        line = self.line(name, tenant, version)
        return None if line is None or is_expired(line, now) else Opened(name, self.open(line), line.version, tenant)

    def open(self, line: Line) -> bytes:
        """The value of a version, expired or not.

        Raises:
            VaultError: the key that it hangs on is not in the ring, or was retired.
            VaultDamaged: it does not open under that key.
        """
        key = self.key_of(line)
        try:
            return opened(line, key, self.header.vault_id)
        except InvalidToken:
            raise self.sealed_shut(line) from None

    def key_of(self, line: Line) -> MasterKey:
        """The master key that a version hangs on. Raises `VaultError`."""
        if line.key_id < self.header.least_key_id:
            raise VaultError(
                f"{self.name}: {title(line)} is sealed under key {line.key_id}, and keys below"
                f" {self.header.least_key_id} were retired; put the secret in anew"
            )
        return needed(self.ring, self.header.keys[line.key_id - 1], self.name)

    def sealed_shut(self, line: Line) -> VaultDamaged:
        """The error for a version that does not open under its key."""
        return VaultDamaged(
            f"{self.name}: {title(line)} does not open: it was sealed for another name, version, tenant or vault, or"
            " damaged; remove that version and put the secret in anew, or restore the file from a backup"
        )

    def entries(self) -> tuple[Entry, ...]:
        """All that may be known, ordered by tenant, name and version."""
        return tuple(entry_of(line, line is self._versions[line.place][-1]) for line in self.lines)

    def keys(self) -> tuple[KeyState, ...]:
        """All keys that there ever were, the oldest one first."""
        return tuple(self.key_state(key) for key in self.header.keys)

    def key_state(self, key: KeyLine) -> KeyState:
        """What may be known of one key."""
        known = self.ring.find(key.fingerprint) is not None
        return KeyState(key.id, key.fingerprint, key.seals, key.id == self.header.first_key_id, known)


def entry_of(line: Line, newest: bool) -> Entry:
    """What may be known of one version."""
    return Entry(
        name=line.name, version=line.version, tenant=line.tenant, created_at=line.created, expires_at=line.expires,
        tags=line.tags, key_id=line.key_id, size=len(line.value) - OVERHEAD, newest=newest,
    )  # fmt: skip


def is_expired(line: Line, now: float) -> bool:
    """Whether a version opens no more at that time."""
    return line.expires is not None and line.expires <= now


def title(line: Line) -> str:
    """What errors call one version."""
    return f"{line.name!r}{f' of tenant {line.tenant!r}' if line.tenant else ''}, version {line.version},"
