"""A file that somebody tampered with is told as it is: no field of the wrong kind ends a command with a traceback."""

from __future__ import annotations

import json
from typing import Any

import click
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit.export import event, row
from smcp_security.audit.reading.calls import calls_of
from smcp_security.audit.reading.opening import opened, record_of
from smcp_security.audit.reading.selection import Selection
from smcp_security.audit.reading.statistics import Statistics
from smcp_security.audit.record import encode
from smcp_security.cli.audit.shown import shown
from tests.cli.audits import Desk, decision, outcome

_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted({*decision("a"), *outcome("a"), "sealed", "person", "seq", "count", "secrets", "uri", "tool"})


@given(
    st.sampled_from(["decision", "outcome", "secret", "lost", "x"]), st.dictionaries(st.sampled_from(_FIELDS), _JSON)
)
def test_fields_of_any_kind_are_shown_counted_and_exported(kind: str, fields: dict[str, Any]) -> None:
    line = encode({"stream": "a", **decision("a"), **outcome("a"), **fields, "kind": kind})
    record = record_of(line)
    if record is None:
        return
    told = opened(record, None)
    assert shown(told).isascii() and row(told).isascii()
    Selection(tool="a*", code="SMCP501", since="2026").takes(record)
    Statistics().add(record)
    for call in calls_of([told, {**told, "kind": "outcome"}, {**told, "kind": "secret"}]):
        assert encode(event(call)).isascii()


def test_a_line_with_fields_of_the_wrong_kind_ends_no_command(desk: Desk) -> None:
    wrong = {
        "stream": "s", "seq": "x", "kind": "decision", "id": 7, "at": "2026-99-99", "codes": 3, "findings": {"a": 1},
        "us": "fast", "caller": [], "sealed": {}, "method": "tools/call", "target": None,
    }  # fmt: skip
    with open(desk.file, "ab") as file:
        file.write(json.dumps(wrong, separators=(",", ":")).encode() + b"\n")
    for command in (
        ["search"],
        ["tail"],
        ["stats"],
        ["export"],
        ["export", "--format", "csv"],
        ["export", "--format", "ocsf"],
    ):
        run = desk.run(*command)
        assert run.code == 0 and ("1 line is no record" in run.err) is (command != ["tail"]), run.err


def test_a_name_writes_no_columns_of_its_own() -> None:
    told = decision("a", "eve", tool="search  key:ann  192.0.2.1  ")
    columns = [column for column in click.unstyle(shown(told)).split("  ") if column.strip()]
    assert "key:ann" in columns[2] and columns[3].startswith("eve")


def test_fields_of_the_right_kinds_are_a_record() -> None:
    assert record_of(encode({"stream": "a", **decision("a")})) is not None
    for name in ("caller", "codes", "us", "at", "seq", "findings", "id"):
        assert record_of(encode({"stream": "a", **decision("a"), name: ["x", {}, 1]})) is None
