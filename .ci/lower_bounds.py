"""Prints pip constraints that pin each dependency of a pyproject.toml to its lower bound. Imports nothing installed."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_BOUND = re.compile(r"^(?P<name>[\w.-]+)>=(?P<version>[\w.]+)")


def lower_bounds(dependencies: list[str]) -> list[str]:
    """`name==version` for each `name>=version,...`. Raises ValueError for a dependency without a lower bound."""
    pins = []
    for dependency in dependencies:
        bound = _BOUND.match(dependency)
        if bound is None:
            raise ValueError(f"pyproject.toml: {dependency!r} has no lower bound; write it as name>=version")
        pins.append(f"{bound['name']}=={bound['version']}")
    return pins


if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    print("\n".join(lower_bounds(project["dependencies"])))
