"""`smcp init`: a policy that loads, lints clean and says why, from whatever a server lists."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.cli.init.proposal import counted, proposal, proposed
from smcp_security.cli.init.risk import risk_of
from smcp_security.cli.pin.faults import Unreached
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Finding
from smcp_security.lint.inputs import document
from smcp_security.lint.run import examined
from smcp_security.lint.selection import chosen
from smcp_security.policy import Policy
from tests.cli.pins import URL, changed, showing
from tests.cli.terminal import smcp

TEXT = {"type": "string"}
RULES = chosen([], [], "regular")
# What YAML or globs could take for something else, and what no name may be.
ODD = (
    "y", "no", "null", "~", "1e3", "0x1f", ".inf", "2026-11-22", "*", "a*b", "!tag", "&a", "*a", "-", "- x", "?", "a:b",
    "a: b", "#x", "@x", "%x", "{a}", "[a]", "<<", "=", "a/b", "a~b", "..", "'", '"', "\\", "\x1b[31m", "a\nb",
    "\N{LINE SEPARATOR}x", "\x85x", "\ufeffx", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 300, "x" * 256, "x" * 2000, "",
)  # fmt: skip


def _tool(name: str, hints: Any = None, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"name": name, "inputSchema": schema} | ({} if hints is None else {"annotations": hints})


TOOLS = [
    _tool("read_file", {"readOnlyHint": True}, path=TEXT),
    _tool("list_orders"),
    _tool("query_orders", sql=TEXT),
    _tool("create_order"),
    _tool("delete_order"),
    _tool("run_shell", command=TEXT),
]


def _file(folder: Path, tools: list[dict[str, Any]] = TOOLS) -> str:
    (folder / "tools.json").write_text(json.dumps({"tools": tools}), encoding="utf-8")
    return str(folder / "tools.json")


def _found(text: str) -> tuple[Policy, list[Finding]]:
    """The policy that a text is, and what `smcp lint` finds in it."""
    read = document("policy.yaml", text)
    assert isinstance(read, Document) and read.policy is not None, (read, text)
    return read.policy, examined(read, RULES)[0]


# -- what is written --------------------------------------------------------------------------------------------------


def test_a_list_of_tools_becomes_a_policy_that_lints_clean(tmp_path: Path) -> None:
    out = tmp_path / "policy.yaml"
    run = smcp("init", _file(tmp_path), "--out", str(out))
    assert (run.code, run.out) == (0, "")
    counts = "3 only read, 1 write, 1 may destroy, 1 run what they are given"
    assert run.err == f"{out} is a first policy for 6 tools ({counts}); read it, then: smcp lint {out}\n"
    policy, findings = _found(out.read_text(encoding="utf-8"))
    assert findings == [] and list(policy.tools) == [tool["name"] for tool in TOOLS]
    assert policy.unlisted_tools == "deny" and policy.identity is None
    assert policy.tools["query_orders"].arguments["/sql"].kind == "sql"
    assert smcp("lint", str(out)).code == 0


def test_each_tool_stands_on_a_line_of_its_own_with_the_reason(tmp_path: Path) -> None:
    lines = smcp("init", _file(tmp_path), "--out", "-").out.splitlines()
    assert "  read_file: {} # reads (readOnlyHint)" in lines
    assert "  create_order: {} # writes (nothing says that it only reads)" in lines
    assert "  delete_order: {} # may destroy what is there (its name)" in lines
    assert "  run_shell: {} # runs what it is given (it takes commands)" in lines
    assert all(len(line) <= 140 for line in lines)
    assert not [line for line in lines if re.search(r"order.*,.*order", line)]


def test_with_a_key_file_callers_get_roles_by_what_tools_can_do(tmp_path: Path) -> None:
    text = smcp("init", _file(tmp_path), "--out", "-", "--keys", "my keys.yaml").out
    policy, findings = _found(text)
    assert findings == [] and policy.identity is not None and policy.identity.api_keys is not None
    assert str(policy.identity.api_keys.file).endswith("my keys.yaml")
    roles = policy.roles or {}
    assert {name: (role.extends, role.allow[0].tools) for name, role in roles.items()} == {
        "reader": ((), ("read_file", "list_orders", "query_orders")),
        "editor": (("reader",), ("create_order",)),
        "admin": (("editor",), ("delete_order", "run_shell")),
    }
    assert "# smcp keys create --file 'my keys.yaml' --owner ann --role reader" in text.splitlines()


def test_roles_that_would_allow_nothing_are_left_out() -> None:
    policy, findings = _found(proposal(proposed([_tool("delete_order")]), source="a server", keys="keys.yaml"))
    assert findings == [] and [(name, role.extends) for name, role in (policy.roles or {}).items()] == [("admin", ())]
    policy, findings = _found(proposal([], source="a server", keys="keys.yaml"))
    assert findings == [] and policy.roles is None and policy.identity is not None


def test_what_is_commented_out_becomes_right_once_the_marks_are_off() -> None:
    lines = proposal(proposed(TOOLS), source="a server").splitlines()
    first = lines.index("# identity:")
    last = next(at for at, line in enumerate(lines) if line.startswith("# # Prompts"))
    for at in range(first, last):
        lines[at] = lines[at].removeprefix("# ")
    policy, findings = _found("\n".join(lines))
    assert findings == [] and set(policy.roles or {}) == {"reader", "editor", "admin"}


def test_a_contract_to_fill_in_fits_where_the_comment_says(tmp_path: Path) -> None:
    text = proposal(proposed([_tool("read_file", path=TEXT)]), source="a server")
    marked = re.compile(r"^    # (arguments:|  path: .*)$", re.MULTILINE)
    assert len(marked.findall(text)) == 2
    filled = marked.sub(r"    \1", text).replace("  read_file: {} #", "  read_file: #")
    policy, _ = _found(filled)
    assert policy.tools["read_file"].arguments["/path"].kind == "path"


def test_without_any_tool_the_policy_is_one_for_any_server(tmp_path: Path) -> None:
    run = smcp("init", "--out", str(tmp_path / "p.yaml"))
    assert run.code == 0 and "for any server: it names no tool" in run.err
    policy, findings = _found((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    assert findings == [] and policy.tools == {} and policy.unlisted_tools == "allow"


# -- what a tool can do -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hints", "rank"),
    [
        ("get_order", None, "reads"),
        ("getOrder", None, "reads"),
        ("order", {"readOnlyHint": True}, "reads"),
        ("get_order", {"readOnlyHint": False}, "writes"),
        ("get_or_create_order", None, "writes"),
        ("find_and_replace", None, "writes"),
        ("order", None, "writes"),
        ("order", {"readOnlyHint": False}, "writes"),
        ("order", {"destructiveHint": False}, "writes"),
        ("order", {"destructiveHint": True}, "destroys"),
        ("get_order", {"destructiveHint": True}, "destroys"),
        ("get_order", {"readOnlyHint": "yes"}, "writes"),
        ("deleteOrders", {"readOnlyHint": True}, "destroys"),
        ("order", {"readOnlyHint": 1, "destructiveHint": "no"}, "writes"),
        ("order", ["readOnlyHint"], "writes"),
        ("execute_order", {"readOnlyHint": True}, "runs"),
    ],
)
def test_the_worst_that_anything_tells_of_a_tool_counts(name: str, hints: Any, rank: str) -> None:
    assert risk_of({"name": name, "annotations": hints}, frozenset()).rank == rank


def test_what_takes_commands_runs_them_whatever_it_is_called() -> None:
    assert risk_of({"name": "get", "annotations": {"readOnlyHint": True}}, frozenset({"command"})).rank == "runs"
    assert risk_of({"name": "get", "annotations": {"readOnlyHint": True}}, frozenset({"path"})).rank == "reads"


# -- names and schemas of all sorts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_named_as_it_is_or_left_out_and_said(name: str, tmp_path: Path) -> None:
    known = proposed([_tool("get_order"), {**_tool("x", **{name: TEXT | {"format": "uri"}}), "name": name}])
    text = proposal(known, source="a server", left_out=2 - len(known), keys="keys.yaml")
    policy, findings = _found(text)
    assert findings == [] and set(policy.tools) == {each.name for each in known} <= {"get_order", name}
    assert ("# Left out: 1 whose names no policy can hold. They are refused." in text.splitlines()) == (len(known) == 1)
    assert text.isprintable() or set(text) - {each for each in text if each.isprintable()} == {"\n"}


@pytest.mark.parametrize(
    "tool",
    [
        _tool("get_output", {"readOnlyHint": True}, command=TEXT),
        _tool("get_page", post_load_script=TEXT),
        _tool("preview_code", code={"type": "string", "description": "Python code to run"}),
        _tool("search_evaluate", q=TEXT),
    ],
)
def test_what_takes_a_text_to_run_is_no_readers_tool(tool: dict[str, Any]) -> None:
    assert [each.risk.rank for each in proposed([tool])] == ["runs"]
    honest = _tool("get_weather", country_code=TEXT, command_id=TEXT, transcript=TEXT)
    assert [each.risk.rank for each in proposed([honest])] == ["reads"]


@pytest.mark.parametrize("name", ["fetch_and_store", "read_and_forward", "view_grant", "check_evict", "status_reboot"])
def test_a_name_that_reads_and_does_more_is_no_readers_tool(name: str) -> None:
    assert proposed([_tool(name)])[0].risk.rank in ("writes", "destroys")


def test_of_a_name_that_is_listed_twice_the_worse_counts() -> None:
    both = [_tool("sync_notes", {"destructiveHint": True}), _tool("sync_notes", {"readOnlyHint": True})]
    assert [each.risk.rank for each in proposed(both)] == ["destroys"]
    assert [each.risk.rank for each in proposed(both[::-1])] == ["destroys"]


def test_a_tool_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    run = smcp("init", _file(tmp_path, [_tool("get_order"), _tool("get_order", sql=TEXT)]), "--out", "-")
    policy, _ = _found(run.out)
    assert list(policy.tools) == ["get_order"] and "/sql" in policy.tools["get_order"].arguments


_NAMES = st.sampled_from(ODD) | st.text(max_size=20)
_LEAVES = st.sampled_from(
    [TEXT | {"format": each} for each in ("uri", "date-time", "date", "time", "uuid", "email", "hostname")]
    + [TEXT, {"type": "array", "items": TEXT}, {}, True, 5, None]
)
_OBJECTS = st.recursive(
    _LEAVES, lambda each: st.dictionaries(_NAMES, each, max_size=3).map(lambda held: {"properties": held}), max_leaves=5
)
_WORDY = st.sampled_from(["path", "url", "sql", "command", "body", "template", "branch"])
_LISTED = st.fixed_dictionaries(
    {"name": _NAMES.filter(bool), "inputSchema": st.dictionaries(_NAMES | _WORDY, _OBJECTS).map(
        lambda held: {"type": "object", "properties": held})},
    optional={
        "annotations": st.dictionaries(
            st.sampled_from(["readOnlyHint", "destructiveHint"]), st.sampled_from([True, False, None, "no"])
        )
    },
)  # fmt: skip


@given(st.lists(_LISTED, max_size=3), st.sampled_from(["", "keys.yaml"]))
@settings(max_examples=40)
def test_whatever_a_server_lists_the_policy_loads_and_lints_clean(tools: list[dict[str, Any]], keys: str) -> None:
    known = proposed(tools)
    policy, findings = _found(proposal(known, source="a server", keys=keys))
    assert findings == [] and set(policy.tools) == {each.name for each in known}
    assert (counted(known) == "") == (not known)


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_its_makers_alone_and_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "policy.yaml"
    assert smcp("init", "--out", str(out)).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    out.write_text("mine", encoding="utf-8")
    run = smcp("init", "--out", str(out))
    assert run.code == 2 and "is there already; name another file with --out" in run.complaint
    assert out.read_text(encoding="utf-8") == "mine"


def test_by_force_nothing_of_the_file_before_is_left(tmp_path: Path) -> None:
    out = tmp_path / "policy.yaml"
    out.write_text("mine " * 10_000, encoding="utf-8")
    out.chmod(0o644)
    assert smcp("init", "--out", str(out), "--force").code == 0
    assert "mine" not in out.read_text(encoding="utf-8") and stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["policy.yaml"]


def test_force_writes_over_plain_files_alone(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to("there")
    for name in ("link", "."):
        run = smcp("init", "--out", str(tmp_path / name), "--force")
        assert run.code == 2 and "no plain file, so nothing is written over it" in run.complaint
    assert (tmp_path / "there").read_text(encoding="utf-8") == "mine"


# -- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("none.json",), "'none.json': No such file or directory; expected the result of tools/list"),
        (("a.json", "b.json"), "expected one file with tools; a command stands behind --"),
        (("http://127.0.0.1:9/mcp",), "to ask a server, write: --from http://127.0.0.1:9/mcp"),
        (("--from", "http://127.0.0.1:9/mcp", "--", "server"), "one source at a time"),
        (("--from", "127.0.0.1:9"), "is no URL"),
        (("--",), "expected a command behind --"),
        (("--header", "A: b"), "--header is for --from"),
        (("--out", "none/policy.yaml"), "none/policy.yaml: cannot be written (No such file or directory)"),
        (("--out", ""), "--out: expected the name of a file"),
        (("--keys", "a\nb: c"), "--keys: expected the name of a file, without control characters"),
        (("--timeout", "0"), "Invalid value for '--timeout'"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = smcp("init", *arguments)
    assert run.code == 2 and told in run.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not strict JSON"),
        (b"\x00\xff", "not strict JSON"),
        (b"version: 1", "not strict JSON"),
        (b'{"tools": 5}', "no list of tools"),
        (b'{"tools": [{"inputSchema": {}}]}', "tool 1 of the list lacks a name or an inputSchema"),
        (b'{"tools": [{"name": "a", "inputSchema": 5}]}', "tool 1 of the list lacks a name or an inputSchema"),
        (b'{"tools": [{"name": "a", "name": "b"}]}', "not strict JSON"),
    ],
)
def test_a_file_that_is_no_list_of_tools_is_one_line(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_bytes(content)
    run = smcp("init", str(tmp_path / "tools.json"), "--out", str(tmp_path / "policy.yaml"))
    assert run.code == 2 and told in run.complaint
    assert not (tmp_path / "policy.yaml").exists()


# -- a server ---------------------------------------------------------------------------------------------------------


def test_a_server_that_is_asked_shows_its_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = showing(monkeypatch, tmp_path)
    assert smcp("init", "--from", URL).code == 0
    assert list(Policy.load("policy.yaml").tools) == ["add"]
    show(changed(name=5))
    assert Policy.from_dict({}).tools == _found(smcp("init", "--out", "-", "--", "server").out)[0].tools


def test_a_server_that_cannot_be_reached_is_one_line_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    showing(monkeypatch, tmp_path)(Unreached("no answer within 60 s; is it an MCP server?"))
    run = smcp("init", "--from", URL)
    assert run.code == 2 and run.complaint == "smcp init: no answer within 60 s; is it an MCP server?"
    assert list(tmp_path.iterdir()) == []


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_gives_the_rates_that_are_written() -> None:
    page = (Path(__file__).parents[2] / "docs" / "init.md").read_text(encoding="utf-8")
    written = _found(proposal(proposed(TOOLS), source="a server"))[0].limits
    rates = {"/".join(limit.per): str(limit.rate) for limit in written if limit.tools is None}
    assert rates == {"address": "600/minute", "caller/tool": "120/minute"}
    for limit in written:
        assert limit.per == ("address",) or f"| {limit.rate} |" in page
