"""What a line seems to be: its own id and whether it calls, however the members are ordered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.adapters.stdio.labels import ENDS, Label, label, label_at_ends

INSIDE = {"id": 666, "method": "inner", "text": 'say "id":667} and {"id":668', "deep": [{"id": "x"}]}
IDS = st.one_of(st.integers(-(2**63), 2**63), st.text(st.characters(codec="utf-8"), max_size=20))


@given(IDS, st.permutations(["jsonrpc", "id", "body"]), st.sampled_from(["params", "result"]), st.booleans())
def test_the_ends_of_a_message_tell_its_own_id_or_none(id: Any, order: list[str], kind: str, blanks: bool) -> None:
    body = {**INSIDE, "filling": "y" * 5_000, **INSIDE, "last": INSIDE}
    members: dict[str, Any] = {}
    for name in order:
        members |= {"jsonrpc": "2.0"} if name == "jsonrpc" else {"id": id} if name == "id" else {kind: body}
    if kind == "params":
        members |= {"method": "tools/call"}
    raw = json.dumps(members, indent=1 if blanks else None, ensure_ascii=False).encode()
    known = label_at_ends(raw[:ENDS], raw[-ENDS:])
    assert known is None or known == Label(id, kind == "params", kind == "result")
    assert known is not None


def test_an_id_that_is_not_the_messages_own_is_not_taken_for_it() -> None:
    raw = json.dumps({"jsonrpc": "2.0", "result": INSIDE | {"filling": "y" * 5_000, "last": INSIDE}}).encode()
    assert label_at_ends(raw[:ENDS], raw[-ENDS:]) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Label(1, True, False)),
        (b'{"jsonrpc":"2.0","id":"1","result":{}}', Label("1", False, True)),
        (b'{"id":1,"id":2,"result":{"x":NaN}}', Label(2, False, True)),
        (b'{"id":true,"result":{}}', Label(None, False, True)),
        (b'{"id":1.5,"result":{}}', Label(None, False, True)),
        (b'{"id":null,"error":{}}', Label(None, False, True)),
        (b'{"id":"\\ud800","result":{}}', Label(None, False, True)),
        (b'{"result":{}}', Label(None, False, True)),
        (b'{"id":1,"Method":"ping","params":{}}', Label(1, False, False)),
        (b"[1]", None),
        (b"", None),
        (b"\xff\xfe{", None),
        (b"[" * 100_000, None),
        (b'{"x":' * 100_000, None),
    ],
)
def test_a_label_is_read_leniently_and_its_id_strictly(raw: bytes, expected: Label | None) -> None:
    assert label(raw) == expected


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":{"a":' + DEEP + b"}}", Label(1, False, True)),
        (b'{"jsonrpc":"2.0","result":{"a":' + DEEP + b'},"id":"1"}', Label("1", False, True)),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":' + DEEP + b"}}", Label(7, True, False)),
        (b'{"jsonrpc":"2.0","result":{"a":' + DEEP + b',"id":1}}', None),
        (DEEP, None),
    ],
)
def test_a_line_too_deep_to_be_read_tells_its_own_id_by_its_ends(raw: bytes, expected: Label | None) -> None:
    assert label(raw) == expected
