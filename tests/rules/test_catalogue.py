"""Reading the rule files: what is wrong stops start-up with the file, the rule and the fault."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from smcp_security.errors import RulesError
from smcp_security.rules import documents
from smcp_security.rules.catalogue import (
    CATEGORIES,
    CERTAIN,
    RANGES,
    canonical,
    read_rules,
    rules_in,
    without_samples,
)

RULE: dict[str, Any] = {
    "id": "SMCP630",
    "slug": "sample-rule",
    "level": 1,
    "severity": "high",
    "why": "w",
    "remediation": "r",
    "references": ["https://example.com/"],
    "detect": [{"any": ["<<a>>b"]}],
    "match": ["ab", "ab", "ab", "ab", "ab"],
    "pass": ["x", "x", "x", "x", "x"],
}
DOCUMENT: dict[str, Any] = {"category": "sql", "fragments": {"a": "a+"}, "rules": [RULE]}


def write(folder: Path, name: str = "sql.yaml", **changes: Any) -> Path:
    """A rule file with one rule; `changes` are made to the rule, None removes a key."""
    document = copy.deepcopy(DOCUMENT)
    for key, value in changes.items():
        name_in_file = {"passing": "pass"}.get(key, key)
        if value is None:
            del document["rules"][0][name_in_file]
        else:
            document["rules"][0][name_in_file] = value
    YAML(typ="safe", pure=True).dump(document, folder / name)
    return folder


def test_a_rule_file_is_read(tmp_path: Path) -> None:
    """The benign twin of all the refusals below."""
    (rule,) = rules_in(write(tmp_path))
    assert (rule.id, rule.category, rule.file) == ("SMCP630", "sql", "sql.yaml")
    assert rule.detect[0].any == ("a+b",)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"severity": "awful"}, "severity"),
        ({"level": 4}, "level"),
        ({"score": 0}, "score"),
        ({"score": 6}, "score"),
        ({"detect": [{"any": ["a"], "code": "python"}]}, "code"),
        ({"detect": [{"any": ["a"], "start": "yes"}]}, "start"),
        ({"id": "SMCP640"}, "SMCP630 to SMCP639"),
        ({"id": "630"}, "SMCP630 to SMCP639"),
        ({"id": "SMCP0630"}, "SMCP630 to SMCP639"),
        ({"why": None}, "why"),
        ({"remediation": None}, "remediation"),
        ({"references": []}, "references"),
        ({"surfaces": []}, "surfaces"),
        ({"surfaces": ["results"]}, "surfaces"),
        ({"match": ["ab"]}, "at least 5 samples"),
        ({"passing": ["x"]}, "at least 5 samples"),
        ({"detect": None}, "`detect` is missing"),
        ({"detect": [{"any": []}]}, "needs patterns"),
        ({"detect": [{"any": [""]}]}, "needs patterns"),
        ({"detect": [{"any": ["a"], "count": 0}]}, "at least 1"),
        ({"detect": [{"any": ["a"], "within": 0}]}, "at least 1"),
        ({"detect": [{"any": ["a"], "side": "left"}]}, "side"),
        ({"detect": [{"any": ["<<nothing>>b"]}]}, "'nothing'"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_rule_that_is_wrong_is_refused(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    """The message names the file and the fault."""
    with pytest.raises(RulesError, match=r"sql\.yaml") as caught:
        rules_in(write(tmp_path, **changes))
    assert fault in str(caught.value)


def test_a_rule_is_certain_unless_it_says_otherwise(tmp_path: Path) -> None:
    """A weak rule has a score below that of one that decides alone."""
    assert rules_in(write(tmp_path))[0].score == CERTAIN
    assert rules_in(write(tmp_path, score=2))[0].score == 2


def test_a_range_with_gaps_is_spelled_out(tmp_path: Path) -> None:
    """Categories that came later have the numbers that were free."""
    YAML(typ="safe", pure=True).dump({**DOCUMENT, "category": "control"}, tmp_path / "control.yaml")
    with pytest.raises(RulesError, match="SMCP685, SMCP698 to SMCP699 in the category control"):
        rules_in(tmp_path)


def test_no_number_belongs_to_two_categories() -> None:
    """A code tells its category."""
    numbers = [number for category in CATEGORIES for number in RANGES[category]]
    assert len(numbers) == len(set(numbers))


def test_the_same_id_in_two_files_is_refused(tmp_path: Path) -> None:
    """A code means one thing."""
    write(tmp_path, "more.yaml", slug="another-slug")
    with pytest.raises(RulesError, match=r"SMCP630.*also used in more\.yaml"):
        rules_in(write(tmp_path))


def test_the_same_slug_twice_is_refused(tmp_path: Path) -> None:
    """A slug means one thing too."""
    write(tmp_path, "more.yaml", id="SMCP631")
    with pytest.raises(RulesError, match="sample-rule"):
        rules_in(write(tmp_path))


def test_an_unknown_category_is_refused(tmp_path: Path) -> None:
    """With the known ones."""
    (tmp_path / "x.yaml").write_text("category: sqli\nrules: []\n", encoding="utf-8")
    with pytest.raises(RulesError, match=r"'sqli'.*command, path, sql"):
        rules_in(tmp_path)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    """The reader's place in the file is kept."""
    (tmp_path / "x.yaml").write_text("category: [\n", encoding="utf-8")
    with pytest.raises(RulesError, match=r"x\.yaml: not YAML"):
        rules_in(tmp_path)


