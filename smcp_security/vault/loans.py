"""The values that a process has handed out, compiled for the search in answers. Thread-safe; bounded by last use."""

from __future__ import annotations

from itertools import count
from operator import itemgetter
from threading import Lock
from typing import Final

from smcp_security.redaction.sought import Sought, Value

MOST: Final = 4096
"""Values that are looked for; of more, those used last."""
SLACK: Final = 512
"""By how many they may be over: to compile all of them anew for each one is dear."""


class Loan:
    """One value that was handed out. It is looked for while `sought` is true; `used` tells the order of last use."""

    __slots__ = ("sought", "used", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.used = 0
        self.sought = False


class Loans:
    """All of them. `sought` is the same object until one more is handed out; None before the first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns = count(1)
        self._loans: dict[Value, Loan] = {}
        self.sought: Sought | None = None

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    def add(self, value: Value) -> Loan:
        """Look for a value from now on; it may be handed out when this returns."""
        with self._lock:
            loan = self._loans.get(value)
            if loan is None:
                loan = Loan(value)
            if not self.renew(loan):
                self._compile({**self._loans, value: loan})
            return loan

    def renew(self, loan: Loan) -> bool:
        """Note that it is used once more; whether it may be handed out without `add`."""
        # In this order: whoever drops a loan says so first, and then looks whether it was used meanwhile.
        loan.used = next(self._turns)
        return loan.sought

    def adopt(self, other: Loans) -> None:
        """What another one has handed out is looked for here too."""
        for value in other.values():
            self.add(value)

    def values(self) -> tuple[Value, ...]:
        """What was handed out until now."""
        with self._lock:
            return tuple(self._loans)

    def _compile(self, loans: dict[Value, Loan]) -> None:
        if len(loans) > MOST + SLACK:
            _drop(loans)
        # A value that cannot be compiled changes nothing here, and is not handed out.
        self.sought = Sought(tuple(loans), self.sought)
        self._loans = loans
        for loan in loans.values():
            loan.sought = True


def _drop(loans: dict[Value, Loan]) -> None:
    """Leave out those that were used longest ago."""
    oldest = sorted(((loan.used, loan) for loan in loans.values()), key=itemgetter(0))
    for used, loan in oldest[: len(oldest) - MOST]:
        loan.sought = False
        if loan.used == used:
            del loans[loan.value]
        else:
            loan.sought = True
