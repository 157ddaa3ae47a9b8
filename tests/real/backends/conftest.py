"""The servers of other processes, each started once a session, and the list of all servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.backends.backend import Backend, in_process, of_the_older_sdk, proxied
from tests.real.backends.processes import listening
from tests.toolbox.node import NodeTools

HERE = Path(__file__).parent
EVERYTHING = "@modelcontextprotocol/server-everything"


@pytest.fixture(scope="session")
def legacy_door(legacy: Path) -> Iterator[int]:
    """The port at which servers of the older SDK are ordered."""
    with listening([legacy, "-m", "tests.real.backends.legacy_house"], os.environ) as port:
        yield port


@pytest.fixture(scope="session")
def node_http(node: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of npm's server-everything, Streamable HTTP."""
    yield from _everything(node, "streamableHttp", tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def node_sse(node: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of npm's server-everything, the transport of two endpoints."""
    yield from _everything(node, "sse", tmp_path_factory.mktemp("node"))


def _everything(node: NodeTools, transport: str, home: Path) -> Iterator[int]:
    script = node.script(EVERYTHING, "mcp-server-everything")
    with listening([node.node, "--require", HERE / "loopback.cjs", script, transport], node.environment(home)) as port:
        yield port


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Callable[[str], Backend]:
    """Gives a server by its name; what it needs from outside is looked for only then."""

    def named(name: str) -> Backend:
        family, _, kind = name.partition("-")
        if family == "legacy":
            return of_the_older_sdk(kind, request.getfixturevalue("legacy_door"))
        if family == "node":
            return proxied(name, request.getfixturevalue(f"node_{kind}"))
        return in_process(name)

    return named


@pytest.fixture(autouse=True)
def _no_errors_of_the_server(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The web server has nothing to complain of, whatever the clients do."""
    yield
    complaints = [each.getMessage() for each in caplog.get_records("call") if each.name == "uvicorn.error"]
    assert complaints == []
