"""Servers as processes of their own, at a socket that is open before they start: nobody has to wait for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio

from tests.real.house import PATIENCE, Address
from tests.real.identity.lab import reserved

ROOT: Final = Path(__file__).parents[3]
_LAST: Final = 2_000


@dataclass(frozen=True)
class House:
    """A server program: its command line at a socket, by the number of the socket's descriptor."""

    name: str
    command: Callable[[int], Sequence[str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    modes: tuple[str, ...] = ("legacy", "2026-07-28")
    """The eras in which the official client comes."""


def gunicorn(name: str, app: str, *options: str, **settings: str) -> House:
    """A WSGI app under gunicorn, with one worker: what it counts is counted once."""

    def command(descriptor: int) -> Sequence[str]:
        plain = ("--bind", f"fd://{descriptor}", "--workers", "1", "--log-level", "warning")
        return (sys.executable, "-m", "gunicorn", *plain, *options, app)

    return House(name, command, settings)


def uvicorn(name: str, app: str, **settings: str) -> House:
    """An ASGI app under uvicorn."""

    def command(descriptor: int) -> Sequence[str]:
        return (sys.executable, "-m", "tests.acceptance.houses.serve", app, str(descriptor))

    return House(name, command, settings)


def environment(policy: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """What a server is started with."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SMCP_")}
    # Newer gunicorns leave a socket of theirs at home, or there.
    plain["XDG_RUNTIME_DIR"] = str(policy.parent)
    return {**plain, "PYTHONPATH": str(ROOT), "SMCP_POLICY": str(policy), **settings}


def written(policy: Mapping[str, Any], folder: Path) -> Path:
    """A policy as a file."""
    file = folder / "policy.yaml"
    # JSON is YAML. Refusals by the hundred are no news here.
    file.write_text(json.dumps(policy), encoding="utf-8")
    return file


@contextlib.asynccontextmanager
async def inhabited(house: House, policy: Path) -> AsyncIterator[Address]:
    """The server, for the length of the block; what it said last stands in the error if it ends before."""
    with reserved() as listener:
        listener.listen()
        process = await asyncio.create_subprocess_exec(
            *house.command(listener.fileno()),
            pass_fds=[listener.fileno()],
            env=environment(policy, house.settings),
            cwd=ROOT,
            stdin=DEVNULL,
            stderr=PIPE,
            start_new_session=True,
        )
        last = bytearray()
        reading = asyncio.create_task(_keep(process, last))
        address = Address(listener.getsockname()[1])
        listener.close()
        try:
            yield address
        except BaseException as error:
            error.add_note(f"{house.name} said last: {last.decode(errors='replace')}")
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with anyio.CancelScope(shield=True), anyio.move_on_after(PATIENCE):
                await process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await reading


async def _keep(process: asyncio.subprocess.Process, last: bytearray) -> None:
    assert process.stderr is not None
    while piece := await process.stderr.read(65536):
        last += piece
        del last[:-_LAST]
