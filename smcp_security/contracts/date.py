"""A date, a time or both (RFC 3339), between two bounds if the policy has them. Pure: knows no current time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.errors import PolicyError
from smcp_security.policy.contracts import DateContract

_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MINUTE: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# Without the leap second, 23:59:60: most readers of the value would fail on it.
_TIME: Final = rf"{_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:[Zz]|[+-]{_MINUTE})"
_FORMS: Final = {form: re.compile(pattern) for form, pattern in {
    "date": _DATE, "time": _TIME, "date-time": f"{_DATE}[Tt]{_TIME}",
}.items()}  # fmt: skip
_TOLD: Final = {
    "date": "a date such as 2027-06-01",
    "time": "a time such as 09:30:00Z or 09:30:00+02:00",
    "date-time": "a date and time such as 2027-06-01T09:30:00Z",
}
_MAX_LENGTH: Final = len("2027-06-01T09:30:00.123456789+02:00")
_TYPED: Final = frozenset("0123456789-+:.TtZz")


class DateRule(Contract):
    """One of the three forms. Bounds are compared in UTC and belong to what is allowed."""

    kind = "date"
    expects = JUDGED["date"]

    def __init__(self, policy: DateContract) -> None:
        self._form = policy.form
        self._earliest = self._bound(policy.earliest)
        self._latest = self._bound(policy.latest)
        since = f", not before {policy.earliest}" if policy.earliest is not None else ""
        until = f", not after {policy.latest}" if policy.latest is not None else ""
        self._fault = Fault("SMCP517", f"{_TOLD[policy.form]}{since}{until}")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        moment = _moment(self._form, value)
        return None if moment is not None and self._fits(moment) else self._fault

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for the first characters: only what the form is made of."""
        return None if len(value) <= _MAX_LENGTH and _TYPED.issuperset(value) else self._fault

    def _bound(self, value: str | None) -> date | None:
        if value is None:
            return None
        moment = _moment(self._form, value)
        if moment is None:
            raise PolicyError(f"a date contract has a bound of another form; expected {_TOLD[self._form]}")
        return moment

    def _fits(self, moment: date) -> bool:
        # All three of one form, so of one type.
        after = self._earliest is None or self._earliest <= moment
        return after and (self._latest is None or moment <= self._latest)


def _moment(form: str, value: str) -> date | None:
    """What the text stands for; None if it is not of the form, or no calendar has such a day."""
    if len(value) > _MAX_LENGTH or _FORMS[form].fullmatch(value) is None:
        return None
    try:
        return _read(form, value.upper())
    except (ValueError, OverflowError):
        return None


def _read(form: str, value: str) -> date:
    if form == "date":
        return date.fromisoformat(value)
    if form == "date-time":
        return datetime.fromisoformat(value).astimezone(UTC)
    at = time.fromisoformat(value)
    # Some day, the same for all: what counts is the order.
    return datetime.combine(date(2000, 1, 2), at).astimezone(UTC)
