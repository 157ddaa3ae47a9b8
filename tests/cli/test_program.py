"""`smcp` as a whole: light to start, one line for every mistake, exit codes that scripts can rely on."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from smcp_security import errors
from smcp_security.cli.program import COMMANDS
from smcp_security.rules import catalogue
from smcp_security.version import VERSION
from tests.architecture.source import ROOT
from tests.cli.terminal import smcp

HEAVY = ("asyncio", "google", "jsonschema", "mcp", "mcp_types", "pydantic", "re2", "ruamel", "uvicorn")


def _process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smcp_security.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)  # type: ignore[call-overload, no-any-return]


def test_the_version_is_printed_alone() -> None:
    result = _process("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"smcp {VERSION}\n", "")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_load_nothing_of_the_engine(option: str) -> None:
    script = (
        "import sys; from smcp_security.cli import main\n"
        f"try: main([{option!r}])\n"
        "except SystemExit: print(*sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    plain = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    loaded = set(printed.splitlines()[-1].split()) - set(plain.stdout.split())
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & set(HEAVY))


def test_the_help_names_every_command_with_a_sentence() -> None:
    result = smcp("--help")
    assert result.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in result.out] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_of_the_table_can_be_loaded_and_explains_itself(name: str) -> None:
    result = smcp(name, "--help")
    assert result.code == 0
    assert f"Usage: smcp {name}" in result.out


def test_no_command_at_all_is_a_usage_error() -> None:
    result = smcp()
    assert (result.code, result.complaint) == (2, "smcp: Missing command; see `smcp --help`")


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant() -> None:
    result = smcp("explian")
    assert (result.code, result.complaint) == (
        2,
        "smcp: no command 'explian'; did you mean explain?; see `smcp --help`",
    )


def test_a_command_like_no_other_is_answered_with_all_there_are() -> None:
    result = smcp("zzz")
    assert result.code == 2
    assert all(name in result.complaint for name in COMMANDS)


def test_an_unknown_option_is_one_line_that_names_the_command() -> None:
    result = smcp("schema", "--colour")
    assert result.code == 2
    # The words between are click's, and change with its versions.
    assert result.complaint.startswith("smcp schema: No such option") and "--colour" in result.complaint


def test_ctrl_c_ends_a_command_with_one_line_and_130() -> None:
    class Interrupted(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise KeyboardInterrupt

    result = smcp("check", "-", stdin=Interrupted())
    assert (result.code, result.err.strip()) == (130, "smcp: interrupted")


def test_damaged_rules_are_told_apart_from_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise errors.RulesError("compiled.json: cut off")

    monkeypatch.setattr(catalogue, "read_rules", damaged)
    result = smcp("explain")
    assert (result.code, result.complaint) == (3, "smcp: the detection rules cannot be used: compiled.json: cut off")


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    command = [sys.executable, "-m", "smcp_security.cli", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def _shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_full_disk_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    result = _shell(f"ulimit -f 0; {sys.executable} -B -m smcp_security.cli schema > {tmp_path}/schema.json")
    assert result.returncode == 2
    assert result.stderr == "smcp: the output cannot be written: File too large; write it elsewhere\n"


def test_closed_streams_are_no_traceback() -> None:
    smcp = f"{sys.executable} -m smcp_security.cli"
    output, given = _shell(f"{smcp} explain SMCP112 >&-"), _shell(f"{smcp} check - <&-")
    assert (output.returncode, output.stderr) == (0, "")
    assert (given.returncode, given.stderr) == (2, "smcp check: stdin: empty; expected one JSON-RPC message\n")


def test_a_terminal_of_few_letters_ends_no_command() -> None:
    result = _process("explain", "--all", env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()


def test_output_in_a_pipe_has_no_colour() -> None:
    assert "\x1b" not in _process("--help").stdout + _process("explain", "SMCP112").stdout
