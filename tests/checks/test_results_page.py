"""docs/results.md says what is done: its examples run, its codes and keys are those that there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security.codes import CODES
from smcp_security.policy import ResultsPolicy
from smcp_security.rules.catalogue import read_rules

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
TABLE = re.findall(r"^\| `(.+)` \| (.+) \|$", PAGE.partition("| the tool says |")[2].partition("\n\n")[0], re.MULTILINE)


@pytest.fixture(scope="module")
def answered() -> Iterator[Callable[[str], str]]:
    [code] = re.findall(r"<!-- results:example -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "results.md", "exec"), names)
    with names["security"]:
        yield names["answered"]


@pytest.mark.parametrize(("said", "got"), TABLE)
def test_the_examples_of_the_page_are_what_happens(answered: Callable[[str], str], said: str, got: str) -> None:
    text = said.replace("\\u001b", "\x1b")
    told = answered(text)
    if got == "the same":
        assert told == text
    elif got.startswith("`"):
        assert told == got.strip("`")
    else:
        lines = told.split("\n")
        assert len(lines) == 4 and lines[2] == text and "the tool read_mail" in lines[0]


def test_the_page_has_every_key_and_every_code_of_results() -> None:
    assert len(TABLE) == 4
    assert [key for key in ResultsPolicy.model_fields if key != "tenant" and f"`{key}`" not in PAGE] == []
    codes = {code for code in CODES if "SMCP705" <= code <= "SMCP711"} | {"SMCP701", "SMCP805"}
    assert [code for code in codes if code not in PAGE] == []


def test_the_page_names_every_rule_for_definitions() -> None:
    rules = [rule.id for rule in read_rules() if rule.category == "poisoning"]
    table = PAGE.partition("## Definitions")[2]
    assert [id for id in rules if id.removeprefix("SMCP") not in table] == []
