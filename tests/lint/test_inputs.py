"""Files and folders: what is read, what is passed over, and one clear line for what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Finding, Unreadable
from smcp_security.lint.inputs import FILE_MAX, Source, known_tools, read, sources
from smcp_security.lint.run import Report, run
from smcp_security.lint.selection import chosen

POLICY = "version: 1\nserver: {paths: [/mcp]}\n"


def found_in(*paths: Path | str) -> Report:
    """What a run over paths finds."""
    return run([str(path) for path in paths], chosen(["POL001", "CFG001", "LCK001"], []))


def only(report: Report) -> Finding:
    """The one finding of a run, which read everything."""
    assert report.unreadable == ()
    assert len(report.findings) == 1
    return report.findings[0]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (bytes(range(256)), "binary data"),
        (POLICY.encode("utf-16"), "binary data, or text in UTF-16"),
        ("version: 1\n# caf\xe9\n".encode("latin-1"), "not UTF-8 at line 2, column 6"),
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"version: 1\n" + b"# x\n" * (FILE_MAX // 4), "larger than 16 MiB"),
    ],
    ids=["binary", "utf-16", "latin-1", "nothing", "blanks", "large"],
)
def test_what_is_no_text_is_named_with_the_reason(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "p.yaml").write_bytes(data)
    report = found_in(tmp_path / "p.yaml")
    assert [each.problem[: len(problem)] for each in report.unreadable] == [problem]
    assert report.documents == {}


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("\ufeffversion: 1\n", 1, 1, "YAML does not allow the character U+FEFF here"),
        ("version: 1\nserver:\n\tpaths: [/mcp]\n", 3, 1, "not YAML"),
        ("version: 1\nversion: 1\n", 2, 1, "duplicate key version"),
        ("version: 1\nmode: &a monitor\n", 2, 7, "anchors"),
        ("version: 1\nroles: " + "[" * 100, 2, 72, "expected a policy of at most 50,000 values and 64 levels"),
        ("version: 1\n---\nversion: 1\n", 2, 1, "a second document"),
        ("version: 1\nserver: {paths: [/mcp]\n", 3, 1, "not YAML"),
        ("# nothing\n", 1, 1, "expected a mapping"),
        ("- a\n- b\n", 1, 1, "expected a mapping"),
        ("version: 1\r\nserver:\r\n  max_bdy: 1\r\n", 3, 3, "server.max_bdy: unknown key; did you mean max_body?"),
        ("version: 1\n" + "# x\n" * 300_000, 1, 1, "larger than 1 MiB"),
        ('{"mcpServers": {"a": {"command": "x"}\n', 2, 1, "not JSON"),
        ('{"mcpServers": ' + '{"a":' * 1000, 1, 516, "not JSON: expected at most"),
        ('{"tools": [{"name": "a", "inputSchema": {}}', 1, 44, "not JSON"),
    ],
    ids="mark tab duplicate anchor deep documents open comment list crlf large client deep-client tools".split(),
)
def test_a_text_that_cannot_be_loaded_is_a_finding_with_its_place(
    tmp_path: Path, text: str, line: int, column: int, problem: str
) -> None:
    (tmp_path / "p.yaml").write_bytes(text.encode())
    finding = only(found_in(tmp_path / "p.yaml"))
    assert finding.message.startswith(problem)
    assert finding.span[:2] == (line, column)


def test_every_mistake_of_a_policy_is_a_finding_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 2\nserver: {max_bdy: 1, paths: []}\n")
    report = found_in(tmp_path / "p.yaml")
    assert [finding.span[:2] for finding in report.findings] == [(1, 10), (2, 10), (2, 29)]


def test_a_file_that_is_not_there_does_not_keep_others_from_being_looked_at(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    report = found_in(tmp_path / "none.yaml", tmp_path / "p.yaml")
    assert [each.problem[:12] for each in report.unreadable] == ["no such file"]
    assert list(report.documents) == [str(tmp_path / "p.yaml")]


def test_a_file_of_another_kind_is_an_error_where_it_is_named_and_passed_over_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1.0.0", "dependencies": {}}')
    (tmp_path / "compose.yaml").write_text("version: '3'\nservices: {}\n")
    assert found_in(tmp_path) == found_in(tmp_path, tmp_path / ".")
    assert found_in(tmp_path).documents == {}
    assert found_in(tmp_path / "package.json").unreadable[0].problem.startswith("no policy, lock file")


@pytest.mark.parametrize(
    ("path", "looked_at"),
    [
        ("policy.yaml", True),
        ("deep/er/policy.yml", True),
        (".cursor/mcp.json", True),
        (".hidden/policy.yaml", False),
        ("node_modules/a/policy.yaml", False),
        ("env/lib/policy.yaml", False),
        ("policy.txt", False),
    ],
)
def test_a_folder_is_walked_by_names_that_are_documented(tmp_path: Path, path: str, looked_at: bool) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"mcpServers": {"a": {"command": "x"}}}' if path.endswith("json") else POLICY)
    assert list(found_in(tmp_path).documents) == ([str(file)] if looked_at else [])


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "p.yaml").write_text(POLICY)
    (tmp_path / "again.yaml").symlink_to("a/p.yaml")
    (tmp_path / "broken.yaml").symlink_to("nowhere")
    assert len(found_in(tmp_path, tmp_path / "a").documents) == 1


def test_a_pipe_in_a_folder_does_not_hold_the_run_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert found_in(tmp_path).documents == {}


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, whom no mode keeps out."""
    (tmp_path / "locked").mkdir()
    (tmp_path / "p.yaml").write_text(POLICY)
    real = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = list(sources([str(tmp_path)]))
    assert Unreadable(str(tmp_path / "locked"), "a folder that cannot be read (Permission denied)") in found
    assert Source(str(tmp_path / "p.yaml"), named=False) in found


def test_the_lock_file_beside_a_policy_says_which_tools_there_are(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text('[{"name": "find_book", "inputSchema": {"type": "object"}}]')
    (tmp_path / "p.yaml").write_text("version: 1\npins: {file: tools.json}\ntools: {fnd_book: {infer: false}}\n")
    rules = chosen(["POL406"], [])
    assert [finding.at for finding in run([str(tmp_path / "p.yaml")], rules).findings] == ["tools.fnd_book"]
    (tmp_path / "tools.json").write_text("damaged")
    assert run([str(tmp_path / "p.yaml")], rules).findings == ()


def test_tools_come_from_a_lock_file_or_a_list(tmp_path: Path) -> None:
    listed = Path(__file__).parent / "tools.json"
    assert set(known_tools(str(listed)).tools) == {"find_book", "remove_book"}
    document = read(Source(str(listed), named=True))
    assert isinstance(document, Document)
    assert document.kind == "tools"
