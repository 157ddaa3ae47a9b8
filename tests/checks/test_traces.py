"""Which trace a message says that it belongs to: only what W3C Trace Context allows is believed to be one."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Context
from smcp_security.checks.traces import traceparent
from smcp_security.leaves import Texts
from smcp_security.message import Message

TRACE = f"00-{'a1' * 16}-{'b2' * 8}-01"
OTHER = f"00-{'c3' * 16}-{'d4' * 8}-00"


def context(*headers: str, meta: Any = None) -> Context:
    fields = read_headers([(b"TraceParent", header.encode("latin-1")) for header in headers])
    message = None if meta is None else Message(value={}, raw=b"", texts=Texts(), params={"_meta": meta})
    return Context(http=Http("POST", "/mcp", fields, "192.0.2.7") if headers else None, message=message)


def test_the_header_of_the_request_tells_the_trace() -> None:
    assert traceparent(context(TRACE)) == TRACE
    assert traceparent(context(f" {TRACE}\t")) == TRACE


def test_without_a_header_the_meta_of_the_message_tells_it() -> None:
    assert traceparent(context(meta={"traceparent": TRACE})) == TRACE


def test_the_header_counts_before_the_meta() -> None:
    assert traceparent(context(TRACE, meta={"traceparent": OTHER})) == TRACE
    assert traceparent(context("nonsense", meta={"traceparent": OTHER})) == OTHER


def test_a_message_without_a_trace_has_none() -> None:
    assert traceparent(Context()) == traceparent(context(meta={})) == ""


def test_two_headers_tell_nothing() -> None:
    assert traceparent(context(TRACE, OTHER)) == ""


@pytest.mark.parametrize(
    "told",
    [
        TRACE + "\n",
        TRACE.upper(),
        TRACE[:-1],
        TRACE + "-00",
        "01" + TRACE[2:],
        "ff" + TRACE[2:],
        f"00-{'0' * 32}-{'b2' * 8}-01",
        f"00-{'a1' * 16}-{'0' * 16}-01",
        f"00-{'a1' * 16}_{'b2' * 8}-01",
        f"00-{'g1' * 16}-{'b2' * 8}-01",
        TRACE.replace("1", "\u0661"),
        "",
        7,
        None,
        [TRACE],
    ],
)
def test_what_is_no_trace_is_not_written_down(told: Any) -> None:
    assert traceparent(context(meta={"traceparent": told})) == ""


@pytest.mark.parametrize("meta", [7, "x", [TRACE], {"traceparent": {"a": TRACE}}])
def test_a_meta_of_another_shape_is_no_trace(meta: Any) -> None:
    assert traceparent(context(meta=meta)) == ""
