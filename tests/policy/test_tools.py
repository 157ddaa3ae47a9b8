"""The `tools` section: which entries hold for a tool, by exact name and by glob."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy, ToolPolicy
from smcp_security.policy.contracts import PathContract, UuidContract
from smcp_security.policy.globs import matches
from smcp_security.policy.tools import entries_for, listed

TOOLS = Policy.from_dict({
    "tools": {
        "*.read": {"infer": True},
        "fs.*": {"arguments": {"path": {"kind": "path", "roots": ["/srv"]}}},
        "fs.read": {"schema": {"type": "object"}},
        "echo": {},
    }
}).tools  # fmt: skip


@pytest.mark.parametrize(
    ("name", "entries"),
    [("fs.read", ["fs.read", "*.read", "fs.*"]), ("fs.write", ["fs.*"]), ("db.read", ["*.read"]), ("echo", ["echo"]),
     ("fs", []), ("FS.read", ["*.read"]), ("fs.a/b", []), ("echo2", []), ("fs.*", ["fs.*"])],
)  # fmt: skip
def test_every_entry_that_fits_a_tool_holds_and_its_own_comes_first(name: str, entries: list[str]) -> None:
    assert entries_for(TOOLS, name) == tuple(TOOLS[key] for key in entries)
    assert listed(TOOLS, name) is bool(entries)


@given(st.lists(st.text("ab*/", min_size=1, max_size=4), max_size=5, unique=True), st.text("ab*/", max_size=5))
def test_entries_are_found_exactly_where_a_glob_fits(keys: list[str], name: str) -> None:
    tools = {key: ToolPolicy() for key in keys}
    fitting = [key for key in keys if matches(key, name)]
    assert {id(entry) for entry in entries_for(tools, name)} == {id(tools[key]) for key in fitting}
    assert listed(tools, name) is bool(fitting)


def test_an_entry_may_say_nothing_and_still_lists_its_tool() -> None:
    assert TOOLS["echo"] == ToolPolicy()
    assert (ToolPolicy().schema, dict(ToolPolicy().arguments), ToolPolicy().infer) == (None, {}, None)


def test_contracts_made_in_code_are_those_of_the_file() -> None:
    path, ident = PathContract(roots=("/srv",)), UuidContract(versions=(4,))
    policy = Policy(tools={"t": ToolPolicy(arguments={"path": path, "/ids/*": ident})})
    written = {"path": {"kind": "path", "roots": ["/srv/"]}, "/ids/*": {"kind": "uuid", "versions": [4]}}
    assert policy == Policy.from_dict({"tools": {"t": {"arguments": written}}})
    assert dict(policy.tools["t"].arguments) == {"/path": path, "/ids/*": ident}


@pytest.mark.parametrize(
    ("written", "place"),
    [("a", "/a"), ("a~b", "/a~0b"), ("*", "/*"), ("/a/*/b~1c", "/a/*/b~1c"),
     ("/a.b", "/a.b"), ("$filter", "/$filter"), ("/", "/")],
)  # fmt: skip
def test_the_place_of_a_contract_is_a_pointer(written: str, place: str) -> None:
    policy = Policy.from_dict({"tools": {"t": {"arguments": {written: {"kind": "uuid"}}}}})
    assert list(policy.tools["t"].arguments) == [place]


@pytest.mark.parametrize("written", ["", "a.b", "$.a", "files[*]", "files[]", "a/b", "a\n", "/a\x00", "/~", "a" * 1001])
def test_what_looks_like_a_path_of_another_notation_is_no_name(written: str) -> None:
    with pytest.raises(PolicyError, match="expected the name of an argument"):
        Policy.from_dict({"tools": {"t": {"arguments": {written: {"kind": "uuid"}}}}})
