"""The dashboard and the alerts in `examples/observability` ask for metrics and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from smcp_security.codes import CODES
from smcp_security.metrics.desk import Desk
from smcp_security.observers.labels import DENIED, RESULTS
from tests.toolbox.shelf import ROOT

FOLDER = ROOT / "examples" / "observability"
_NAME = re.compile(r"\b((?:smcp|mcp)_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
# What Prometheus and the shape of a histogram add.
ADDED = {"instance", "job", "le"}


def _offered() -> dict[str, set[str]]:
    """name of a sample -> its labels."""
    registry, found = CollectorRegistry(), {}
    Desk(registry)
    for metric in registry._collector_to_names:
        if isinstance(metric, MetricWrapperBase):
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(str(metric._type), [""])
            for suffix in suffixes:
                found[metric._name + suffix] = set(metric._labelnames)
    return found


OFFERED = _offered()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, str):
        yield value


def _dashboard() -> Any:
    return json.loads((FOLDER / "dashboard.json").read_text("utf-8"))


def _alerts() -> list[Any]:
    return list(YAML(typ="safe").load(FOLDER / "alerts.yaml")["groups"][0]["rules"])


def _unknown(expression: str) -> list[str]:
    """What an expression asks for that is not there."""
    wrong, labels = [], set(ADDED)
    for name, matchers in _NAME.findall(expression):
        if name not in OFFERED:
            wrong.append(name)
            continue
        labels |= OFFERED[name]
        wrong += [f"{name}{{{label}}}" for label, _ in _MATCHER.findall(matchers) if label not in OFFERED[name] | ADDED]
    for grouped in _GROUPED.findall(expression):
        wrong += [label for label in re.split(r",\s*", grouped) if label not in labels]
    return wrong


EXPRESSIONS = [
    *(target["expr"] for panel in _dashboard()["panels"] for target in panel.get("targets", [])),
    *(each["expr"] for each in _dashboard()["annotations"]["list"]),
    *(each["query"]["query"] for each in _dashboard()["templating"]["list"] if isinstance(each["query"], dict)),
    *(rule["expr"] for rule in _alerts()),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    assert _NAME.search(expression)
    assert _unknown(expression) == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("smcp_decision_total", ["smcp_decision_total"]),
        ('sum(smcp_decisions_total{outcome="block"})', ["smcp_decisions_total{outcome}"]),
        ("sum by (caller) (smcp_store_up)", ["caller"]),
    ],
)
def test_the_search_for_wrong_names_finds_them(expression: str, wrong: list[str]) -> None:
    assert _unknown(expression) == wrong


def test_every_metric_but_sums_and_counts_is_shown_somewhere() -> None:
    shown = {name for text in EXPRESSIONS for name, _ in _NAME.findall(text)}
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in OFFERED}
    assert bases - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == set()


def test_every_value_that_an_expression_names_is_one_that_occurs() -> None:
    known = {"block", "report", "pass", "enforce", "", *CODES, *RESULTS, DENIED, "$instance"}
    named = {value for text in EXPRESSIONS for _, value in _MATCHER.findall(text)}
    assert {value for value in named - known if not any(re.fullmatch(value, code) for code in CODES)} == set()


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in _alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "action"}


def test_every_alert_has_a_test_that_fires_it_and_one_in_which_it_is_quiet() -> None:
    files = ("alerts.test.yaml", "days.test.yaml")
    tests = [test for file in files for test in YAML(typ="safe").load(FOLDER / file)["tests"]]
    asked = [(case["alertname"], bool(case.get("exp_alerts"))) for test in tests for case in test["alert_rule_test"]]
    for rule in _alerts():
        assert (rule["alert"], True) in asked
        assert (rule["alert"], False) in asked


def test_no_two_panels_of_the_dashboard_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _dashboard()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_has_a_title_and_an_id_of_its_own() -> None:
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
