"""The bench of detection: on a small corpus of its own every number is known beforehand."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import detection, detection_left_out
from benchmarks.detection_corpus import CorpusError, Row, message, read
from benchmarks.detection_disguises import DISGUISES
from benchmarks.detection_groups import GROUPS, counted, group_of
from benchmarks.detection_page import write
from benchmarks.detection_report import Measured, as_json, as_text, groups_table, misses
from smcp_security import SMCPSecurityFramework
from smcp_security.rulebook import CATEGORIES, read_rules

_PAGE = Path(__file__).parents[2] / "docs" / "detection.md"
_UNION = "' UNION SELECT NULL,NULL--"
_SHELL = "a; cat /etc/passwd | sh"


def _row(label: str, category: str, text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "label": label, "category": category, "context": "text", "source": "lists/a.txt", **more}


_ROWS = (
    _row("attack", "sql_injection", _UNION),
    _row("attack", "sql_injection", "1 or 1=1"),
    _row("attack", "sql_injection", "no attack at all, so it is missed"),
    _row("attack", "shell_injection", _SHELL),
    _row("attack", "sensitive_path", "a text that nobody counts"),
    _row("benign", "benign_text", "Mary O'Neill likes a quiet harbour"),
    _row("benign", "benign_sql", "SELECT name FROM harbours", context="sql"),
    _row("benign", "benign_url", "http://localhost:3000/", context="url_local"),
)


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder with two files, of which the second repeats a text of the first."""
    _furnish(tmp_path)
    return tmp_path


def _furnish(folder: Path) -> None:
    _write(folder / "first.jsonl", _ROWS)
    again = (_ROWS[0], _row("attack", "sql_injection", "') UNION ALL SELECT 1,2,version()--"))
    _write(folder / "second.jsonl", again)


def _write(file: Path, rows: Any) -> None:
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The corpus, measured once."""
    folder = tmp_path_factory.mktemp("corpora")
    _furnish(folder)
    return detection.measure(read(folder), 2)


def test_the_totals_are_those_of_the_rows(measured: Measured) -> None:
    found = as_json(measured)
    assert found["groups"]["sql"]["untyped"] == {"texts": 5, "blocked": 80.0, "flagged": 80.0}
    assert found["groups"]["shell"]["untyped"] == {"texts": 1, "blocked": 100.0, "flagged": 100.0}
    assert found["groups"]["html"]["untyped"]["texts"] == 0
    # A local address is no false positive, and is not counted as harmless either.
    assert (found["benign"]["texts"], found["benign"]["blocked"]) == (2, 0.0)
    assert found["benign_without_own_tools"] == {"texts": 1, "blocked": 0.0, "flagged": 0.0}


def test_the_report_names_every_part_and_shows_no_text(measured: Measured) -> None:
    report = as_text(measured)
    assert "| sql " in report and "| sensitive_path " in report and "first, benign_sql" in report
    assert not any(row["text"] in report for row in _ROWS)


def test_misses_are_shown_shortened_and_escaped(measured: Measured) -> None:
    report = misses(measured, 2)
    assert "missed: sql, first: 1" in report and "no attack at all" in report
    assert _UNION not in report


def test_files_and_categories_can_be_chosen(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    detection.main(["--corpora", str(corpora), "--source", "second", "--category", "sql", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["groups"]["sql"]["untyped"]["texts"] == 2
    assert found["benign"]["texts"] == 0


@pytest.fixture
def few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules and the bounds: every atom is compiled by itself, and of all rules that takes seconds."""
    chosen = [rule for rule in read_rules() if rule.id in ("SMCP630", "SMCP631") or rule.category == "bounds"]
    monkeypatch.setattr(detection_left_out, "read_rules", lambda: chosen)


@pytest.mark.usefixtures("few_rules")
def test_a_source_is_left_out_with_the_atoms_that_only_it_speaks_for(corpora: Path) -> None:
    attacks = [row for row in read(corpora) if row.attack]
    alone = [Row("third", "third", True, "sql_injection", "text", f"{number} or 1=1") for number in (7, 8, 9)]
    # `or 1=1` stands in the first file too, so nothing is lost.
    assert _left_out([*attacks, *alone])["sql", "third"] == (3, 3, 3)
    attacks = [row for row in attacks if "1=1" not in row.text]
    count, full, reduced = _left_out([*attacks, *alone])["sql", "third"]
    assert (count, full) == (3, 3) and reduced == 0


@pytest.mark.usefixtures("few_rules")
def test_a_copy_of_another_source_is_not_left_out(corpora: Path) -> None:
    found = _left_out([row for row in read(corpora) if row.attack])
    assert found == {}


def _left_out(attacks: list[Row]) -> dict[tuple[str, str], tuple[int, int, int]]:
    measured = detection_left_out.measure(attacks, detection_left_out.evidence(attacks, 2), 2)
    return {(one.group, one.source): (one.count, one.full, one.reduced) for one in measured}


