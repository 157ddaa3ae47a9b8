"""Rules of masks that cannot be used stop the start, and say where and what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from smcp_security.errors import RulesError
from smcp_security.redaction.catalogue import KINDS, masks_in, read_masks
from smcp_security.redaction.scan import Scanner
from smcp_security.rules.documents import COMPILED

RULE = {
    "mask": "a-token",
    "kind": "secrets",
    "why": "A token.",
    "references": ["https://example.com"],
    "any": [r"\btok_[a-z]+"],
}


def rules(folder: Path, **changes: Any) -> Path:
    document = {"part": "tokens", "fragments": {"id": "[a-z]{4}"}, "rules": [RULE | changes]}
    YAML(typ="safe", pure=True).dump(document, folder / "1-own.yaml")
    return folder


def test_a_rule_that_is_fit_is_read_and_compiled(tmp_path: Path) -> None:
    (rule,) = masks_in(rules(tmp_path, form="tok_<<id>>"))
    assert (rule.part, rule.file, rule.form) == ("tokens", "1-own.yaml", "tok_[a-z]{4}")
    assert Scanner([rule]).masks == (("a-token", "secrets"),)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "colour"}, "kind"),
        ({"any": []}, "`any` needs patterns"),
        ({"any": [""]}, "`any` needs patterns"),
        ({"form": "a", "read": "jwt"}, "name one"),
        ({"why": ""}, "`why` and `references`"),
        ({"within": 0}, "`within` is from 1 to 200"),
        ({"reach": 99_999}, "`reach` from 1 to 32,768"),
        ({"form": "<<other>>"}, "does not define"),
        ({"colour": 1}, "unknown field"),
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RulesError, match=complaint) as told:
        masks_in(rules(tmp_path, **changes))
    assert "1-own.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"any": ["a(b"]}, "no RE2 pattern"),
        ({"any": ["a*"]}, "matches the empty text"),
        ({"read": "tea-leaves"}, "no reader is called 'tea-leaves'"),
        ({"check": "by-eye"}, "no check is called 'by-eye'"),
    ],
)
def test_a_rule_that_does_not_compile_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RulesError, match=complaint):
        Scanner(masks_in(rules(tmp_path, **changes)))


def test_a_mask_has_one_kind_alone(tmp_path: Path) -> None:
    document = {"part": "tokens", "rules": [RULE, RULE | {"kind": "email"}]}
    YAML(typ="safe", pure=True).dump(document, tmp_path / "1-own.yaml")
    with pytest.raises(RulesError, match="another kind"):
        masks_in(tmp_path)


def test_a_damaged_installation_is_told(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=f"{COMPILED}: cannot be read"):
        masks_in(tmp_path)
    (tmp_path / COMPILED).write_text("{", encoding="utf-8")
    with pytest.raises(RulesError, match="The installation is damaged"):
        masks_in(tmp_path)
    (tmp_path / COMPILED).write_text("{}", encoding="utf-8")
    with pytest.raises(RulesError, match="no rule of masks was found"):
        masks_in(tmp_path)
    (tmp_path / "1-own.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(RulesError, match="not YAML"):
        masks_in(tmp_path)


def test_the_package_has_rules_of_every_kind() -> None:
    assert {rule.kind for rule in read_masks()} == set(KINDS)
    assert all(reference.startswith("https://") for rule in read_masks() for reference in rule.references)
