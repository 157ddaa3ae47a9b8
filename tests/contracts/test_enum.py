"""One of some texts, exactly."""

from __future__ import annotations

import pytest

from smcp_security.contracts.enum import EnumRule
from smcp_security.policy.contracts import EnumContract

RULE = EnumRule(EnumContract(values=("open", "closed", "in progress")))


@pytest.mark.parametrize("value", ["open", "closed", "in progress"])
def test_each_of_the_texts_is_accepted(value: str) -> None:
    assert RULE.fault(value) is None


@pytest.mark.parametrize("value", ["", "Open", "open ", "open\n", "ope", "open; id", "ｏpen", "op\u200ben"])
def test_what_only_looks_like_one_of_the_texts_is_refused(value: str) -> None:
    fault = RULE.fault(value)
    assert fault is not None
    assert (fault.code, fault.accepted) == ("SMCP517", "one of open, closed, in progress")


def test_a_long_list_is_told_by_its_length() -> None:
    rule = EnumRule(EnumContract(values=tuple(f"value number {number}" for number in range(300))))
    fault = rule.fault("other")
    assert fault is not None
    assert fault.accepted == "one of 300 texts"


def test_the_beginning_of_a_text_is_accepted_while_it_is_typed() -> None:
    assert RULE.fault_of_beginning("in pro") is None
    assert RULE.fault_of_beginning("") is None
    assert RULE.fault_of_beginning("opened") is not None
