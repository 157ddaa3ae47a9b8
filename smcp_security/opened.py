"""A secret of the vault, opened: a value that shows itself to nobody who prints, compares or encodes it. Pure."""

from __future__ import annotations

from typing import NoReturn


class Opened:
    """One secret, opened. `tenant` is its owner, "" for one that is nobody's in particular.

    No struct or dataclass: what prints, compares or encodes those by their fields must not show a value.
    """

    __slots__ = ("name", "tenant", "value", "version")

    def __init__(self, name: str, value: bytes, version: int, tenant: str = "") -> None:
        self.name, self.value, self.version, self.tenant = name, value, version, tenant

    @property
    def is_text(self) -> bool:
        """Whether the value is UTF-8."""
        try:
            self.value.decode()
        except UnicodeDecodeError:
            return False
        return True

    def __repr__(self) -> str:
        return f"Opened(name={self.name!r}, version={self.version})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an opened secret is not to be pickled or copied")
