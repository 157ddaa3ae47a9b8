"""Response rungs: size before parse, parse before meaning, and lessons only from answers that were asked for."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import results
from smcp_security.checks.rung import Context, Learn, Question, Trace
from smcp_security.decision import Action, Caller, Origin
from smcp_security.message import Era, parse, typed
from smcp_security.policy import ResultsPolicy
from smcp_security.schemas import ToolSchema, compile_schema
from tests.envelopes import MODERN, call, climb, codes, encoded, legacy, response


def test_a_result_at_the_cap_passes_and_one_byte_more_does_not() -> None:
    rung = results.build_size(ResultsPolicy(max_size=10))
    assert codes(climb(rung(Context(raw=b"x" * 10)))) == []
    assert codes(climb(rung(Context(raw=b"x" * 11)))) == ["SMCP701"]
    assert codes(climb(rung(Context()))) == []


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"7", b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b'{"a":NaN}', b"\xff", None]
)
def test_what_is_no_strict_json_object_is_withheld(raw: bytes | None) -> None:
    assert codes(climb(results.build_parse()(Context(raw=raw)))) == ["SMCP703"]


@pytest.mark.parametrize(
    ("value", "withheld"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {"tools": []}}, True),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "error": {"code": 1, "message": "m"}}, True),
        ({"jsonrpc": "2.0", "id": 1, "Result": {"tools": []}}, True),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "re_sult": {"tools": []}}, True),
        ({"jsonrpc": "2.0", "Id": 1, "result": {}}, True),
        ({"jsonrpc": "2.0", "id": 1, "result": {"Result": 1, "method": "m"}}, False),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"result": 1}}, False),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "x-trace": "t"}, False),
    ],
)
def test_what_clients_may_read_as_another_message_is_withheld(value: Any, withheld: bool) -> None:
    assert codes(climb(results.build_parse()(Context(raw=encoded(value))))) == (["SMCP703"] if withheld else [])


def test_a_result_has_the_era_of_its_request() -> None:
    asked = typed(parse(encoded(call("x")), max_depth=64), Era.MODERN, MODERN)
    edit = climb(results.build_parse()(Context(raw=encoded(response("a", {})), request=asked))).edit
    assert edit is not None and (edit.era, edit.revision, edit.id) == (Era.MODERN, MODERN, "a")
    alone = climb(results.build_parse()(Context(raw=encoded(response("a", {}))))).edit
    assert alone is not None and (alone.era, alone.revision) == (Era.LEGACY, "")


def test_the_trace_is_asked_with_the_facts_of_the_exchange() -> None:
    message, asked = (
        typed(parse(encoded(response(1, {})), max_depth=64)),
        typed(parse(encoded(call("x")), max_depth=64)),
    )
    seen: list[Question] = []

    def answer(question: Question) -> object:
        seen.append(question)
        return Origin("tools/call", "x")

    context = Context(message=message, request=asked, session="s", caller=Caller("ann"))
    assert climb(results.build_trace()(context), answer).origin == Origin("tools/call", "x")
    assert seen == [Trace(message, asked, "s", "ann")]
    assert climb(results.build_trace()(context), lambda question: None).origin is None
    assert climb(results.build_trace()(Context())).origin is None


LIST = Origin("tools/list")


class _Lessons:
    """Keeps what is learned, as the framework does."""

    def __init__(self) -> None:
        self.known: dict[str, ToolSchema] = {}

    def __call__(self, question: Question) -> ToolSchema | None:
        assert isinstance(question, Learn)
        before = self.known.get(question.tool)
        self.known[question.tool] = question.schema
        return before


def _learn(lessons: _Lessons, result: Any, origin: Origin | None = LIST) -> list[tuple[str, str]]:
    message = typed(parse(encoded(response(1, result)), max_depth=100))
    outcome = climb(results.build_learning()(Context(message=message, origin=origin)), lessons)
    assert all(found.action is Action.REPORT for found in outcome.findings)
    return [(found.code, found.where) for found in outcome.findings]


def _tool(name: Any = "add", schema: Any = None) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"} if schema is None else schema}


def test_a_list_teaches_its_schemas() -> None:
    lessons = _Lessons()
    assert _learn(lessons, {"tools": [_tool("add"), _tool("sub", {"type": "object", "required": ["a"]})]}) == []
    assert lessons.known.keys() == {"add", "sub"}
    assert lessons.known["add"].digest == compile_schema({"type": "object"}).digest


@pytest.mark.parametrize("origin", [None, Origin("tools/call", "list"), Origin("prompts/list"), Origin("tasks/result")])
def test_an_answer_of_another_origin_teaches_nothing(origin: Origin | None) -> None:
    lessons = _Lessons()
    assert _learn(lessons, {"tools": [_tool()]}, origin) == [] and lessons.known == {}


def test_a_changed_schema_is_reported_and_an_equal_one_is_not() -> None:
    lessons = _Lessons()
    _learn(lessons, {"tools": [_tool("a"), _tool("b")]})
    assert _learn(lessons, {"tools": [_tool("a"), _tool("b")]}) == []
    changed = {"tools": [_tool("a"), _tool("b", {"type": "object", "required": ["x"]})]}
    assert _learn(lessons, changed) == [("SMCP801", "/result/tools/1/inputSchema")]


@pytest.mark.parametrize("schema", [[], "x", 7, {"$ref": "file:///etc/passwd"}])
def test_an_unusable_schema_is_reported_and_teaches_nothing(schema: Any) -> None:
    lessons = _Lessons()
    assert _learn(lessons, {"tools": [_tool("ok"), _tool("bad", schema)]}) == [
        ("SMCP505", "/result/tools/1/inputSchema")
    ]
    assert lessons.known.keys() == {"ok"}


def test_a_missing_schema_is_reported_too() -> None:
    assert _learn(_Lessons(), {"tools": [{"name": "a"}]}) == [("SMCP505", "/result/tools/0/inputSchema")]


@pytest.mark.parametrize(
    "result", [None, [], "x", {}, {"tools": {}}, {"tools": "x"}, {"tools": [7, None, {"name": 7}, {}]}]
)
def test_a_list_of_any_shape_is_taken_calmly(result: Any) -> None:
    lessons = _Lessons()
    assert _learn(lessons, result) == [] and lessons.known == {}


def test_one_list_teaches_and_reports_only_so_much() -> None:
    lessons = _Lessons()
    _learn(lessons, {"tools": [_tool(f"t{place}") for place in range(1500)]})
    assert len(lessons.known) == 1000
    assert len(_learn(lessons, {"tools": [_tool("bad", [])] * 100})) == 20


def test_a_request_of_the_server_is_no_list() -> None:
    message = typed(parse(encoded(legacy("tools/list", {"tools": [_tool()]})), max_depth=64))
    outcome = climb(results.build_learning()(Context(message=message, origin=None)), _Lessons())
    assert codes(outcome) == []
