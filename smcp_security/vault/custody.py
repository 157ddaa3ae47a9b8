"""The vault inside of a running server: kept open, read again when its file changes, and what was handed out of it.

Values that were handed out are looked for in all that the server says, as long as the process lives.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from smcp_security.checks.custody import AskSought, OpenSecret
from smcp_security.errors import InvalidToken, Unavailable, VaultError
from smcp_security.keys.watched import Watched
from smcp_security.opened import Opened
from smcp_security.policy.vault import LEAST_GRANTED, VaultPolicy, can_be_granted
from smcp_security.redaction.sought import Sought, Value
from smcp_security.vault.contents import Contents, is_expired
from smcp_security.vault.document import Line
from smcp_security.vault.envelope import OVERHEAD
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.loans import Loan, Loans
from smcp_security.vault.mark import Seen, check_later
from smcp_security.vault.providers import KeySource
from smcp_security.vault.vault import Vault

KEPT: Final = 4096
"""Secrets that are kept open; where there are more, all are opened anew."""

_log: Final = logging.getLogger("smcp_security.vault")

Owned: TypeAlias = tuple[str, str]
"""Tenant and name."""


class _Kept:
    """An opened secret, and the loan without which it is not handed out again."""

    __slots__ = ("line", "loan", "opened")

    def __init__(self, line: Line, opened: Opened, loan: Loan) -> None:
        self.line = line
        self.opened = opened
        self.loan = loan


class _Reading:
    """What one reading of the file found, and what was opened of it since."""

    __slots__ = ("contents", "kept")

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.kept: dict[Owned, _Kept] = {}

    def keep(self, owned: Owned, kept: _Kept) -> None:
        if len(self.kept) >= KEPT:
            self.kept = {}
        self.kept[owned] = kept


class Custody:
    """One vault in use. Thread-safe, fork-safe."""

    def __init__(
        self,
        policy: VaultPolicy,
        keys: KeySource,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Reads and verifies the vault. Raises `VaultError` and `VaultDamaged`: nothing is served then."""
        self._name = policy.file
        self._vault = Vault(FileStore(policy.file), keys, clock=wall, least=policy.generation or 0)
        self._loans = Loans()
        self._fault = ""
        self._closed = False
        self._last: _Reading | None = None
        self._before: dict[str, Seen] = {}
        self._file: Watched[_Reading] = Watched(
            policy.file, self._read, clock, fault=VaultError, effect="secrets are refused", log=_log
        )

    def __repr__(self) -> str:
        return f"Custody({self._vault!r})"

    def open(self, question: OpenSecret) -> Opened | None:
        """The secret, from now on looked for in answers. Raises `Unavailable` while the vault cannot be read."""
        return self._given(self._file.current(), question)

    def open_async(self, question: OpenSecret) -> Opened | Awaitable[Opened | None] | None:
        """`open`; awaitable only when the file has changed."""
        reading = self._file.current_async()
        return self._given(reading, question) if isinstance(reading, _Reading) else self._after(reading, question)

    def holds(self, name: str, owner: str) -> bool:
        """Whether there is a secret that could be handed out: the "shared" one, or that of any "tenant".

        Raises `Unavailable`. Hands nothing out.
        """
        contents = self._file.current().contents
        lines = [line for line in contents.lines if line.name == name and bool(line.tenant) == (owner == "tenant")]
        newest = [line for line in lines if contents.line(line.name, line.tenant) is line]
        return any(self._fits(line) for line in newest)

    def sought(self, question: AskSought) -> Sought | None:
        """What is looked for in answers; the same object until something more was handed out."""
        return self._loans.sought

    def adopt(self, before: Custody) -> None:
        """What the vault in force before has handed out is looked for on, and what it hands out yet.

        Raises `VaultDamaged` for an older copy of what that one, or any before it, has read: by whatever name.
        """
        self._before = before._seen()
        self._check_later(before)
        if before._loans is not self._loans:
            own, self._loans = self._loans, before._loans
            self._loans.adopt(own)
            if self._last is not None:
                self._last.kept = {}

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        self._vault.reset_lock()
        self._file.reset_lock()
        self._loans.reset_lock()

    def close(self) -> None:
        """Hand nothing out any more. What was handed out is looked for on."""
        self._closed = True
        if self._last is not None:
            self._last.kept = {}

    def _read(self, path: str) -> _Reading:
        contents = self._vault.current()
        last = self._last
        if last is None or last.contents is not contents:
            self._last = last = _Reading(contents)
        return last

    def _seen(self) -> dict[str, Seen]:
        """By their ids, the vaults that were read until now: a reload must not be the way to take an older copy."""
        own = self._vault.seen
        return self._before if own is None else {**self._before, own.header.vault_id: own}

    def _check_later(self, before: Custody) -> None:
        same = before._vault.seen if before._name == self._name else None
        # In this order: what that one has read meanwhile is there to be read.
        self._vault.current()
        found = self._vault.seen
        seen = same or (found and self._before.get(found.header.vault_id))
        if found is not None and seen is not None:
            check_later(found, seen, self._name)

    async def _after(self, reading: Awaitable[_Reading], question: OpenSecret) -> Opened | None:
        return self._given(await reading, question)

    def _given(self, reading: _Reading, question: OpenSecret) -> Opened | None:
        if self._closed:
            raise Unavailable("the vault is closed")
        kept = reading.kept.get((question.tenant, question.name))
        line = reading.contents.line(question.name, question.tenant) if kept is None else kept.line
        if line is None or not self._fits(line):
            return None
        return kept.opened if kept is not None and self._loans.renew(kept.loan) else self._opened(reading, line)

    def _fits(self, line: Line) -> bool:
        """Whether it may be handed out now. A shorter one would be found in ordinary text: nobody could look for it."""
        return len(line.value) - OVERHEAD >= LEAST_GRANTED and not is_expired(line, self._vault.now())

    def _opened(self, reading: _Reading, line: Line) -> Opened | None:
        value = self._value(reading.contents, line)
        if not can_be_granted(value):
            return None
        opened = Opened(line.name, value, line.version, line.tenant)
        # In this order: nothing is handed out that is not looked for.
        loan = self._loans.add(Value(opened.name, opened.value))
        reading.keep(line.place, _Kept(line, opened, loan))
        return opened

    def _value(self, contents: Contents, line: Line) -> bytes:
        try:
            return contents.open(line)
        except (VaultError, InvalidToken) as error:
            if str(error) != self._fault:
                self._fault = str(error)
                _log.error("a secret is refused: %s", self._fault)
            raise Unavailable(f"{line.name} cannot be opened") from None
