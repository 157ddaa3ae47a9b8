"""What the build hook puts into a wheel is what the source tree says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatch_build import RULES, compiled
from smcp_security.redaction import catalogue as masks
from smcp_security.redaction.catalogue import masks_in, read_masks
from smcp_security.rules import catalogue
from smcp_security.rules.catalogue import canonical, read_rules, rules_in
from smcp_security.rules.documents import COMPILED


def test_a_wheel_has_the_same_rules_as_the_source(tmp_path: Path) -> None:
    source = Path(catalogue.__file__).parent
    (tmp_path / COMPILED).write_text(compiled(source), encoding="utf-8")
    assert canonical(rules_in(tmp_path)) == canonical(read_rules())


def test_a_wheel_has_the_same_masks_as_the_source(tmp_path: Path) -> None:
    source = Path(masks.__file__).parent / "rules"
    (tmp_path / COMPILED).write_text(compiled(source), encoding="utf-8")
    assert masks_in(tmp_path) == read_masks()


def test_the_build_hook_knows_every_folder_of_rules() -> None:
    root = Path(masks.__file__).parents[2]
    folders = {path.parent.relative_to(root).as_posix() for path in (root / "smcp_security").rglob("*.yaml")}
    assert folders == set(RULES)


def test_the_build_hook_refuses_a_folder_without_rules(tmp_path: Path) -> None:
    """A wheel without rules must not be built."""
    with pytest.raises(FileNotFoundError, match="no rule files"):
        compiled(tmp_path)
