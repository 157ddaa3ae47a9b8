"""The benchmark of answers runs, measures every rung under every policy, and prints no numbers of a changed answer."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks import results
from benchmarks.answer_floods import answer_families, is_list
from benchmarks.answers import Case, as_event, cases
from benchmarks.messages import SEED

SMALL = 2_000


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers and two policies: the others are more of the same."""
    chosen = [case for case in cases() if case.name in ("300 B", "SSE event of 300 B", "16 KB, one token in it")]
    monkeypatch.setattr(results, "cases", lambda: chosen)
    monkeypatch.setattr(results, "POLICIES", {name: results.POLICIES[name] for name in ("off", "standard")})
    monkeypatch.setattr(results, "LEAST", 2)


@pytest.mark.usefixtures("few")
def test_every_rung_has_its_share_and_a_masked_answer_says_so(tmp_path: Path) -> None:
    cells, about = results.measure(tmp_path, blocks=1, seconds=0)
    assert [cell.policy for cell in cells] == ["off", "standard"] * 3
    assert {"size", "parse", "redaction", "instructions", "hidden_text"} <= cells[1].rungs.keys()
    assert "redaction" not in cells[0].rungs
    [leaking] = [cell for cell in cells if not cell.case.honest and cell.policy == "standard"]
    assert leaking.codes == ("SMCP705",)
    report = results.honest_text(cells, about)
    assert "standard: p50" in report and "300 B" in report
    table = json.loads(results.as_json(cells, [], about))
    assert [each["answer"] for each in table["honest"]][:2] == ["300 B", "300 B"]


@pytest.mark.usefixtures("few")
def test_the_numbers_of_an_answer_that_was_changed_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [leaking] = [case for case in results.cases() if not case.honest]
    monkeypatch.setattr(results, "cases", lambda: [Case("leaking", leaking.body)])
    assert results.main(["--short", "--honest"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "SMCP705" in printed.err


def test_a_few_hostile_answers_are_judged_and_no_check_fails_on_them(tmp_path: Path) -> None:
    costs = results.measure_hostile(tmp_path, repeats=1, size=SMALL, seed=SEED)
    assert len(costs) == len(answer_families())
    assert all("SMCP001" not in verdict for cost in costs for verdict in cost.verdicts)


def test_hostile_answers_are_fresh_and_of_about_the_size_asked_for() -> None:
    random = Random(1)
    for family in answer_families():
        one, other = family.draw(random, SMALL), family.draw(random, SMALL)
        assert one != other or family.name == "signs of mail alone", family.name
        assert SMALL / 20 < len(one) < SMALL * 4 or "digits" in family.name, family.name
    assert any(is_list(family) for family in answer_families())


def test_answers_have_the_size_that_their_name_says() -> None:
    sizes = {case.name: len(case.body) for case in cases()}
    assert 280 <= sizes["300 B"] <= 300 and 16_000 <= sizes["16 KB (390 strings)"] <= 16_384
    assert 2**20 * 0.97 < sizes["1 MB, as SDKs write it"] <= 2**20
    assert as_event(b"{}") == b"event: message\r\ndata: {}\r\n\r\n"
