"""The kind `argv_token`: one argument that no program reads as an option."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.argv_token import ArgvTokenRule
from smcp_security.policy.contracts import ArgvTokenContract

_TOKEN = ArgvTokenRule(ArgvTokenContract())
_STAT = ArgvTokenRule(ArgvTokenContract(options=("--stat", "-p"), max_length=64))


@pytest.mark.parametrize(
    "value",
    [
        "--output=/home/u/.bashrc", "--upload-pack=touch /tmp/x", "-o", "-", "--", " --output=x", "\u00a0-o", "\t-o",
        "\u2212o", "\u2013output", "－o", "\u200b-o", "\ufeff--x", "a\n--x", "a\x00b", "a\rb", "pod; id", "pod|id",
        "pod && id", "pod & id", "pod&", "`id`", "$(id)", "${IFS}id", "<(id)", "", "x" * 1025, "\u00ad-x", " a",
        "\x1b[8m",
    ],
)  # fmt: skip
def test_what_is_read_as_an_option_or_a_command_is_refused(value: str) -> None:
    fault = _TOKEN.fault(value)
    assert fault is not None
    assert fault.code == "SMCP515"


@pytest.mark.parametrize(
    "value",
    [
        "main", "HEAD~1", "feature/x-y", "a-b", "@babel/core", "user@host", "https://example.com/?a=1&b=2", "*.py",
        "a b",
        "package>=1.0", "it's", "100%", "price: $5", "R&D", "имя", "key=value", "x" * 1024, "a - b",
    ],
)  # fmt: skip
def test_an_ordinary_argument_passes_as_it_is(value: str) -> None:
    assert _TOKEN.fault(value) is None


@pytest.mark.parametrize(("value", "passes"), [("--stat", True), ("-p", True), ("--stat=9", False), ("-P", False)])
def test_a_listed_option_passes_and_only_that_very_one(value: str, passes: bool) -> None:
    assert (_STAT.fault(value) is None) is passes
    assert _TOKEN.fault(value) is not None


def test_the_refusal_says_that_some_options_are_listed() -> None:
    fault = _STAT.fault("--output=x")
    assert fault is not None
    assert "listed option" in fault.accepted
    assert "output" not in fault.accepted


def test_a_beginning_may_be_that_of_a_listed_option() -> None:
    assert _STAT.fault_of_beginning("--st") is None
    assert _STAT.fault_of_beginning("") is None
    assert _STAT.fault_of_beginning("--ou") is not None


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=12))
def test_no_text_with_a_dash_in_front_passes(value: str) -> None:
    assert _TOKEN.fault("-" + value) is not None
    _TOKEN.fault(value)


@pytest.mark.parametrize("value", ["'--output=x'", '"-x"', "\\-x", "'\"-x"])
def test_quotes_do_not_hide_a_dash(value: str) -> None:
    assert ArgvTokenRule(ArgvTokenContract()).fault(value) is not None
    assert ArgvTokenRule(ArgvTokenContract()).fault(value.replace("-", "")) is None
