"""Plumbing of the whole session: one event loop backend, no settings from the developer's shell, no timed examples."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from tests.toolbox.legacy import legacy_python
from tests.toolbox.node import NodeTools, node_tools
from tests.toolbox.shelf import Missing

Tool = TypeVar("Tool")
_MISSING = "missing: "
# Compiled rules are some memory each, and more workers than this wait for the longest test anyway.
_MOST_WORKERS = 4

# A deadline would make a slow machine look like a bug; the blob lets a failure of another machine be replayed.
# In CI a change is judged by what it changes, so examples are the same every time; elsewhere they are new ones.
settings.register_profile("smcp", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("smcp")


# A run in the background ignores these, and so would every program that it starts and interrupts.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


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
        pytest.skip(f"{_MISSING}{missing}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Servers of the real tests are stopped while clients still connect, and may leave such a connection unclosed."""
    for item in items:
        if item.get_closest_marker("real") is not None:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Real servers and their clients have a run to themselves: they are slow enough without neighbours."""
    real = config.option.markexpr not in ("", "not real")
    return 0 if real else min(os.cpu_count() or 1, _MOST_WORKERS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every tool without which tests were skipped."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()) if report.longrepr}
    for reason in sorted(reasons):
        if (tool := reason.removeprefix("Skipped: ")).startswith(_MISSING):
            terminalreporter.write_line(tool, yellow=True)