@pytest.mark.usefixtures("few_rules")
def test_without_an_atom_only_that_atom_is_gone() -> None:
    attack = Row("a", "a", True, "sql_injection", "text", _UNION)
    rulebook = detection_left_out.without(detection_left_out.evidence([attack], 2), 2)
    assert rulebook.scan([_UNION]) == ()
    assert [hit.rule.id for hit in rulebook.scan(["1 or 1=1"])] == ["SMCP631"]


def test_disguises_keep_what_they_dress(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detection.main(["--corpora", str(corpora), "--disguises", "--sample", "22", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(DISGUISES)
    assert all(loss["attacks"] == 3 for loss in found.values())
    assert found["in a list"]["lost"] == 0.0


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_differs_from_the_plain_text(name: str) -> None:
    assert DISGUISES[name](f"Select a {_UNION}") != f"Select a {_UNION}"


def test_a_missing_folder_ends_with_a_word_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detection.main(["--corpora", str(tmp_path / "none")]) == 2
    assert "no corpus" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"text": "a"}', '{"text": "a", "label": "odd", "category": "c"}',
             '{"text_b64": "!", "label": "attack", "category": "c"}']
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_named_by_its_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text(json.dumps(_ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(CorpusError, match=r"odd\.jsonl, line 2"):
        read(tmp_path)


def test_a_text_in_base64_and_one_in_arguments_are_read(tmp_path: Path) -> None:
    hidden = {**_row("attack", "secret_leak", ""), "text_b64": base64.b64encode(b"key").decode()}
    del hidden["text"]
    placed = {**_row("benign", "benign_tool_call", ""), "tool": "add", "arguments": {"a": 1, "b": ["x", {"c": "y"}]}}
    del placed["text"]
    _write(tmp_path / "odd.jsonl", [hidden, placed])
    first, second = read(tmp_path)
    assert first.text == "key"
    assert second.text == "x\ny"
    assert second.call() == ("add", {"a": 1, "b": ["x", {"c": "y"}]})


def test_a_text_arrives_in_the_tool_of_its_context() -> None:
    sql = Row("a", "a", False, "benign_sql", "sql", "SELECT 1")
    assert sql.call() == ("query_database", {"sql": "SELECT 1"}) and sql.typed
    assert json.loads(message(*sql.call()))["params"]["name"] == "query_database"


def test_every_target_has_categories_of_its_own() -> None:
    categories = [category for group in GROUPS for category in group.categories]
    assert len(categories) == len(set(categories))
    assert group_of(Row("tensor_trust", "a", True, "prompt_injection", "text", "x")) is None
    assert counted([Row("a", "a", False, "benign_url", "url_local", "x")]) == []


def test_a_table_is_put_between_its_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- detection:one -->\nold\n<!-- /detection:one -->\nz\n")
    write(page, {"one": "| new |"})
    assert page.read_text() == "a\n<!-- detection:one -->\n| new |\n<!-- /detection:one -->\nz\n"
    with pytest.raises(ValueError, match="the mark one has no table"):
        write(page, {"two": "| new |"})
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="no mark"):
        write(page, {"one": "| new |"})


def test_the_page_of_the_project_has_every_table(measured: Measured) -> None:
    page = _PAGE.read_text(encoding="utf-8")
    for name in ("targets", "benign", "leftout", "disguises", "contracts"):
        assert re.search(rf"<!-- detection:{name} -->\n\| .*\n\| -", page), name
    assert "| left out |" in groups_table(measured, {"sql": 50.0})


def test_the_detector_that_the_page_shows_does_what_it_says() -> None:
    [code] = re.findall(r"```python\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(_PAGE), "exec"), names)
    with names["security"] as security:
        found = {text: _codes(security, text) for text in ("Acme is cheaper", "Ann is taller")}
    assert found == {"Acme is cheaper": ["SMCP604"], "Ann is taller": []}


def _codes(security: SMCPSecurityFramework, text: str) -> list[str]:
    decision = security.process_request_sync(message("set_value", {"value": text}))
    assert decision.allowed
    return [finding.code for finding in decision.findings]


def test_the_page_on_detection_names_the_category_and_the_range_of_every_rule() -> None:
    page = _PAGE.read_text(encoding="utf-8")
    ranges: dict[str, set[int]] = {}
    for names, codes in re.findall(r"^\| (`.+?`) \| SMCP([0-9, to]+) \|", page, re.MULTILINE):
        numbers: set[int] = set()
        for part in codes.split(", "):
            first, _, last = part.partition(" to ")
            numbers |= set(range(int(first), int(last or first) + 1))
        ranges |= {name: numbers for name in re.findall(r"`(.+?)`", names)}
    assert set(ranges) == set(CATEGORIES)
    assert [rule.id for rule in read_rules() if int(rule.id[4:]) not in ranges[rule.category]] == []
