"""Which rules run, and what is said of a name that no rule has."""

from __future__ import annotations

import pytest

from smcp_security.lint.catalogue import rules
from smcp_security.lint.finding import LintError
from smcp_security.lint.selection import chosen


def test_without_a_choice_every_rule_but_the_strict_ones_runs() -> None:
    assert chosen([], []).keys() == {code for code, rule in rules().items() if rule.persona == "regular"}
    assert chosen([], [], "strict").keys() == rules().keys()


@pytest.mark.parametrize(
    ("select", "codes"),
    [
        (["POL101"], {"POL101"}),
        (["any-host"], {"POL101"}),
        (["Any-Host", "pol102"], {"POL101", "POL102"}),
        (["LNT"], {"LNT001", "LNT002", "LNT003"}),
        (["POL70"], {"POL701"}),
        (["POL702"], {"POL702"}),
        (["lock-without-digest"], {"POL702"}),
    ],
)
def test_rules_are_named_by_code_beginning_and_slug(select: list[str], codes: set[str]) -> None:
    assert chosen(select, []).keys() == codes


def test_what_is_ignored_does_not_run_even_if_it_is_selected() -> None:
    assert chosen(["LNT"], ["unused-ignore"]).keys() == {"LNT001", "LNT003"}


def test_a_run_without_any_rule_is_an_error() -> None:
    with pytest.raises(LintError, match="no rule is left to run"):
        chosen([], ["all"])
    with pytest.raises(LintError, match="no rule is left to run"):
        chosen(["POL010"], ["POL"])


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("PL101", "did you mean POL101?"),
        ("any-hots", "did you mean any-host?"),
        ("zzz", "--explain all"),
        (" ", "lists"),
    ],
)
def test_a_name_that_no_rule_has_is_an_error_with_a_suggestion(name: str, advice: str) -> None:
    with pytest.raises(LintError, match="no rule") as error:
        chosen([name], [])
    assert advice in str(error.value)
