"""What was handed out is looked for; of too much what was used last, also where it is used while others are dropped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smcp_security.redaction.sought import Value
from smcp_security.vault import loans as module
from smcp_security.vault.loans import Loan, Loans

VALUES = [Value(f"s{number}", b"a-token-of-many-%02d" % number) for number in range(9)]


class Busy(Loan):
    """A loan that somebody else uses at the very moment in which it is to be dropped."""

    def __init__(self, value: Value, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile
        super().__init__(value)

    @property
    def sought(self) -> bool:  # type: ignore[override]
        return self._sought

    @sought.setter
    def sought(self, sought: bool) -> None:
        dropped = getattr(self, "_sought", False) and not sought
        self._sought = sought
        if dropped:
            self._meanwhile()


@pytest.fixture
def loans(monkeypatch: pytest.MonkeyPatch) -> Loans:
    """Room for four values and two more."""
    monkeypatch.setattr(module, "MOST", 4)
    monkeypatch.setattr(module, "SLACK", 2)
    return Loans()


def test_a_value_that_is_lent_again_changes_nothing(loans: Loans) -> None:
    first = loans.add(VALUES[0])
    before = loans.sought
    assert loans.add(VALUES[0]) is first
    assert loans.renew(first) and loans.sought is before


def test_what_was_used_longest_ago_is_dropped_and_must_be_lent_anew(loans: Loans) -> None:
    lent = [loans.add(value) for value in VALUES[:6]]
    assert loans.renew(lent[0])
    loans.add(VALUES[6])
    assert sorted(value.name for value in loans.values()) == ["s0", "s4", "s5", "s6"]
    assert loans.sought is not None and set(loans.sought.values) == set(loans.values())
    assert [loans.renew(each) for each in lent] == [True, False, False, False, True, True]
    assert loans.add(VALUES[1]) is not lent[1]
    assert VALUES[1] in loans.values()


def test_what_is_used_while_it_is_dropped_is_looked_for_on(loans: Loans) -> None:
    for value in VALUES[:6]:
        loans.add(value)
    known = loans._loans
    # The first is used just after it was given up, and the second, before it is its turn.
    busy = Busy(VALUES[0], lambda: (loans.renew(busy), loans.renew(known[VALUES[1]])))
    busy.used, busy.sought = known[VALUES[0]].used, True
    known[VALUES[0]] = busy
    loans.add(VALUES[6])
    assert {"s0", "s1"} <= {value.name for value in loans.values()}
    assert loans.sought is not None and {VALUES[0], VALUES[1]} <= set(loans.sought.values)
    assert busy.sought


def test_what_another_has_lent_is_looked_for_too(loans: Loans) -> None:
    other = Loans()
    other.add(VALUES[0])
    loans.add(VALUES[1])
    loans.adopt(other)
    assert loans.values() == (VALUES[1], VALUES[0])
    assert loans.sought is not None and loans.sought.values == loans.values()
