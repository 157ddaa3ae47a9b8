"""What is told of two locks: everything that changed, the riskiest first, in words that a person can judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.codes import Severity
from smcp_security.pins.differences import Difference, differences
from smcp_security.pins.escapes import is_hidden
from smcp_security.pins.lock import Lock, lock_of
from tests.pins.definitions import ADD, GREET, INSTRUCTIONS, NOTES, READ, SERVER, changed, reordered
from tests.pins.test_canonical import JSON

LOCK: Final = lock_of([READ, ADD], [GREET], [NOTES], INSTRUCTIONS, SERVER)


def _of(before: Any, after: Any, **more: Any) -> list[tuple[str, str]]:
    """(risk, what) of each difference between two definitions of one tool."""
    found = differences(lock_of([before]), lock_of([after]), **more)
    assert all((each.kind, each.name) == ("tool", before["name"]) for each in found)
    return [(each.risk.value, each.what) for each in found]


def _arguments(**properties: Any) -> dict[str, Any]:
    return {"name": "t", "inputSchema": {"type": "object", "properties": properties}}


def _argument(before: Any, after: Any) -> list[tuple[str, str]]:
    return _of(_arguments(a=before), _arguments(a=after))


def test_a_lock_does_not_differ_from_itself() -> None:
    again = lock_of(map(reordered, [ADD, READ]), [GREET], [NOTES], INSTRUCTIONS, SERVER)
    assert differences(LOCK, again) == differences(Lock(), Lock()) == []


def test_what_was_added_and_removed_is_told_by_kind_and_name() -> None:
    found = differences(LOCK, lock_of([READ, changed(READ, name="write")], [], [changed(NOTES, uriTemplate="x://{a}")]))
    assert [(each.risk.value, each.kind, each.name, each.what) for each in found] == [
        ("medium", "tool", "write", "tool added"),
        ("low", "instructions", "", "the instructions removed"),
        ("low", "tool", "add", "tool removed"),
        ("low", "prompt", "greet", "prompt removed"),
        ("low", "template", "notes://{id}", "template removed"),
        ("low", "template", "x://{a}", "template added"),
        ("info", "server", "", "the server calls itself something else"),
    ]
    assert found[0].after == "Reads a note.\\nOne at a time." and found[0].before == ""


def test_new_instructions_are_a_high_risk_and_shown() -> None:
    told = differences(LOCK, lock_of([READ, ADD], [GREET], [NOTES], INSTRUCTIONS + " Obey.", SERVER))
    assert told == [
        Difference(Severity.HIGH, "instructions", "", "the instructions changed", INSTRUCTIONS, INSTRUCTIONS + " Obey.")
    ]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a" * 159 + "b", "a" * 159 + "c", ("a" * 159 + "b", "a" * 159 + "c")),
        ("word " * 100, "word " * 100 + "END", ("... ord word word word word ", "... ord word word word word END")),
        ("word " * 100, "END" + "word " * 100, ("word word word word word ...", "ENDword word word word word ...")),
        (
            "a" * 500 + "b" + "c" * 500,
            "a" * 500 + "d" + "c" * 500,
            (f"... {'a' * 24}b{'c' * 24} ...", f"... {'a' * 24}d{'c' * 24} ..."),
        ),
        ("x" * 500, "", ("x" * 400 + " ...", "")),
        ("a" * 900, "a" * 500, (f"... {'a' * 400} ...", "... " + "a" * 24)),
    ],
)
def test_a_long_text_is_shown_where_it_changed(before: str, after: str, shown: tuple[str, str]) -> None:
    (told,) = differences(
        lock_of([{"name": "t", "description": before}]), lock_of([{"name": "t", "description": after}])
    )
    assert (told.before, told.after) == shown


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"title": "Write"}, [("low", "title changed")]),
        ({"title": None}, [("low", "title removed")]),
        ({"description": "Reads."}, [("medium", "description changed")]),
        ({"description": None}, [("low", "description removed")]),
        ({"_meta": {"ui": "x"}}, [("medium", "_meta changed")]),
        ({"outputSchema": None}, [("low", "outputSchema removed")]),
        ({"icons": [{"src": "data:,"}]}, [("low", "icons added")]),
        ({"x-new": 1}, [("medium", "x-new added")]),
        ({"annotations": 7}, [("medium", "annotations changed")]),
        ({"annotations": {"readOnlyHint": False, "openWorldHint": False}}, [("high", "readOnlyHint flipped")]),
        ({"annotations": {"openWorldHint": False}}, [("high", "readOnlyHint flipped")]),
        ({"annotations": {"readOnlyHint": True, "openWorldHint": True}}, [("high", "openWorldHint flipped")]),
        ({"annotations": {"readOnlyHint": True}}, [("high", "openWorldHint flipped")]),
        (
            {"annotations": {"readOnlyHint": True, "openWorldHint": False, "destructiveHint": False}},
            [("medium", "destructiveHint flipped: clients may stop asking before they call it")],
        ),
        (
            {"annotations": {"readOnlyHint": True, "openWorldHint": False, "idempotentHint": False}},
            [("info", "idempotentHint said, with the value it has unsaid")],
        ),
        (
            {"annotations": {"readOnlyHint": True, "openWorldHint": False, "title": "R"}},
            [("low", "annotation title added")],
        ),
    ],
)
def test_a_member_of_a_tool_that_changed_is_told(after: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert _of(READ, {**changed(READ, **after)}) == expected


def test_what_nobody_sees_and_new_links_are_told_beside_the_change() -> None:
    after = changed(READ, description="Reads a note.\u200b See https://Evil.example/x?d= and https://evil.example/y.")
    assert _of(READ, after) == [
        ("critical", "the tool gained characters that nobody sees: U+200B"),
        ("high", "the tool gained a link"),
        ("medium", "description changed"),
    ]
    more = changed(READ, description="Reads a note.\u200b One\u200b.")
    assert _of(changed(READ, description="Reads a note.\u200b One."), more)[0][0] == "critical"
    assert _of(more, changed(READ, description="Reads a note.\u200b One.")) == [("medium", "description changed")]
    assert _of(more, changed(READ, description="Reads a word.\u200b One\u200b.")) == [("medium", "description changed")]
    linked = changed(READ, description="At https://notes.example/.")
    assert _of(linked, changed(READ, description="See https://notes.example/more")) == [
        ("medium", "description changed")
    ]


@pytest.mark.parametrize(
    ("name", "schema", "required", "expected"),
    [
        ("path", {"type": "string"}, True, ("high", 'required path argument "path" added')),
        ("path", {"type": "string"}, False, ("medium", 'optional path argument "path" added')),
        ("callback", {"type": "string", "format": "uri"}, True, ("high", 'required url argument "callback" added')),
        ("api_token", {"type": "string"}, True, ("high", 'required credential argument "api_token" added')),
        ("sidenote", {"type": "string"}, False, ("medium", 'optional conversation argument "sidenote" added')),
        ("count", {"type": "integer"}, True, ("medium", 'required argument "count" added')),
        ("count", {"type": "integer"}, False, ("low", 'optional argument "count" added')),
    ],
)
def test_an_argument_that_was_added_is_told_by_what_it_holds(
    name: str, schema: Any, required: bool, expected: tuple[str, str]
) -> None:
    after = _arguments(a={"type": "string"}, **{name: schema})
    after["inputSchema"]["required"] = [name] if required else []
    before = _arguments(a={"type": "string"})
    before["inputSchema"]["required"] = []
    assert _of(before, after) == [expected]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"type": "integer"}, {"type": "number"}, ("medium", "type widened")),
        ({"type": "number"}, {"type": "integer"}, ("low", "type narrowed")),
        ({"type": "string"}, {"type": ["string", "null"]}, ("medium", "type widened")),
        ({"type": "string"}, {"type": "integer"}, ("medium", "type changed")),
        ({"type": "string"}, {}, ("medium", "type removed, so that more values fit")),
        ({}, {"type": "string"}, ("low", "type added, so that fewer values fit")),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, ("medium", "enum widened")),
        ({"enum": ["a", "b"]}, {"enum": ["b"]}, ("low", "enum narrowed")),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, ("info", "enum written in another way")),
        ({"type": "string"}, {"type": ["string"]}, ("info", "type written in another way")),
        ({"enum": ["x" * 300 + "a"]}, {"enum": ["x" * 300 + "b"]}, ("medium", "enum changed")),
        ({"minimum": 1}, {"minimum": "1"}, ("medium", "minimum changed")),
        ({"minimum": [1]}, {}, ("medium", "minimum changed")),
        ({"pattern": "^a$"}, {}, ("medium", "pattern removed")),
        ({}, {"pattern": "^a$"}, ("low", "pattern added")),
        ({"format": "uri"}, {"format": "email"}, ("medium", "format changed")),
        ({"maxLength": 5}, {"maxLength": 50}, ("low", "maxLength loosened")),
        ({"maxLength": 50}, {"maxLength": 5}, ("info", "maxLength tightened")),
        ({"minimum": 5}, {"minimum": 1}, ("low", "minimum loosened")),
        ({"minimum": 5}, {}, ("low", "minimum loosened")),
        ({}, {"minimum": 5}, ("info", "minimum tightened")),
        ({"additionalProperties": False}, {}, ("medium", "additionalProperties opened")),
        ({"additionalProperties": True}, {"additionalProperties": False}, ("low", "additionalProperties closed")),
        ({"default": "/srv"}, {"default": "/"}, ("medium", "default changed")),
        ({"description": "A."}, {"description": "B."}, ("medium", "description changed")),
        ({"title": "A"}, {"title": "B"}, ("low", "title changed")),
        ({"x-mcp-header": "A"}, {"x-mcp-header": "B"}, ("medium", '"x-mcp-header" changed')),
    ],
)
def test_a_change_of_an_argument_says_which_way_it_went(before: Any, after: Any, expected: tuple[str, str]) -> None:
    assert _argument(before, after) == [(expected[0], f'argument "a": {expected[1]}')]


@pytest.mark.parametrize("keyword", "maximum exclusiveMaximum maxLength maxItems maxProperties".split())
def test_a_higher_maximum_is_looser_and_a_lower_one_tighter(keyword: str) -> None:
    assert _argument({keyword: 1}, {keyword: 2}) == [("low", f'argument "a": {keyword} loosened')]
    assert _argument({keyword: 2}, {keyword: 1}) == [("info", f'argument "a": {keyword} tightened')]


@pytest.mark.parametrize("keyword", "minimum exclusiveMinimum minLength minItems minProperties".split())
def test_a_lower_minimum_is_looser_and_a_higher_one_tighter(keyword: str) -> None:
    assert _argument({keyword: 2}, {keyword: 1}) == [("low", f'argument "a": {keyword} loosened')]
    assert _argument({keyword: 1}, {keyword: 2}) == [("info", f'argument "a": {keyword} tightened')]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"additionalProperties": False}, {}, [("medium", "the arguments: additionalProperties opened")]),
        ({"title": "A"}, {"title": "B"}, [("low", "the arguments: title changed")]),
        ({"a": 1}, 7, [("medium", "the arguments: the schema changed")]),
        (
            {"$defs": {"X": {"type": "integer"}, "Z": {}}},
            {"$defs": {"X": {"type": "number"}, "Y": {}}},
            [
                ("medium", 'argument "/$defs/X": type widened'),
                ("medium", '"/$defs/Y" added'),
                ("low", '"/$defs/Z" removed'),
            ],
        ),
        ({"$defs": {}}, {"$defs": 7}, [("medium", 'argument "/$defs": the schemas that it names changed')]),
        ({"properties": {}}, {"properties": []}, [("medium", "properties or required changed")]),
        ({"required": []}, {"required": [7]}, [("medium", "properties or required changed")]),
        ({"not": {"type": "null"}}, {"not": {}}, [("medium", 'the arguments: "not" changed')]),
        (
            {"propertyNames": {"maxLength": 1}},
            {"propertyNames": {"maxLength": 2}},
            [("low", 'argument "/propertyNames": maxLength loosened')],
        ),
        ({"not": {}}, {}, [("medium", 'the arguments: "not" changed')]),
        ({"anyOf": [{}]}, {"anyOf": [{}, {}]}, [("medium", 'the arguments: "anyOf" changed')]),
    ],
)
def test_a_change_of_the_schema_as_a_whole_is_told(before: Any, after: Any, expected: list[tuple[str, str]]) -> None:
    assert _of({"name": "t", "inputSchema": before}, {"name": "t", "inputSchema": after}) == expected


def test_arguments_further_down_are_named_by_their_path() -> None:
    before = {"properties": {"b": {"type": "array", "items": {"properties": {"c": {"type": "integer"}}}}}}
    after = {"properties": {"b": {"type": "array", "items": {"properties": {"c": {"type": "number"}}}}}}
    assert _argument(before, after) == [("medium", 'argument "a.b[].c": type widened')]
    assert _argument({"anyOf": [{"maxLength": 1}]}, {"anyOf": [{"maxLength": 2}]}) == [
        ("low", 'argument "a/anyOf/0": maxLength loosened')
    ]


def test_an_argument_that_is_required_from_now_on_is_told_and_back() -> None:
    one, other = _arguments(a={"type": "string"}), _arguments(a={"type": "string"})
    other["inputSchema"]["required"] = ["a"]
    assert _of(one, other) == [("medium", 'argument "a" is now required')]
    assert _of(other, one) == [("info", 'argument "a" is no longer required')]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([{"name": "who"}, {"name": "how"}], [("low", 'argument "how" added')]),
        ([{"name": "who"}, {"name": "how", "required": True}], [("medium", 'required argument "how" added')]),
        ([], [("low", 'argument "who" removed')]),
        ([{"name": "who", "description": "Whom."}], [("medium", 'argument "who" changed')]),
        ("who", [("medium", "arguments changed")]),
        ([{"name": "who"}, {"name": "who"}], [("medium", "arguments changed")]),
    ],
)
def test_the_arguments_of_a_prompt_are_told_one_by_one(after: Any, expected: list[tuple[str, str]]) -> None:
    found = differences(lock_of(prompts=[GREET]), lock_of(prompts=[changed(GREET, arguments=after)]))
    assert [(each.risk.value, each.what) for each in found] == expected


# -- what others know ------------------------------------------------------------------------------------------------


def _judge(definition: Any) -> Iterable[str]:
    text = definition if isinstance(definition, str) else str(definition.get("description"))
    return [word for word in ("imperative", "exfiltration") if word in text]


def test_what_a_judge_finds_is_told_where_it_is_new() -> None:
    before, after = changed(READ, description="imperative"), changed(READ, description="imperative exfiltration")
    assert _of(before, after, judge=_judge)[0] == ("critical", "gained: exfiltration")
    assert _of(before, changed(before, title="x"), judge=_judge) == [("low", "title changed")]
    added = differences(lock_of(), lock_of([after], instructions="imperative"), judge=_judge)
    assert [(each.risk.value, each.kind, each.what) for each in added] == [
        ("high", "instructions", "the instructions added"),
        ("high", "instructions", "holds: imperative"),
        ("high", "tool", "holds: exfiltration, imperative"),
        ("medium", "tool", "tool added"),
    ]


def test_a_name_that_may_be_mixed_up_with_another_is_told() -> None:
    found = differences(LOCK, lock_of([READ, ADD, changed(READ, name="Re-ad")], [GREET], [NOTES], INSTRUCTIONS, SERVER))
    assert next((each.risk.value, each.name, each.what) for each in found) == (
        "high", "Re-ad", "its name may be mixed up with another's",
    )  # fmt: skip
    renamed = differences(LOCK, lock_of([READ, changed(ADD, name="ADD")], [GREET], [NOTES], INSTRUCTIONS, SERVER))
    assert [each.what for each in renamed] == ["its name may be mixed up with another's", "tool added", "tool removed"]
    other = lock_of([READ, ADD, changed(READ, name="delete")], [GREET], [NOTES], INSTRUCTIONS, SERVER)
    assert [each.what for each in differences(LOCK, other)] == ["tool added"]
    told = differences(LOCK, other, alike=lambda name, known: (name, known) == ("delete", "read"))
    assert [each.what for each in told] == ["its name may be mixed up with another's", "tool added"]


# -- whatever a server lists -----------------------------------------------------------------------------------------

SCHEMAS: Final = (
    st.dictionaries(
        st.sampled_from("type enum properties required items anyOf minimum maxLength pattern default $defs".split()),
        JSON,
        max_size=4,
    )
    | JSON
)
DEFINITIONS: Final = st.fixed_dictionaries(
    {"name": st.just("t")},
    optional={"inputSchema": SCHEMAS, "annotations": JSON, "description": JSON, "arguments": JSON, "x": JSON},
)


@settings(max_examples=60)
@given(DEFINITIONS, DEFINITIONS)
def test_any_two_definitions_that_are_not_the_same_differ_in_something_that_can_be_printed(
    one: Any, other: Any
) -> None:
    for before, after in ((lock_of([one]), lock_of([other])), (lock_of(prompts=[one]), lock_of(prompts=[other]))):
        found = differences(before, after)
        same = [lock.tools or lock.prompts for lock in (before, after)]
        assert bool(found) == (same[0]["t"].digest != same[1]["t"].digest)
        for each in found:
            assert not any(map(is_hidden, each.name + each.what + each.before + each.after))
            assert len(each.what) < 600 and len(each.before) < 5000 and len(each.after) < 5000
