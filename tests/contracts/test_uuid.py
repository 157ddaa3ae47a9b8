"""UUIDs in their usual form, and in no other."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.uuid import UuidRule
from smcp_security.policy.contracts import UuidContract

V4 = "9b2d7c1e-4f3a-4c5d-8e6f-0a1b2c3d4e5f"
V7 = "01928f6e-7d3c-7abc-9def-0123456789ab"
ANY = UuidRule(UuidContract())
FOURTH = UuidRule(UuidContract(versions=(4,)))


@pytest.mark.parametrize("value", [V4, V4.upper(), V7, "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_in_its_usual_form_is_accepted(value: str) -> None:
    assert ANY.fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "", V4.replace("-", ""), f"{{{V4}}}", f"urn:uuid:{V4}", f"{V4}\n", f" {V4}", V4[:-1], V4 + "0", V4[:-1] + "g",
        V4.replace("9", "９"), V4.replace("-", "\u2010"), V4[:8] + "0" + V4[9:], "x" * 100_000,
    ],
)  # fmt: skip
def test_what_only_some_readers_take_for_a_uuid_is_refused(value: str) -> None:
    fault = ANY.fault(value)
    assert fault is not None
    assert fault.code == "SMCP517"


def test_only_the_versions_of_the_policy_are_accepted() -> None:
    assert FOURTH.fault(V4) is None
    assert FOURTH.fault(V7) is not None
    # The variant of another family of UUIDs, in which the digit is no version.
    assert FOURTH.fault(V4[:19] + "c" + V4[20:]) is not None
    assert FOURTH.fault("00000000-0000-0000-0000-000000000000") is not None


@pytest.mark.parametrize("rule", [ANY, FOURTH])
def test_every_beginning_of_an_accepted_uuid_is_accepted_while_it_is_typed(rule: UuidRule) -> None:
    assert [length for length in range(len(V4) + 1) if rule.fault_of_beginning(V4[:length]) is not None] == []


def test_what_no_uuid_begins_with_is_refused_while_it_is_typed() -> None:
    assert ANY.fault_of_beginning("../") is not None
    assert ANY.fault_of_beginning(V4 + "0") is not None
    assert FOURTH.fault_of_beginning(V7[:15]) is not None


@settings(max_examples=40)
@given(st.uuids())
def test_every_uuid_of_the_standard_library_is_accepted(value: UUID) -> None:
    assert ANY.fault(str(value)) is None
