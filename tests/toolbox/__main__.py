"""`python -m tests.toolbox`: install what the tests use from outside, and say what there is and what is missing."""

from __future__ import annotations

from collections.abc import Callable

from tests.toolbox.debian import promtool
from tests.toolbox.legacy import legacy_python
from tests.toolbox.node import node_tools
from tests.toolbox.shelf import Missing


def main() -> None:
    """One line a tool. A missing one is no failure: the tests that need it name it too."""
    _tell(lambda: f"Node at {node_tools().node}")
    _tell(lambda: f"mcp 1.30 at {legacy_python()}")
    _tell(lambda: f"promtool at {promtool()}")


def _tell(tool: Callable[[], str]) -> None:
    try:
        print(f"there: {tool()}")
    except Missing as missing:
        print(f"missing: {missing}")


if __name__ == "__main__":
    main()
