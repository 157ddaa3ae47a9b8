"""Rules that hold a policy against the tools of a server: what they say, where, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.lint.catalogue import rules
from smcp_security.lint.document import Document, Known
from smcp_security.lint.finding import Finding
from smcp_security.lint.inputs import document
from smcp_security.lint.mending import mended
from smcp_security.lint.run import examined
from tests.lint.twins import read

_TEXT = {"type": "string", "maxLength": 200}


def tool(**properties: Any) -> dict[str, Any]:
    """A definition with these arguments."""
    return {"inputSchema": {"type": "object", "properties": properties, "additionalProperties": False}}


def found(code: str, text: str, **tools: Any) -> list[Finding]:
    """What one rule finds in a policy for a server with these tools."""
    policy = replace(read(text), known=Known("tools.json", tools) if tools else None)
    return examined(policy, {code: rules()[code]})[0]


def test_an_argument_without_contract_is_told_at_the_entry_of_its_tool() -> None:
    text = "tools:\n  list_pages: {}\n  'read_*': {arguments: {title: {kind: identifier}}}\n"
    (finding,) = found("POL420", text, read_page=tool(path=_TEXT, title=_TEXT))
    assert (finding.span.line, finding.span.column, finding.at) == (3, 3, 'tools."read_*"')
    assert finding.message.startswith("path of read_page takes a path (")


@pytest.mark.parametrize(
    "text",
    [
        "tools: {'*': {arguments: {path: {kind: path, roots: [/srv]}}}}\n",
        "tools: {read_page: {infer: false}}\n",
        "unlisted_tools: deny\ntools: {list_pages: {}}\n",
        "identity: {api_keys: {file: k}}\nroles: {a: {allow: [{tools: [list_pages]}]}}\n",
        "identity: {api_keys: {file: k}}\n"
        "roles: {a: {allow: [{tools: ['*']}], deny: [{tools: ['read_*']}]}}\n",
    ],
    ids=["a glob has one", "not inferred", "not listed", "of no role", "denied"],
)  # fmt: skip
def test_an_argument_that_is_described_or_never_sent_needs_no_contract(text: str) -> None:
    assert found("POL420", text, read_page=tool(path=_TEXT)) == []


def test_a_pattern_of_the_whole_text_is_as_good_as_a_contract() -> None:
    text = "tools: {read_page: {}}\n"
    tied = _TEXT | {"pattern": "^[a-z]+$"}
    assert found("POL420", text, read_page=tool(path=tied)) == []
    assert len(found("POL420", text, read_page=tool(path=_TEXT | {"pattern": "[a-z]+"}))) == 1


def test_a_contract_of_a_glob_counts_if_one_of_its_tools_has_the_argument() -> None:
    text = "tools: {'get_*': {arguments: {id: {kind: identifier}}}}\n"
    assert found("POL421", text, get_a=tool(name=_TEXT), get_b=tool(id=_TEXT)) == []
    assert len(found("POL421", text, get_a=tool(name=_TEXT), get_b=tool(title=_TEXT))) == 1
    assert found("POL421", text, other=tool(name=_TEXT)) == []


def test_a_schema_that_says_little_contradicts_no_contract() -> None:
    text = "tools: {get: {arguments: {/a/b: {kind: uuid}, /list/*: {kind: uuid}, c: {kind: uuid}}}}\n"
    loose = {"inputSchema": {"type": "object", "additionalProperties": True}}
    refers = {"inputSchema": {"type": "object", "properties": {"c": {"$ref": "#/$defs/none"}}, "$defs": {}}}
    assert found("POL422", text, get=loose) == []
    assert found("POL422", text, get=refers) == []
    optional = tool(c={"anyOf": [{"type": "integer"}, {"type": "null"}]})
    assert [finding.at for finding in found("POL422", text, get=optional)] == ["tools.get.arguments.c"]


def test_two_globs_are_apart_only_where_a_tool_fits_both() -> None:
    text = "tools:\n  'get_*': {arguments: {id: {kind: uuid}}}\n  '*_day': {arguments: {id: {kind: date}}}\n"
    assert found("POL424", text) == []
    assert found("POL424", text, get_week=tool(id=_TEXT)) == []
    assert len(found("POL424", text, get_day=tool(id=_TEXT), get_a_day=tool(id=_TEXT))) == 1


def test_a_contract_is_found_however_its_place_is_spelt() -> None:
    bare = "tools: {get: {arguments: {path: {kind: path, roots: [/home]}}}}\n"
    pointer = "tools: {get: {arguments: {/path: {kind: path, roots: [/home]}}}}\n"
    assert [finding.at for finding in found("POL430", bare)] == ["tools.get.arguments.path.roots[0]"]
    assert [finding.at for finding in found("POL430", pointer)] == ['tools.get.arguments."/path".roots[0]']


def test_a_repeated_item_is_taken_out_unless_a_comment_would_go_with_it() -> None:
    head = "vault:\n  file: v\n  key: env:K\n  grants:\n    - tools: [t]\n      secrets:\n        - a\n"
    plain, told = document("p.yaml", f"{head}        - a\n"), document("p.yaml", f"{head}        # why\n        - a\n")
    assert isinstance(plain, Document)
    assert isinstance(told, Document)
    chosen = {"POL806": rules()["POL806"]}
    assert mended(plain, chosen, unsafe=True).after.text == head
    assert mended(told, chosen, unsafe=True).count == 0


def test_an_object_is_closed_in_the_style_that_it_is_written_in() -> None:
    text = "tools:\n  get:\n    schema:\n      type: object # of all\n      properties: {a: {type: object, title: x}}\n"
    policy = document("p.yaml", text)
    assert isinstance(policy, Document)
    after = mended(policy, {"POL412": rules()["POL412"]}, unsafe=True).after
    assert after.text.splitlines()[3:] == [
        "      additionalProperties: false",
        "      type: object # of all",
        "      properties: {a: {additionalProperties: false, type: object, title: x}}",
    ]


_NODES = st.recursive(
    st.sampled_from([None, True, 1, -1, "string", "object", "uri", ["string", {}], "#/$defs/a", "^a$", "(", [1], {}]),
    lambda inner: st.dictionaries(
        st.sampled_from(
            "type properties items enum const pattern format minLength maxLength $ref anyOf required path url".split()
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)
_EVERY = "tools:\n  '*':\n    arguments:\n" + "".join(
    f"      {place}: {{kind: {kind}}}\n"
    for place, kind in (
        ("url", "url"), ("path", "'path', roots: [/srv]"), ("/path/url", "enum, values: [a, b]"), ("/path/*", "uuid"),
        ("/*/url", "date"), ("/url/*/path", "text"),
    )
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(schema=_NODES)
def test_whatever_a_server_announces_is_looked_at_without_a_crash(schema: Any) -> None:
    policy = document("p.yaml", _EVERY, known=Known("tools.json", {"a": {"inputSchema": schema}, "b": schema}))
    assert isinstance(policy, Document)
    assert policy.policy is not None
    examined(policy, {code: rule for code, rule in rules().items() if rule.reads == "policy"})
