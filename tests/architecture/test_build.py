"""What the build hook puts into a wheel is what the source tree says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatch_build import compiled
from smcp_security.rules import catalogue
from smcp_security.rules.catalogue import canonical, read_rules, rules_in


def test_a_wheel_has_the_same_rules_as_the_source(tmp_path: Path) -> None:
    source = Path(catalogue.__file__).parent
    (tmp_path / catalogue.COMPILED).write_text(compiled(source), encoding="utf-8")
    assert canonical(rules_in(tmp_path)) == canonical(read_rules())


def test_the_build_hook_refuses_a_folder_without_rules(tmp_path: Path) -> None:
    """A wheel without rules must not be built."""
    with pytest.raises(FileNotFoundError, match="no rule files"):
        compiled(tmp_path)
