"""The kind `command`, and the words it reads: one plain call of a listed program."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.command import CommandRule
from smcp_security.contracts.shell_words import words, words_so_far
from smcp_security.policy.contracts import CommandContract

_RULE = CommandRule(
    CommandContract(
        programs={
            "aws": ("s3", "ls", "cp", "s3://reports/*", "--recursive", "--region=*"),
            "git": None,
            "uptime": (),
            "/usr/bin/env": ("FOO",),
        }
    )
)

_ACTED_ON = [
    "git status; id", "git status | sh", "git status|sh", "git status && id", "git status || id", "git status &",
    "git $(id)", "git `id`", "git $HOME", "git ${HOME}", "git > /etc/passwd", "git < /etc/passwd", "git 2>&1",
    "git <(id)", "git <<< x", "git\nid", "git\rid", "git status # x", "git !!", "git ~", "git ~root/x", "git *.py",
    "git a?", "git [ab]", "git {a,b}", "(git status)", "{ git status; }", 'git "$(id)"', 'git "`id`"', 'git "$HOME"',
    'git "\\$x"', 'git "!x"', "git 'open", 'git "open', "git \\", "git a\\\nb", "git a\x00b", "git\u00a0status",
    "git\u3000status", "git\u2028id", "git $'a'", 'git $"a"', "git ；id", "! git", "git a\x0bb", "git 'a\nb'",
]  # fmt: skip


@pytest.mark.parametrize("line", _ACTED_ON)
def test_what_a_shell_acts_on_has_no_words(line: str) -> None:
    assert words(line) is None
    fault = _RULE.fault(line)
    assert fault is not None
    assert fault.code == "SMCP514"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("git status", ("git", "status")),
        ("  git\t status  ", ("git", "status")),
        ("git 'a b' \"c d\" e\\ f", ("git", "a b", "c d", "e f")),
        ("git a'b'\"c\"d", ("git", "abcd")),
        ("git '' \"\"", ("git", "", "")),
        ('git "a\\"b\\\\c\\d"', ("git", 'a"b\\c\\d')),
        ("git 'a;b|c$(d)'", ("git", "a;b|c$(d)")),
        ("git a\\;b", ("git", "a;b")),
        ("git имя 名前_ü", ("git", "имя", "名前_ü")),
        ("git 'x' имя", ("git", "x", "имя")),
        ("git HEAD^", None),
        ("", ()),
        ("   ", ()),
    ],
)
def test_a_plain_line_has_the_words_that_a_shell_reads(line: str, expected: tuple[str, ...] | None) -> None:
    assert words(line) == expected
    if expected is not None:
        assert tuple(shlex.split(line)) == expected


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=8), max_size=5))
def test_quoted_words_are_read_back_as_they_were(tokens: list[str]) -> None:
    assert words(shlex.join(tokens)) == tuple(tokens)


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab '\"\\$`;\t-=é") | st.characters(), max_size=24))
def test_whatever_is_read_is_what_the_standard_library_reads(line: str) -> None:
    read = words(line)
    if read is not None:
        assert tuple(shlex.split(line)) == read


@pytest.mark.parametrize(
    "line",
    [
        "aws s3 ls; curl x|sh", "aws s3 rm", "aws s3 ls s3://other/x", "aws s3 cp s3://reports/../other/x .",
        "aws s3 ls --endpoint-url=http://x", "uptime -p", "uptime now", "git --upload-pack=x", "git -c x=y",
        "git \u2212c", "git ' -c'", "curl http://x", "GIT status", "./git status", "/bin/git status", "A=b git status",
        "env git", "", "  ", "git 'x' '--output=y'", "git " + "x" * 4096, "/usr/bin/env BAR", "gi\\t\\ status",
    ],
)  # fmt: skip
def test_a_call_outside_of_the_list_is_refused(line: str) -> None:
    fault = _RULE.fault(line)
    assert fault is not None
    assert fault.code == "SMCP514"


@pytest.mark.parametrize(
    "line",
    [
        "aws s3 ls", "aws s3 ls s3://reports/2024/", "aws s3 cp s3://reports/a 's3://reports/b c' --recursive",
        "aws s3 ls --region=eu-west-1", "uptime", "git status", "git log main..HEAD", "git commit 'fix; a | b'",
        "git 'show' \"HEAD\"", "/usr/bin/env FOO", "git ..", "aws s3 ls s3://reports/a..b",
    ],
)  # fmt: skip
def test_a_listed_call_passes_as_it_is(line: str) -> None:
    assert _RULE.fault(line) is None


def test_a_refusal_of_a_command_repeats_nothing_of_it() -> None:
    fault = _RULE.fault("secretprogram --secretoption")
    assert fault is not None
    assert "secret" not in fault.accepted
    assert "aws" not in fault.accepted


@pytest.mark.parametrize("line", ["", "a", "aws", "aws ", "aws s3 'open", 'git "open', "up", "git '", 'git "a\\'])
def test_a_beginning_of_a_listed_call_passes(line: str) -> None:
    assert _RULE.fault_of_beginning(line) is None


@pytest.mark.parametrize("line", ["cu", "a ", "curl ", "aws s3;", "git $(", "git `", 'git "$(', "git " + "x" * 4096])
def test_a_beginning_of_nothing_listed_is_refused(line: str) -> None:
    assert _RULE.fault_of_beginning(line) is not None


def test_an_open_quote_is_read_only_where_somebody_types() -> None:
    assert words("git 'a b") is None
    reading = words_so_far("git 'a b")
    assert reading is not None
    assert reading.words == ("git", "a b")
    assert reading.unfinished
