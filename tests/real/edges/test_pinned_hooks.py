"""Servers on each SDK, secured in process and held to a lock file: what they list is what was pinned in either era, and
what is not is neither shown nor called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smcp_security.pins.file import write_lock
from smcp_security.pins.lock import lock_of
from tests.adapters.sdk.hosts import HONEST
from tests.envelopes import modern
from tests.real.edges.sdk_stand import KINDS, Pipe, Stand, stand_of

pytestmark = pytest.mark.real


@dataclass
class Pinned:
    """A server whose `run` was pinned with another description, and whose `write` was never pinned."""

    stand: Stand
    policy: dict[str, Any]
    left: list[str]
    modern: bool


@pytest.fixture(scope="module", params=KINDS)
def pinned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pinned:
    """The stand of one SDK, with a lock of what its server lists in the legacy era."""
    folder = tmp_path_factory.mktemp("pinned")
    stand = stand_of(request.param, request, folder)
    with stand.piped() as pipe:
        pipe.handshake()
        tools = pipe.ask(1, "tools/list")["result"]["tools"]
    kept = [{**tool, "description": "Does nothing."} if tool["name"] == "run" else tool for tool in tools]
    write_lock(str(folder / "smcp.lock"), lock_of(tool for tool in kept if tool["name"] != "write"))
    left = [tool["name"] for tool in tools if tool["name"] not in ("run", "write")]
    return Pinned(stand, {"pins": {"file": str(folder / "smcp.lock")}}, left, request.param != "mcp 1")


@pytest.fixture
def pipe(pinned: Pinned) -> Iterator[Pipe]:
    """That server, held to the lock."""
    with pinned.stand.piped(pinned.policy) as piped:
        yield piped


def _names(answer: dict[str, Any]) -> list[str]:
    return [tool["name"] for tool in answer["result"]["tools"]]


def _told(answer: dict[str, Any]) -> str:
    text: str = answer["result"]["content"][0]["text"]
    return text


def test_a_client_sees_and_calls_what_was_pinned_alone(pinned: Pinned, pipe: Pipe) -> None:
    pipe.handshake()
    assert _names(pipe.ask(1, "tools/list")) == pinned.left != []
    assert "SMCP802" in _told(pipe.call(2, "run", command=HONEST))
    assert "SMCP803" in _told(pipe.call(3, "write", count=1))
    assert _told(pipe.call(4, "verdict")) == "verdict"


def test_the_same_lock_holds_in_every_era_that_the_server_speaks(pinned: Pinned, pipe: Pipe) -> None:
    def ask(id: int, method: str, **params: Any) -> dict[str, Any]:
        pipe.say(modern(method, params, id=id))
        return pipe.answer(id)

    if not pinned.modern:
        assert "error" in ask(1, "tools/list")
        return
    assert _names(ask(1, "tools/list")) == pinned.left
    assert "SMCP802" in _told(ask(2, "tools/call", name="run", arguments={"command": HONEST}))
    assert "SMCP803" in _told(ask(3, "tools/call", name="write", arguments={"count": 1}))
    assert _told(ask(4, "tools/call", name="verdict", arguments={})) == "verdict"
