"""Whatever a list of tools or a client's configuration holds, the rules look at it and point into the file."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.twins import findings

_WORDS: Final = st.sampled_from((
    *"npx -y notes@1 docker run -v /:/h sh -c --token ${input:x} -- env A=1 cmd /c -e KEY=x http://x.example".split(),
    *("https://[x", "uvx", "--from", "git+x", "curl x | sh", "a b c", ""),
))  # fmt: skip
_KEYS: Final = st.sampled_from((
    *"type properties items required enum pattern $ref $id anyOf not default minimum maximum maxLength".split(),
    *("additionalProperties", "patternProperties", "description", "annotations", "a", "\u200b", "\ud800"),
))  # fmt: skip
_VALUES: Final = st.sampled_from((
    *"string array object # #/a #/properties/a (a+)+ [ ^(?=a)$ x\u202ey \udfff delete_all date-time password".split(),
    *(0, -1, 1.5, 10**30, True, None),
))  # fmt: skip
_ANY: Final[st.SearchStrategy[Any]] = st.recursive(
    _VALUES, lambda below: st.lists(below, max_size=3) | st.dictionaries(_KEYS, below, max_size=4), max_leaves=12
)
_MORE: Final = st.dictionaries(
    st.sampled_from("cwd env headers envFile trust alwaysAllow autoApprove type url httpUrl".split()),
    _ANY | _WORDS | st.dictionaries(_WORDS, _WORDS, max_size=2) | st.lists(_WORDS, max_size=2),
    max_size=4,
)


def points_into(text: str) -> bool:
    """Whether each finding has a place that there is."""
    lines = text.splitlines()
    spans = [each.span for each in findings(text, persona="strict")]
    return all(1 <= s.line <= len(lines) and 1 <= s.column <= len(lines[s.line - 1]) + 1 for s in spans)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"name": _VALUES.map(str), "inputSchema": _ANY, "description": _ANY}), min_size=1)
)
def test_any_list_of_tools_is_looked_at_to_its_end(tools: list[dict[str, Any]]) -> None:
    assert points_into(json.dumps({"tools": tools}, indent=1))


@settings(max_examples=25, deadline=None)
@given(st.lists(_WORDS, max_size=8) | _ANY, _MORE, _ANY)
def test_any_server_of_a_client_is_looked_at_to_its_end(words: Any, more: dict[str, Any], inputs: Any) -> None:
    command = words[0] if isinstance(words, list) and words else words
    server = {**more, "command": command, "args": words[1:] if isinstance(words, list) else words}
    assert points_into(json.dumps({"mcpServers": {"a": server, "A": server}, "inputs": inputs}, indent=1))
