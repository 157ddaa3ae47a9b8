"""Paths: what is accepted stays below a root however a server decodes it; links are judged by where they lead."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.contract import Found, PathLookup, ResolvedPath
from smcp_security.contracts.path import PathRule
from smcp_security.contracts.path_roots import read_root
from smcp_security.errors import PolicyError
from smcp_security.policy.contracts import PathContract

POSIX = PathRule(PathContract(roots=("/srv/data",)))
WINDOWS = PathRule(PathContract(roots=("C:\\data",)))
NOTES = PathRule(PathContract(roots=("/srv/data",), suffixes=(".md", ".txt")))
LOCAL = PathRule(PathContract(roots=("/srv/data",), resolve="local"))
THERE = PathRule(PathContract(roots=("/srv/data", "/srv/more"), resolve="local", must_exist=True))

HONEST = [
    "a.md", "docs/x", "./a", ".", "/srv/data", "/srv/data/", "/srv/data/x/y.md", "/srv/data//x", "12:30.md", "v1.2:x",
    "100%.txt", "a%20b.txt", "caf%C3%A9", "v1..v2", "..a", "a..", "..a/b", ".git/config", "aux", "src/aux.c",
    "con.py",
    "½.md", "wait….md", "[slug].tsx", "$id.tsx", "café", "@types/x", "a+b=c&d", "x;y", "~".join("ab"), "my file.txt",
    "Screenshot 1.00.00\u202fPM.png", "می\u200cخواهم.txt", "price ¥100.md", "a - b", "null.c", "console", "x y/ z",
]  # fmt: skip
LEAVING = [
    "../x", "a/../../x", "a/../b", "..", "..\\x", "..;/x", ".. /x", "....//x", "..././x", "...", "..%2fx", "..%252fx",
    "%2e%2e/x", "%252e%252e%252fx", "%%32%65%%32%65/x", "a%2f..%2f..%2fx", "%c0%ae%c0%ae/x", "..%c0%afx",
    "%u002e%u002e/x",
    "．．/x", "..／x", "‥/x", "..¥x", "0x2e0x2e/x", "../../../.kube/config", "a%2fb", "a%5cb",
    "/srv", "/", "/etc/passwd", " /etc/passwd", "'/etc/passwd'", "／etc／passwd", "/srv/data_secret/x",
    "/srv/data/../x",
    "/srv/data/%2e%2e/x", "/SRV/DATA/x", "/srv/dat", "/home/u/.ssh",
]  # fmt: skip
ODD = [
    "", " ", "''", "a\0b", "a\nb", "a\x1b[8m", "a%00b", "a%0ab", "a%2500b", "\ud800", "a\u202eb", "a\u200bb",
    "\U000e0041",
    "//srv/data/x", "\\\\host\\share", "\\\\?\\C:\\x", "\\\\.\\pipe\\x", "a\\b", "＼＼host＼share", "C:foo", "C:\\x",
    "c:/x",
    "~", "~/x", "~root/x", "file:x", "file:///srv/data/x", "FILE:///x", "http://x/y", "php://filter/x", "data:x",
    "smb://h/s",
    "NUL", "nul", "CON", "COM1", "CON.txt", "LPT9.log", "a/NUL/b", "COM¹", "CONIN$",
    "x.txt:stream", "x.txt::$DATA", "x::$INDEX_ALLOCATION", "x.php：：$DATA",
    "-rf", "--output=x", ":(top)x", ":!x", "$HOME/x", "a/${HOME}", "%APPDATA%/x", "$(id)", "%ff",
]  # fmt: skip


@pytest.mark.parametrize("path", HONEST)
def test_a_path_below_the_root_passes(path: str) -> None:
    assert POSIX.fault(path) is None
    assert POSIX.lookups(path) == ()


@pytest.mark.parametrize("path", [*LEAVING, *ODD])
def test_a_path_that_may_lead_elsewhere_is_refused(path: str) -> None:
    fault = POSIX.fault(path)
    assert fault is not None
    assert fault.code == "SMCP510"


@pytest.mark.parametrize("path", ["C:\\data", "C:\\data\\x", "c:/DATA/x.md", "x\\y", "x/y", "x", "a.b", "v1..v2", "."])
def test_a_path_below_a_windows_root_passes_in_either_slash(path: str) -> None:
    assert WINDOWS.fault(path) is None


@pytest.mark.parametrize(
    "path",
    ["..\\x", "x\\..\\..\\y", "\\x", "/x", "C:x", "C:", "C:\\", "D:\\data\\x", "C:\\data2\\x", "C:\\data\\x.",
    "C:\\data\\x ",
     "C:\\data\\nul.txt", "aux.c", "aux", "com1 .txt", "x:y", "x.txt::$DATA", "a*b", "a?b", "C:\\data\\..\\x",
     "C:\\data\\.. \\x", "\\\\?\\C:\\data\\x", "\\\\host\\C$\\data", "\\\\.\\C:\\data", "C:\\data\\x\\...\\y",
     "x%5c..%5cy",
     "C:\\D\u212aATA"],
)  # fmt: skip
def test_what_windows_takes_for_another_place_is_refused(path: str) -> None:
    assert WINDOWS.fault(path) is not None


def test_a_folder_whose_name_only_begins_like_the_root_is_another() -> None:
    assert POSIX.fault("/srv/data_secret/x") is not None
    assert POSIX.fault("/srv/data/secret/x") is None
    assert PathRule(PathContract(roots=("/srv/data", "/srv/data_secret"))).fault("/srv/data_secret/x") is None


def test_everything_absolute_lies_below_the_root_of_all() -> None:
    everywhere = PathRule(PathContract(roots=("/",)))
    assert everywhere.fault("/etc/hosts") is None
    assert everywhere.fault("/etc/../hosts") is not None


@pytest.mark.parametrize(("path", "fits"), [("a.md", True), ("a.txt", True), ("a.md/b", False), ("a", False),
                                            ("a.MD", False), ("a.sh", False), ("a.sh%00.md", False), ("a.mdx", False),
                                            ("a.txt%20", False), ("a%2emd", False), ("a.md/", False)])  # fmt: skip
def test_a_path_ends_as_the_policy_says_in_every_reading(path: str, fits: bool) -> None:
    assert (NOTES.fault(path) is None) is fits


def test_the_case_of_an_ending_says_nothing_on_windows() -> None:
    rule = PathRule(PathContract(roots=("C:\\data",), suffixes=(".Md",)))
    assert rule.fault("a.MD") is None
    assert rule.fault("a.txt") is not None


def test_a_long_path_is_refused_before_anything_else() -> None:
    rule = PathRule(PathContract(roots=("/srv/data",), max_length=5))
    fault = rule.fault("../../")
    assert fault is not None
    assert fault.code == "SMCP517"
    assert rule.fault("abcde") is None


def test_a_refusal_names_endings_but_neither_the_value_nor_the_roots() -> None:
    fault = NOTES.fault("../secret-value")
    assert fault is not None
    assert ".md or .txt" in fault.accepted
    assert "secret-value" not in fault.accepted
    assert "/srv" not in fault.accepted


@pytest.mark.parametrize(
    "typed", ["", "/", "/s", "/srv", "/srv/", "/srv/da", "/srv/data/CON", "do", "docs/re", ".", "a%2"]
)
def test_a_path_that_may_still_come_to_lie_below_the_root_is_a_beginning(typed: str) -> None:
    assert POSIX.fault_of_beginning(typed) is None


@pytest.mark.parametrize(
    "typed", ["..", "../", "~", "/e", "/srv/b", "/srv/x/", "//", "file:", "/srv/data_", "x\n", "x" * 5000]
)
def test_a_path_that_can_no_longer_come_right_is_no_beginning(typed: str) -> None:
    assert POSIX.fault_of_beginning(typed) is not None


@pytest.mark.parametrize(("typed", "fits"), [("C", True), ("C:", True), ("c:\\da", True), ("x\\y.", True), ("D:",
        False),
                                             ("\\\\", False), ("C:\\win", False)])  # fmt: skip
def test_a_windows_path_is_typed_drive_first(typed: str, fits: bool) -> None:
    assert (WINDOWS.fault_of_beginning(typed) is None) is fits


@given(st.text(alphabet="ab./\\%2e5cf~: ．", max_size=20))
@settings(max_examples=300)
def test_what_is_accepted_stays_inside_however_often_it_is_decoded(path: str) -> None:
    if POSIX.fault(path) is not None:
        return
    for _ in range(4):
        joined = posixpath.normpath(posixpath.join("/srv/data", path))
        assert joined == "/srv/data" or joined.startswith("/srv/data/")
        path = unquote(path)


@given(
    st.lists(
        st.text(alphabet="abc xyz_-.é", min_size=1, max_size=8).filter(lambda name: name.strip(" ._-")), min_size=1
    )
)
@settings(max_examples=50)
def test_plain_names_always_pass(names: list[str]) -> None:
    names = [f"n{name}" for name in names]
    assert POSIX.fault("/".join(names)) is None
    assert POSIX.fault(f"/srv/data/{'/'.join(names)}") is None


@given(st.integers(0, 6), st.sampled_from(["../x", "a/../../x", "/etc/passwd", "a\0b"]))
@settings(max_examples=30)
def test_no_number_of_escapes_brings_a_bad_path_through(rounds: int, path: str) -> None:
    for _ in range(rounds):
        path = quote(path, safe="")
    assert POSIX.fault(path) is not None


def _found(rule: PathRule, path: str, real: dict[str, str | None]) -> tuple[Found, ...]:
    """Answers as a file system gives them: `real` holds links, and None for what is not there."""
    answers = []
    for lookup in rule.lookups(path):
        assert isinstance(lookup, PathLookup)
        leads = real.get(lookup.path, lookup.path)
        answers.append(ResolvedPath(lookup.path if leads is None else leads, leads is not None))
    return tuple(answers)


def test_a_link_that_leaves_the_root_is_refused_and_one_that_stays_passes() -> None:
    links: dict[str, str | None] = {
        "/srv/data/out": "/etc/passwd",
        "/srv/data/in": "/srv/data/b",
        "/srv/data/near": "/srv/data2",
    }
    for path in ("out", "/srv/data/out", "near"):
        assert LOCAL.fault(path) is None
        fault = LOCAL.fault_found(path, _found(LOCAL, path, links))
        assert fault is not None
        assert fault.code == "SMCP510"
    assert LOCAL.fault_found("in", _found(LOCAL, "in", links)) is None


def test_a_root_that_is_a_link_itself_is_followed_too() -> None:
    links: dict[str, str | None] = {"/srv/data": "/mnt/disk", "/srv/data/x": "/mnt/disk/x", "/srv/data/y": "/mnt/y"}
    assert LOCAL.fault_found("x", _found(LOCAL, "x", links)) is None
    assert LOCAL.fault_found("y", _found(LOCAL, "y", links)) is not None


def test_a_link_under_the_decoded_name_counts_too() -> None:
    links: dict[str, str | None] = {"/srv/data/a b": "/etc/passwd"}
    assert LOCAL.fault_found("a%20b", _found(LOCAL, "a%20b", links)) is not None
    assert LOCAL.fault_found("a%20b", _found(LOCAL, "a%20b", {})) is None


def test_a_path_must_exist_below_one_root_where_the_policy_says_so() -> None:
    only_more: dict[str, str | None] = {"/srv/data/x": None}
    nowhere: dict[str, str | None] = {"/srv/data/x": None, "/srv/more/x": None}
    assert THERE.fault_found("x", _found(THERE, "x", only_more)) is None
    fault = THERE.fault_found("x", _found(THERE, "x", nowhere))
    assert fault is not None
    assert fault.code == "SMCP510"
    assert LOCAL.fault_found("x", _found(LOCAL, "x", nowhere)) is None


def test_an_ending_holds_for_what_a_link_leads_to() -> None:
    rule = PathRule(PathContract(roots=("/srv/data",), suffixes=(".md",), resolve="local"))
    assert rule.fault_found("a.md", _found(rule, "a.md", {"/srv/data/a.md": "/srv/data/key.pem"})) is not None
    assert rule.fault_found("a.md", _found(rule, "a.md", {"/srv/data/a.md": "/srv/data/b.md"})) is None


def test_answers_that_do_not_fit_the_questions_leave_a_path_unresolved() -> None:
    fault = LOCAL.fault_found("x", ())
    assert fault is not None
    assert fault.code == "SMCP519"
    assert LOCAL.fault_found("x", (("8.8.8.8",), ("8.8.8.8",))) is not None


@pytest.mark.parametrize(
    "root", ["data", "./data", "/srv/../x", "//host/share", "\\\\host\\share", "C:data", "", "/a\nb"]
)
def test_a_root_that_is_not_absolute_and_plain_stops_the_start(root: str) -> None:
    with pytest.raises(PolicyError, match="absolute directory"):
        read_root(root)


@pytest.mark.parametrize("root", ["/", "/srv", "/srv/data/", "C:\\", "C:\\data", "c:/data"])
def test_a_plain_root_is_read(root: str) -> None:
    assert read_root(root).contains(read_root(root))
