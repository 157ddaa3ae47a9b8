"""What a line says of itself to a collector that does not parse it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smcp_security.audit.ship.label import Label, Weight, label_of
from smcp_security.audit.ship.syslog import message

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("fields", "weight"),
    [
        ({"kind": "decision", "allowed": True}, Weight.INFORMATION),
        ({"kind": "decision", "allowed": False}, Weight.WARNING),
        ({"kind": "outcome", "result": "complete"}, Weight.INFORMATION),
        ({"kind": "outcome", "result": "withheld"}, Weight.WARNING),
        ({"kind": "store", "state": "away"}, Weight.WARNING),
        ({"kind": "store", "state": "back"}, Weight.INFORMATION),
        ({"kind": "erased"}, Weight.NOTICE),
        ({"kind": "purged"}, Weight.NOTICE),
        ({"kind": "checkpoint"}, Weight.INFORMATION),
        ({"kind": "lost"}, Weight.ERROR),
        ({"kind": "torn"}, Weight.ERROR),
    ],
)
def test_a_line_weighs_what_its_record_says(fields: dict[str, Any], weight: Weight) -> None:
    assert label_of(line(**fields)).weight is weight


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b'{"kind":"deci',
        b"[]",
        b"\xff\xfe",
        b'{"kind":1}',
        b'{"kind":"a b"}',
        b'{"kind":"x\\n<1>1 forged"}',
        b'{"kind":"\xff"}',
        b'{"x":' + b"[" * 100_000,
    ],
    ids=lambda torn: repr(torn[:20]),
)
def test_what_is_no_record_has_no_label_and_is_loud(torn: bytes) -> None:
    assert label_of(torn) == Label()
    assert label_of(torn).weight is Weight.ERROR


@pytest.mark.parametrize(
    ("traceparent", "trace"),
    [
        (f"00-{TRACE}-{SPAN}-01", (TRACE, SPAN, 1)),
        (f"00-{TRACE}-{SPAN}-00", (TRACE, SPAN, 0)),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_valid_traceparent_is_a_trace(traceparent: str | None, trace: object) -> None:
    assert label_of(line(kind="decision", traceparent=traceparent)).trace == trace


def test_the_syslog_message_holds_the_line_unchanged() -> None:
    text = line(kind="decision", id="d1", at="2026-11-22T03:28:43.000001+00:00", allowed=True)
    head = b'<110>1 2026-11-22T03:28:43.000001+00:00 host smcp 7 decision [smcp@32473 id="d1" kind="decision"] '
    assert message(text, "host", 7) == head + text


def test_a_torn_piece_goes_out_without_a_time_or_a_structure() -> None:
    assert message(b"\x00{", "host", 7) == b"<107>1 - host smcp 7 - - \x00{"


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T03:28:43", "2026-11-22", "\n<1>1 - - - - - -"])
def test_a_time_that_syslog_cannot_read_is_left_out(at: str) -> None:
    assert message(line(kind="open", at=at), "host", 7).startswith(b"<110>1 - host smcp 7 open ")


def test_no_field_of_a_forged_line_ends_the_message_or_its_structure() -> None:
    forged = line(kind="decision", id='a"] x\n<1>1 - - - - - -\\', codes=["\x1b[2J", "é"])
    head = message(forged, "host", 7).removesuffix(forged)
    assert b"\n" not in head and b"\x1b" not in head
    assert head.endswith(rb'[smcp@32473 id="a\"\] x?<1>1 - - - - - -\\" kind="decision" code="?[2J,?"] ')
