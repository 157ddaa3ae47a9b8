"""Plumbing of the whole session: one event loop backend, no settings from the developer's shell, no timed examples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from tests.toolbox.legacy import legacy_python
from tests.toolbox.node import NodeTools, node_tools
from tests.toolbox.shelf import Missing

Tool = TypeVar("Tool")
_missing: set[str] = set()

# A deadline would make a slow machine look like a bug; the blob lets a failure of another machine be replayed.
# In CI a change is judged by what it changes, so examples are the same every time; elsewhere they are new ones.
settings.register_profile("smcp", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("smcp")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio: what uvicorn, Starlette's users and the MCP SDK's servers run on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_the_shell() -> Iterator[None]:
    """An exported SMCP_POLICY or SMCP_<SECTION>__<KEY> would change what every test with a default policy sees."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SMCP_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def node() -> NodeTools:
    """Node 24 with the npm packages of the tests; what cannot be had is named at the end of the run."""
    return _had(node_tools)


@pytest.fixture(scope="session")
def legacy() -> Path:
    """The interpreter of an environment with `mcp` 1.30; what cannot be had is named at the end of the run."""
    return _had(legacy_python)


def _had(tool: Callable[[], Tool]) -> Tool:
    try:
        return tool()
    except Missing as missing:
        _missing.add(str(missing))
        pytest.skip(f"missing: {missing}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Servers of the real tests are stopped while clients still connect, and may leave such a connection unclosed."""
    for item in items:
        if item.get_closest_marker("real") is not None:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every tool without which tests were skipped."""
    for tool in sorted(_missing):
        terminalreporter.write_line(f"missing: {tool}", yellow=True)
