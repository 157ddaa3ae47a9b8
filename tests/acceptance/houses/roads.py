"""Secured servers that are spoken to over pipes or at a socket, by the command line that starts them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp import Client, StdioServerParameters

from tests.acceptance import play
from tests.acceptance.houses.process import ROOT, House, environment, inhabited

_HOUSE: Final = ("-m", "tests.acceptance.houses.sdk_house")


@dataclass(frozen=True)
class Road:
    """A server program by the arguments of its interpreter, and the eras that it speaks."""

    name: str
    arguments: tuple[str, ...]
    modes: tuple[str, ...] = ("legacy", "2026-07-28")


PROXY: Final = Road(
    "proxy", ("-m", "smcp_security.cli", "proxy", "--", sys.executable, "-m", "tests.acceptance.houses.lines")
)


def secured(sdk: str, how: str) -> Road:
    """A server of an SDK: its tools secured by `hooks` or the `decorator`."""
    road = Road(f"{how} on {sdk}", (*_HOUSE, sdk, how))
    return Road(road.name, road.arguments, ("legacy",)) if sdk == "older" else road


async def over_pipes(road: Road, policy: Path, folder: Path, python: str = sys.executable) -> play.Faults:
    """What goes wrong with the calls of the table by the official client, which starts the server itself."""
    for mode in road.modes:
        server = StdioServerParameters(command=python, args=list(road.arguments), env=environment(policy, {}), cwd=ROOT)
        async with Client(server, mode=mode) as client:
            wrong, _ = await play.calls(client, folder)
        if wrong:
            return wrong
    return []


async def over_http(road: Road, policy: Path, folder: Path, python: str = sys.executable) -> play.Faults:
    """The same, of a server at a socket."""
    house = House(road.name, lambda descriptor: (python, *road.arguments, str(descriptor)))
    ran = 0
    async with inhabited(house, policy) as address:
        for mode in road.modes:
            async with Client(address.url(), mode=mode) as client:
                wrong, ran = await play.calls(client, folder, before=ran)
            if wrong:
                return wrong
    return []
