"""The inspector's command line: every step is a process of its own, with a connection of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
from itinerary import Ear, travel

LISTS = {
    "tools": "tools/list",
    "prompts": "prompts/list",
    "resources": "resources/list",
    "resource_templates": "resources/templates/list",
}


class InspectorError(Exception):
    """The command's exit status and the error that it printed."""

    def __init__(self, status: int, printed: str) -> None:
        super().__init__(printed)
        self.error = Envelope(status, printed)


class Envelope:
    """What the command prints on stderr, as an error of the other clients looks."""

    def __init__(self, status: int, printed: str) -> None:
        said = [line for line in printed.splitlines() if line.startswith("{")]
        told = json.loads(said[-1])["error"] if said else {}
        self.code, self.message, self.data = f"exit {status}", told.get("message", printed), told


class Speaker:
    """The command, one method for each kind of step."""

    def __init__(self, visit: dict[str, Any]) -> None:
        self.visit = visit

    async def run(self, *arguments: str) -> Any:
        node, inspector = sys.argv[1:3]
        target = [node, inspector, "--cli", self.visit["url"], "--transport", "http", "--format", "json", "--quiet"]
        done = await anyio.run_process(
            [*target, "--protocol-era", self.visit["mode"], *arguments],
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode and not done.stdout.strip():
            raise InspectorError(done.returncode, done.stderr.decode())
        return json.loads(done.stdout)["result"]

    async def list(self, step: dict[str, Any]) -> Any:
        return await self.run("--method", LISTS[step["what"]])

    async def call(self, step: dict[str, Any]) -> Any:
        given = ["--tool-name", step["tool"], "--tool-args-json", json.dumps(step["arguments"])]
        return await self.run("--method", "tools/call", *given)

    async def read(self, step: dict[str, Any]) -> Any:
        return await self.run("--method", "resources/read", "--uri", step["uri"])

    async def prompt(self, step: dict[str, Any]) -> Any:
        given = [f"{name}={value}" for name, value in step["arguments"].items()]
        named = ["--method", "prompts/get", "--prompt-name", step["name"]]
        return await self.run(*named, *(["--prompt-args", *given] if given else []))

    async def level(self, step: dict[str, Any]) -> Any:
        return await self.run("--method", "logging/setLevel", "--log-level", step["level"])


@contextlib.asynccontextmanager
async def connect(visit: dict[str, Any], ear: Ear) -> AsyncIterator[Speaker]:
    """Nothing to connect: each command does."""
    yield Speaker(visit)


if __name__ == "__main__":
    travel(connect)
