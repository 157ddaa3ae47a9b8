"""The hostile benchmark: each family is fresh every time, of the size asked for, and judged without a failure."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks import hostile
from benchmarks.floods import Door, Family, families, text_call
from benchmarks.messages import SEED
from benchmarks.typed_floods import CONTRACTS, tools, typed_families

SMALL = 4_000
OF_ONE_SIZE = ("deep nesting, allowed", "one integer of 100,000 digits")
NAMES = [family.name for family in families()]


@pytest.mark.parametrize("family", families(), ids=NAMES)
def test_no_two_inputs_of_a_family_are_the_same(family: Family) -> None:
    random = Random(SEED)
    assert family.draw(random, SMALL) != family.draw(random, SMALL)


@pytest.mark.parametrize(
    "family", [family for family in families() if family.name not in OF_ONE_SIZE], ids=lambda family: family.name
)
def test_an_input_is_about_as_large_as_was_asked_for(family: Family) -> None:
    assert SMALL / 2 < len(family.draw(Random(SEED), SMALL)) < SMALL * 2.6


def test_every_value_for_a_contract_is_new_and_of_about_the_size_asked_for() -> None:
    for family in typed_families():
        first, second = family.draw(Random(1), SMALL), family.draw(Random(2), SMALL)
        assert first != second, family.name
        assert SMALL / 2 < len(first) < SMALL * 2.6, family.name


def test_every_kind_that_has_values_has_a_contract_and_a_tool() -> None:
    kinds = {family.name.partition(":")[0].partition(",")[0] for family in typed_families() if family.typed}
    assert kinds == set(CONTRACTS)
    assert {f"typed_{kind}" for kind in kinds} <= set(tools())


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, hostile.Cost]:
    """Every family once, small."""
    measured, about = hostile.measure(tmp_path_factory.mktemp("audit"), repeats=1, size=SMALL, seed=SEED)
    assert "rules" in about
    return {cost.family.name: cost for cost in measured}


def test_an_input_is_judged_and_no_check_fails_on_it(costs: dict[str, hostile.Cost]) -> None:
    assert len(costs) == len(hostile.all_families())
    for name, cost in costs.items():
        assert len(cost.spent) == 1, name
        assert "SMCP001" not in cost.verdicts, name
        assert cost.verdicts or cost.family.door is Door.EVENTS, name


def test_a_contract_judges_the_values_that_are_meant_for_it(costs: dict[str, hostile.Cost]) -> None:
    assert "SMCP510" in costs["path: climbing"].verdicts
    assert "SMCP513" in costs["sql, a list: brackets"].verdicts
    assert "SMCP514" in costs["command: open quotes"].verdicts


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("plain text", "passed"),
        ("NFKC: long runs of marks", "SMCP600"),
        ("duplicate keys", "SMCP112"),
        ("schema violations", "SMCP501"),
        ("headers", "passed"),
        ("SSE: small events", "passed"),
    ],
)
def test_an_input_reaches_the_check_that_it_is_meant_for(
    name: str, verdict: str, costs: dict[str, hostile.Cost]
) -> None:
    assert verdict in costs[name].verdicts


def _main_with(spent: float, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    cost = hostile.Cost(Family("slow", lambda random, size: text_call("x")), [1.0, spent])
    monkeypatch.setattr(hostile, "measure", lambda folder, **options: ([cost], {}))
    return hostile.main([*arguments])


def test_an_input_over_the_budget_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _main_with(10.5, monkeypatch, "--check") == 1


def test_an_input_within_the_budget_or_its_factor_passes_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _main_with(9.5, monkeypatch, "--check") == 0
    assert _main_with(10.5, monkeypatch, "--check", "--factor", "2") == 0


def test_without_a_check_any_cost_is_only_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main_with(99.0, monkeypatch, "--json") == 0
    assert json.loads(capsys.readouterr().out)["families"]["slow"]["ms"] == [1.0, 99.0]


def test_families_can_be_chosen_by_a_part_of_their_name(tmp_path: Path) -> None:
    measured, _ = hostile.measure(tmp_path, repeats=1, size=500, seed=SEED, only="Base64")
    assert [cost.family.name for cost in measured] == [name for name in NAMES if "Base64" in name]