def test_no_rules_at_all_are_refused(tmp_path: Path) -> None:
    """An empty rulebook would call everything clean."""
    (tmp_path / "x.yaml").write_text("category: sql\nrules: []\n", encoding="utf-8")
    with pytest.raises(RulesError, match="no rule was found"):
        rules_in(tmp_path)


def test_a_folder_without_any_file_is_refused(tmp_path: Path) -> None:
    """A wheel that lost its compiled rules does not start."""
    with pytest.raises(RulesError, match=r"compiled\.json: cannot be read"):
        rules_in(tmp_path)


def test_damaged_compiled_rules_are_refused(tmp_path: Path) -> None:
    """Half a file is no rulebook."""
    (tmp_path / documents.COMPILED).write_text('{"sql.yaml": {"cat', encoding="utf-8")
    with pytest.raises(RulesError, match="damaged"):
        rules_in(tmp_path)


def test_compiled_rules_never_shadow_the_yaml_beside_them(tmp_path: Path) -> None:
    """An old build in the tree must not hide an edited rule."""
    old = {"sql.yaml": {**DOCUMENT, "rules": [{**RULE, "slug": "old-slug"}]}}
    (tmp_path / documents.COMPILED).write_text(json.dumps(old), encoding="utf-8")
    assert rules_in(tmp_path)[0].slug == "old-slug"
    assert rules_in(write(tmp_path))[0].slug == "sample-rule"


def test_every_category_has_rules_in_its_range() -> None:
    """The names a policy can use and the files agree."""
    rules = read_rules()
    assert {rule.category for rule in rules} == set(CATEGORIES)
    assert all(int(rule.id.removeprefix("SMCP")) in RANGES[rule.category] for rule in rules)


def test_a_start_reads_the_same_rules_without_their_samples() -> None:
    started = read_rules(samples=False)
    assert started == without_samples(read_rules())
    assert not any(rule.match or rule.passing for rule in started)
    assert canonical(started) == canonical(read_rules())


def test_samples_in_another_layout_are_left_out_too(tmp_path: Path) -> None:
    (rule,) = rules_in(write(tmp_path), samples=False)
    assert (rule.slug, rule.match, rule.passing) == ("sample-rule", (), ())


def test_a_broken_rule_stops_a_start_that_reads_no_samples(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="SMCP63"):
        rules_in(write(tmp_path, references=[]), samples=False)
