"""A policy from a file: every mistake at its place, nothing secret in a message, and only PolicyError comes out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy
from smcp_security.policy.faults import SHOWN_MAX
from tests.policy.bad_policies import MISTAKES


def _file(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_reported_at_its_line_and_column(name: str, tmp_path: Path) -> None:
    path = _file(tmp_path, MISTAKES[name].bad)
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert str(caught.value) == f"{path}{MISTAKES[name].report}".replace("{}:", f"{path}:")


@pytest.mark.parametrize("name", MISTAKES)
def test_the_good_twin_of_a_mistake_loads(name: str, tmp_path: Path) -> None:
    assert isinstance(Policy.load(_file(tmp_path, MISTAKES[name].good)), Policy)


def test_all_mistakes_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    path = _file(tmp_path, "profile: x\nserver: {max_depth: 0, hosts: [a/b]}\nflow: {}\n")
    with pytest.raises(PolicyError) as caught:
        Policy.load(str(path))
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").split(": ")[:2] for line in lines] == [
        ["1:10", "profile"], ["2:21", "server.max_depth"], ["2:32", "server.hosts[0]"], ["3:1", "flow"],
    ]  # fmt: skip


def test_a_file_full_of_mistakes_is_cut_and_says_so(tmp_path: Path) -> None:
    path = _file(tmp_path, "".join(f"k{index}: 1\n" for index in range(SHOWN_MAX + 7)))
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == SHOWN_MAX + 1
    assert lines[-1] == f"{path}: and 7 more mistakes"


@pytest.mark.parametrize(
    "text",
    ["audit: {key: hunter2hunter2}\n", "server: {api_key: hunter2hunter2}\n", "password: hunter2hunter2\n",
     "tools: {get_secret: {schema: hunter2hunter2}}\n", "audit: {key: [hunter2hunter2]}\n",
     "tools: {t: {schema: {type: object, default: {token: hunter2hunter2}, maxProperties: hunter2hunter2}}}\n"],
)  # fmt: skip
def test_the_value_of_a_key_that_looks_secret_is_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.load(_file(tmp_path, text))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_strange_key_is_shown_escaped_and_cut(tmp_path: Path) -> None:
    path = _file(tmp_path, f'"a\\e[8m\\n{"x" * 90}": 1\n')
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert str(caught.value).startswith(f'{path}:1:1: "a\\x1b[8m\\x0a{"x" * 58}...": unknown key')
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.yaml: no such file; a relative name counts from the current"):
        Policy.load(tmp_path / "none.yaml")


def test_a_directory_is_not_a_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="a directory; name the policy file in it"):
        Policy.load(tmp_path)


def test_a_name_with_a_null_byte_is_refused_cleanly() -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load("a\x00b")


def test_a_file_below_a_file_is_refused_cleanly(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load(_file(tmp_path, "version: 1\n") / "policy.yaml")


def test_an_unreadable_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, "version: 1\n")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # The superuser reads every file, so the refusal of the system is played.
    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(PolicyError, match="may not read it; change its owner or mode"):
        Policy.load(path)


def test_a_byte_order_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r":1:1: begins with a byte order mark; save it as UTF-8 without one"):
        Policy.load(_file(tmp_path, b"\xef\xbb\xbfversion: 1\n"))


@pytest.mark.parametrize(
    ("data", "place"), [(b"version: 1\n# caf\xe9\n", "2:6"), ("version: 1\n".encode("utf-16"), "1:1")]
)
def test_another_encoding_is_refused_at_the_first_wrong_byte(data: bytes, place: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=rf":{place}: not UTF-8; save the file in that encoding"):
        Policy.load(_file(tmp_path, data))


def test_a_file_over_one_mebibyte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="larger than 1 MiB"):
        Policy.load(_file(tmp_path, b"version: 1\n#" + b"x" * (1024 * 1024)))


def test_a_link_and_a_pipe_are_read_like_files(tmp_path: Path) -> None:
    path = _file(tmp_path, "profile: maximum\n")
    (tmp_path / "link.yaml").symlink_to(path)
    assert Policy.load(tmp_path / "link.yaml").profile == "maximum"
    reading, writing = os.pipe()
    os.write(writing, path.read_bytes())
    os.close(writing)
    assert stat.S_ISFIFO(os.fstat(reading).st_mode)
    assert Policy.load(f"/dev/fd/{reading}") == Policy(profile="maximum")
    os.close(reading)


def test_a_full_policy_is_read_as_written(tmp_path: Path) -> None:
    policy = Policy.load(_file(tmp_path, FULL))
    assert policy.server.hosts == ("mcp.example.com", "localhost:*")
    assert policy.server.flood is None
    assert policy.limits[0].rate.count == 100
    assert policy.limits[0].burst == 20
    assert policy.tools["sql.query"].schema["required"] == ["query"]
    assert policy.injection.action["prompt"] == "block"
    assert not policy.enforces("injection")
    assert policy.audit.key == "env:SMCP_AUDIT_KEY"


FULL = """\
version: 1
mode: {injection: monitor}
profile: standard
server:
  paths: ["/mcp/"]
  hosts: [MCP.example.com, "localhost:*"]
  origins: ["https://app.example.com"]
  max_body: 512KiB
  max_depth: 32
  trusted_proxies: ["10.0.0.0/8", unix]
  min_protocol: 2025-06-18
  extra_methods: ["tasks/*", x-vendor/thing]
  unlisted_mcp: check
  flood: off
  rate_status: 429
limits:
  - {per: address, rate: 100/minute, burst: 20}
arguments: {extras: deny, coercions: deny, unknown_schema: deny}
tools:
  "sql.query":
    schema:
      type: object
      properties: {query: {type: string, maxLength: 2000}}
      required: [query]
injection:
  level: 3
  action: {prompt: block}
  exclude: [{rule: SMCP631, tool: "wiki.*", pointer: "/body", reason: "articles quote SQL", until: 2027-06-01}]
results: {max_size: 2MB}
audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY", arguments: full, on_failure: deny, queue: 100}
"""

_WORDS = st.sampled_from(
    "version mode server limits tools injection hosts flood schema type object off 1 : , { } [ ] - \n \n  ' \" "
    "properties $ref #/$defs/a per rate 1/s exclude rule SMCP631 ? | > & * ! % @ .nan 0x1 null".split(" ")
)


@given(st.lists(_WORDS, max_size=40).map(" ".join) | st.binary(max_size=80))
def test_no_file_raises_anything_but_a_policy_error(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    path = _file(tmp_path_factory.getbasetemp(), text)
    try:
        Policy.load(path)
    except PolicyError as error:
        assert str(error).startswith(str(path))


def test_importing_the_policy_leaves_the_heavy_libraries_alone() -> None:
    program = (
        "import sys, smcp_security.policy as policy; policy.Policy(); "
        "print([name for name in ('mcp', 'mcp_types', 'jsonschema', 'jsonschema_rs', 're2', 'ruamel.yaml') "
        "if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
