"""How wide a contract is: folders, programs, options and patterns, each with a neighbour that is narrow enough."""

from __future__ import annotations

import pytest

from smcp_security.lint.breadth import running_option, runs_anything, takes_anything, wide_root
from smcp_security.policy.contracts import RegexContract


@pytest.mark.parametrize(
    "root",
    [
        "/home", "/home/ann", "/Users/ann", "/root", "/root/x", "/etc", "/etc/nginx", "/proc/self", "/var", "/usr",
        "/home/ann/.ssh", "/srv/x/.aws/y", "C:\\Users\\ann", "C:\\Windows\\System32", "C:\\Users", "/run/secrets/db",
    ],
)  # fmt: skip
def test_a_folder_that_holds_more_than_one_tools_files_is_wide(root: str) -> None:
    assert wide_root(root)


@pytest.mark.parametrize(
    "root",
    [
        "/home/ann/notes", "/srv", "/srv/data", "/var/lib/app", "/usr/share/doc", "C:\\Users\\ann\\notes",
        "/etcetera", "/opt/app", "D:\\data", "/data/.sshx",
    ],
)  # fmt: skip
def test_a_folder_of_one_tool_is_narrow_enough(root: str) -> None:
    assert wide_root(root) == ""


@pytest.mark.parametrize(
    "program", ["sh", "/bin/bash", "python3.12", "env", "ssh", "docker", "cmd.exe", "node", "gawk"]
)
def test_a_program_that_runs_others_is_known_by_its_name(program: str) -> None:
    assert runs_anything(program, None)
    assert runs_anything(program, ["-c", "*"])
    assert not runs_anything(program, [])
    assert not runs_anything(program, ["tests/run", "--version"])


@pytest.mark.parametrize("program", ["ls", "git", "cat", "ruff", "shasum", "environment", "/usr/bin/wc"])
def test_a_program_that_runs_nothing_else_may_have_any_argument(program: str) -> None:
    assert not runs_anything(program, None)


@pytest.mark.parametrize(
    ("program", "glob", "option"),
    [
        ("git", "-*", "-c"), ("git", "--*", "--upload-pack"), ("find", "-exec", "-exec"), ("find", "-*", "-exec"),
        ("tar", "--to-*", "--to-command"), ("/usr/bin/rsync", "-e", "-e"), ("curl", "-o", "-o"),
        ("rg", "--pre*", "--pre"),
    ],
)  # fmt: skip
def test_an_option_that_runs_something_is_named(program: str, glob: str, option: str) -> None:
    assert running_option(program, ["src/*", glob]) == (1, option)


@pytest.mark.parametrize(
    ("program", "globs"),
    [
        ("git", ["status", "log", "--stat", "-n"]), ("git", ["*"]), ("git", None), ("find", ["-name", "*", "-type"]),
        ("ls", ["-*"]), ("tar", ["-t", "-f", "*.tar"]),
    ],
)  # fmt: skip
def test_options_that_only_say_what_to_show_are_left_alone(program: str, globs: list[str] | None) -> None:
    """A glob that begins with no dash lets no option through."""
    assert running_option(program, globs) is None


@pytest.mark.parametrize("pattern", [".*", ".+", r"(?s).*", r"[\s\S]*", r"(.|\n)*", r"[^\x00]*", r"[\x01-\x{10ffff}]+"])
def test_a_pattern_that_takes_everything_is_seen_through_its_spelling(pattern: str) -> None:
    assert takes_anything(RegexContract(kind="regex", pattern=pattern))


@pytest.mark.parametrize("pattern", [r"\w+", "[a-z0-9 ]*", r"[^/]*", r"[^<>]*", r".*\.md", r"\S+", "[ -~]*"])
def test_a_pattern_that_refuses_something_is_left_alone(pattern: str) -> None:
    assert not takes_anything(RegexContract(kind="regex", pattern=pattern))
