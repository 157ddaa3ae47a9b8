"""The tap keeps what a server answered, and only what answers a request."""

from __future__ import annotations

import contextlib
from typing import Any

from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from smcp_security.cli.pin.tap import Tap


def _tap(method: str = "tools/list") -> Tap:
    tap = Tap(contextlib.AsyncExitStack())
    tap.sent(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=1, method=method)))
    return tap


def _answer(result: dict[str, Any], id: int | str = 1) -> SessionMessage:
    return SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=id, result=result))


def test_an_answer_is_kept_as_it_came_whatever_the_client_makes_of_it() -> None:
    tap, came = _tap(), _answer({"tools": [{"name": "add", "x": 1}], "ttlMs": -5})
    tap.came(came)
    result = came.message.result  # type: ignore[union-attr]
    result["ttlMs"] = 0
    result["tools"][0].pop("x")
    assert tap.answers == {"tools/list": [{"tools": [{"name": "add", "x": 1}], "ttlMs": -5}]}


def test_an_answer_under_another_id_is_not_taken() -> None:
    tap = _tap()
    tap.came(_answer({"tools": ["decoy"]}, id="1"))
    tap.came(_answer({"tools": ["decoy"]}, id=2))
    assert tap.answers == {}
    tap.came(_answer({"tools": []}))
    assert tap.answers == {"tools/list": [{"tools": []}]}


def test_a_second_answer_to_one_request_is_not_taken() -> None:
    tap = _tap()
    tap.came(_answer({"tools": []}))
    tap.came(_answer({"tools": ["decoy"]}))
    assert tap.answers == {"tools/list": [{"tools": []}]}


def test_what_is_no_answer_is_let_by() -> None:
    tap = _tap()
    tap.sent(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")))
    for item in (ValueError("not JSON"), SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="tools/list"))):
        tap.came(item)
    assert tap.answers == {}
