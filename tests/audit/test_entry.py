"""A record taken apart: what everyone may read, what is sealed, and under whose key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit.entry import PRIVATE, Entry, entry_of, person_of
from tests.audit.test_record import ANY_JSON, HOSTILE, decided

VERIFIED = {"id": "key:ann", "verified": True}
CLAIMED = {"id": "key:ann", "verified": False}


def parts(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both parts as they are read again, after the proof that they are printable ASCII."""
    entry = entry_of(record)
    for part in (entry.public, entry.private):
        assert all(0x20 <= byte <= 0x7E for byte in part)
    return json.loads(entry.public), json.loads(entry.private or b"{}")


def test_what_says_something_of_a_person_is_in_the_private_part_alone() -> None:
    record = decided()
    public, private = parts(record)
    assert private == {name: record[name] for name in ("caller", "label", "address", "session", "arguments")}
    assert public == {name: value for name, value in record.items() if name not in PRIVATE}


def test_a_uri_that_the_policy_tells_is_sealed_too() -> None:
    public, private = parts(decided(detail="full", method="resources/read", target="docs://ann/a"))
    assert private["uri"] == "docs://ann/a" and "docs://ann" not in json.dumps(public)


def test_a_private_field_that_is_empty_is_left_out() -> None:
    record = {"kind": "decision", "caller": None, "label": "", "address": "192.0.2.7", "arguments": None}
    assert parts(record) == ({"kind": "decision"}, {"address": "192.0.2.7"})


def test_a_record_of_nobody_has_no_private_part() -> None:
    assert entry_of({"kind": "outcome", "id": "1"}) == Entry(b'{"kind":"outcome","id":"1"}')
    assert entry_of({"kind": "decision", "caller": None}).person == ""


def test_taking_a_record_apart_leaves_it_as_it_is() -> None:
    record = decided()
    before = dict(record)
    entry_of(record)
    assert record == before


def test_hostile_text_breaks_neither_part() -> None:
    public, private = parts(decided(label=HOSTILE, target=HOSTILE))
    assert (private["label"], public["target"]) == (HOSTILE, HOSTILE)


@pytest.mark.parametrize("name", ["stream", "seq", "prev", "person", "sealed", "mac", "sig"])
def test_a_record_that_would_speak_for_the_chain_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must not have the fields"):
        entry_of({"kind": "decision", name: "x"})


@pytest.mark.parametrize(
    ("record", "person"),
    [
        ({"caller": VERIFIED, "label": "bob", "address": "192.0.2.7"}, "caller:key:ann"),
        ({"caller": CLAIMED, "label": "bob", "address": "192.0.2.7"}, "label:bob"),
        ({"caller": CLAIMED, "address": "192.0.2.7"}, "address:192.0.2.7"),
        ({"caller": None, "label": "", "address": "2001:db8:1:2:3:4:5:6"}, "address:2001:db8:1:2::/64"),
        ({"address": "unix"}, "address:unix"),
        ({"caller": None, "label": "", "address": "", "arguments": "hash"}, "nobody"),
        ({"caller": CLAIMED}, "nobody"),
        ({}, "nobody"),
    ],
)
def test_a_record_is_that_of_whoever_is_known_best(record: dict[str, Any], person: str) -> None:
    assert person_of(record) == person


def test_nobody_becomes_a_verified_caller_by_what_he_calls_himself() -> None:
    assert person_of({"caller": CLAIMED, "label": "caller:key:ann"}) != person_of({"caller": VERIFIED})


def test_the_weight_of_an_entry_is_all_that_waits_of_it() -> None:
    assert len(Entry(b"{}", b"abc", "nobody")) == 11


SPOKEN_FOR = PRIVATE | {"stream", "seq", "prev", "person", "sealed", "mac", "sig"}


@given(st.dictionaries(st.text().filter(lambda name: name not in SPOKEN_FOR), ANY_JSON, max_size=6))
def test_no_field_is_lost_and_none_is_told_twice(record: dict[str, Any]) -> None:
    record = {**record, "label": "x", "address": "y"}
    public, private = parts(record)
    assert public.keys().isdisjoint(private) and public.keys() | private.keys() == record.keys()
