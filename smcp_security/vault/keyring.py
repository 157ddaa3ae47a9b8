"""The keys that seal and open a vault, in order: the first one seals, each of them opens what it sealed."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import Final, NoReturn

from smcp_security.errors import VaultError
from smcp_security.vault.envelope import KEY_BYTES, bound, derived

_FINGERPRINT: Final = bound("fingerprint")
_FINGERPRINT_BYTES: Final = 8


class MasterKey:
    """A key-encryption key. `label` is the reference it was read from, such as env:SMCP_VAULT_KEY.

    Neither a struct nor a dataclass: what dumps, prints or pickles those would show the key, too.
    """

    __slots__ = ("_fingerprint", "_material", "label")

    _fingerprint: str
    _material: bytes
    label: str

    def __init__(self, material: bytes, label: str) -> None:
        """`material` is 32 bytes. Raises `VaultError` otherwise."""
        if (found := _wrong(material)) is not None:
            raise VaultError(f"{label}: expected a key of {KEY_BYTES} bytes, found {found}")
        object.__setattr__(self, "_material", material)
        object.__setattr__(self, "_fingerprint", derived(material, _FINGERPRINT, _FINGERPRINT_BYTES).hex())
        object.__setattr__(self, "label", label)

    @property
    def material(self) -> bytes:
        """The key itself."""
        return self._material

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell keys apart and say nothing of them."""
        return self._fingerprint

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a master key does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a master key does not change")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MasterKey) and compare_digest(self._material, other._material)

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    def __repr__(self) -> str:
        return f"MasterKey({self.label!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a master key is neither pickled nor copied: it would leave this process")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a master key shows its state to nobody")


class KeyRing:
    """Some master keys. Hides them in `repr`."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        """Raises `VaultError` for none, and for two that are the same."""
        self.keys = tuple(keys)
        if not self.keys:
            raise VaultError("no master key is given; name at least one, such as env:SMCP_VAULT_KEY")
        self._found: dict[str, MasterKey] = {}
        for key in self.keys:
            same = self._found.setdefault(key.fingerprint, key)
            if same is not key:
                raise VaultError(f"{key.label}: is the same key as {same.label}; name each key once")

    @property
    def first(self) -> MasterKey:
        """The one that seals."""
        return self.keys[0]

    def find(self, fingerprint: str) -> MasterKey | None:
        """The key of that fingerprint."""
        return self._found.get(fingerprint)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.label for key in self.keys)})"


def _wrong(material: object) -> str | None:
    if not isinstance(material, bytes):
        return type(material).__name__
    return None if len(material) == KEY_BYTES else str(len(material))
