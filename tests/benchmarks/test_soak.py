"""The soak: a leak of any kind is seen in the samples, every answer is checked, and a small run of it is flat."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from benchmarks import soak, soak_report, soak_traffic
from benchmarks.load import Broken
from benchmarks.soak_report import Sample
from benchmarks.soak_traffic import HONEST, KINDS, Place

FLAT = {"tasks": 40, "fds": 30, "threads": 3, "objects": 100_000, "blocks": 300_000}
EMPTY = {"tasks": 4, "fds": 10, "threads": 3, "objects": 90_000, "blocks": 300_000}


def _samples(slices: int = 10, **slopes: float) -> list[Sample]:
    """A run of some slices of 1,000 requests, with the growth of each slice by name."""

    def sample(number: int, held: dict[str, int]) -> Sample:
        grown = {name: held[name] + int(slopes.get(name, 0) * number) for name in held}
        stores: dict[str, Any] = {"stores": {"asked": 0}}
        return Sample(1000 * number, 90.0 + slopes.get("memory", 0) * number, {**grown, **stores})

    return [sample(0, EMPTY), *(sample(number, FLAT) for number in range(1, slices + 1)), sample(slices, EMPTY)]


def test_a_server_that_holds_the_same_all_the_time_is_flat() -> None:
    assert soak_report.faults(_samples(), _samples()) == []


@pytest.mark.parametrize(
    ("name", "slope"), [("tasks", 1), ("fds", 1), ("threads", 1), ("objects", 1000), ("memory", 2.0)]
)
def test_what_grows_with_the_requests_is_named(name: str, slope: float) -> None:
    found = soak_report.faults(_samples(), _samples(**{name: slope}))
    assert found and all(text.startswith(name) for text in found)


@pytest.mark.parametrize("name", ["threads", "objects", "memory"])
def test_what_the_bare_server_does_as_well_is_not_ours(name: str) -> None:
    assert soak_report.faults(_samples(**{name: 1000}), _samples(**{name: 1000})) == []


@pytest.mark.parametrize("name", ["tasks", "fds"])
def test_what_is_left_at_the_end_is_named(name: str) -> None:
    samples = _samples()
    held = dict(samples[-1].held) | {name: samples[-1].held[name] + 1}
    [found] = soak_report.faults(_samples(), [*samples[:-1], Sample(samples[-1].requests, 90.0, held)])
    assert found.startswith(f"{name} ended at")


def test_growth_during_the_warm_up_does_not_count() -> None:
    samples = _samples()
    first = Sample(500, 10.0, dict(samples[1].held) | {"objects": 50_000, "tasks": 1})
    assert soak_report.faults(_samples(), [samples[0], first, *samples[2:]]) == []


def test_the_growth_of_a_line_is_that_between_its_ends() -> None:
    assert soak_report.growth(_samples(memory=2.0), "memory") == pytest.approx(14.0)
    with pytest.raises(ValueError, match="two samples"):
        soak_report.growth(_samples(slices=1), "memory")


def test_the_types_that_grew_are_listed_the_most_first() -> None:
    samples = _samples()
    types: list[dict[str, int]] = [{"a": 1, "b": 5, "c": 9}, {"a": 3, "b": 105, "c": 9}]
    for place, counted in zip((3, -2), types, strict=True):
        old = samples[place]
        samples[place] = Sample(old.requests, old.memory, {**old.held, "types": counted})
    assert soak_report.grown(samples) == [["b", "100"], ["a", "2"]]


def test_every_kind_of_request_is_well_formed_http_and_comes_up() -> None:
    place = Place("192.0.2.1", "/mcp", "session", Random(7))
    for kind in KINDS:
        head, _, body = kind.build(place).partition(b"\r\n\r\n")
        assert head.split(b" ", 1)[0] == b"POST" and f"content-length: {len(body)}".encode() in head, kind.name
    picked = Counter(kind.name for kind in soak_traffic.picked(Random(1), 20_000))
    assert picked.keys() == {kind.name for kind in KINDS} and len(picked) == len(KINDS)
    assert sum(picked[kind.name] for kind in HONEST) > 10_000


@pytest.mark.real
def test_a_small_soak_is_flat_and_ends_as_it_began(capsys: pytest.CaptureFixture[str]) -> None:
    code = soak.main(
        ["--json", "--sessions", "12", "--requests", "1200", "--held", "4", "--slices", "3", "--idle", "2"]
    )
    report = json.loads(capsys.readouterr().out)
    assert (code, report["faults"]) == (0, [])
    assert report["servers"].keys() == {"bare", "protected"}
    for server in report["servers"].values():
        assert set(server["ends"]) == {"DELETE", "left", "cut"} and sum(server["requests"].values()) > 1000
        assert [sample["sessions"] for sample in server["samples"]] == [0, 2, 2, 2, 0]
        assert len(server["samples"][-2]["types"]) > 100


@pytest.mark.real
def test_an_answer_that_is_not_what_it_must_be_ends_the_soak(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = soak_traffic.Kind("call", 1, HONEST[0].build, 418)
    monkeypatch.setattr(soak_traffic, "KINDS", (wrong,))
    monkeypatch.setattr(soak_traffic, "HONEST", (wrong,))
    assert soak.main(["--sessions", "2", "--requests", "40", "--held", "0"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "call was answered with 200" in printed.err


def test_an_unexpected_answer_is_shown_with_its_status() -> None:
    with pytest.raises(Broken, match="this was answered with 500"):
        soak._expect(soak.Answer(500, {}), False, "this")
