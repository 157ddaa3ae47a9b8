"""One client's whole journey: the same repertoire at a bare and at a protected server, then every denial."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import anyio
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.checks.rung import Question, Spend
from smcp_security.sources import Sources
from tests.real.attacks import MARK
from tests.real.clients.denials import DENIALS, POLICIES, Denial
from tests.real.clients.repertoire import FEATURES, Feature, possible
from tests.real.clients.roster import Traveller
from tests.real.clients.spoiler import Posted, Spoiler
from tests.real.clients.stage import stage
from tests.real.clients.steps import LIMIT, Step, add
from tests.real.house import Address, served
from tests.real.scenarios import Edge, bare
from tests.real.servers.recorder import Recorder

SCRIPTS: Final = Path(__file__).parent / "scripts"
VISIT_LIMIT: Final = 150.0
"""Seconds that one visit may take before the client script itself is taken for dead."""
_SEALED: Final = re.compile(r'"requestState": "[^"]*"')
Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """How the client's script is run."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass
class Met:
    """What came of one denial: what the client saw, and what the edge and the server saw."""

    lines: Lines
    again: Lines
    codes: set[str]
    leaked: bool


@dataclass
class Honest:
    """The repertoire, bare and protected: what the client saw by feature, and what the server saw."""

    features: dict[str, tuple[Lines, Lines]]
    messages: tuple[list[str], list[str]]
    methods: tuple[dict[str, int], dict[str, int]]
    refused: set[str]


class Script:
    """A running client script: a visit goes in, its lines come out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def visit(self, visit: dict[str, Any]) -> Lines:
        """Make one visit. A script that dies or falls silent is an error of the script, not an observation."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(visit).encode() + b"\n")
        await self.process.stdin.drain()
        lines: Lines = []
        with anyio.fail_after(VISIT_LIMIT):
            while True:
                line = await self.process.stdout.readline()
                if not line:
                    raise AssertionError(f"the client script ended with {await self.process.wait()} during {visit}")
                said = json.loads(line)
                if said.get("end"):
                    return lines
                lines.append(said)


@contextlib.asynccontextmanager
async def running(command: Command) -> AsyncIterator[Script]:
    """The client script as a process, ended with the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command.arguments, stdin=pipe, stdout=pipe, env=dict(command.environment), limit=2**24
    )
    try:
        yield Script(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with anyio.move_on_after(LIMIT):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


# -- the repertoire --------------------------------------------------------------------------------------------------


async def honest(client: Traveller, command: Command) -> Honest:
    """The same repertoire at a bare server and at one behind the middleware with its default policy."""
    features = [feature for feature in FEATURES if possible(client, feature)]
    watch = Spoiler(bare)
    # Two processes of the client at once: most of the time is theirs.
    async with running(command) as first, running(command) as second:
        alone, protected = await asyncio.gather(
            _repertoire(client, first, bare, features), _repertoire(client, second, _watched(watch), features)
        )
    both = {feature.name: (alone[0][feature.name], protected[0][feature.name]) for feature in features}
    return Honest(both, (alone[1], protected[1]), (alone[2], protected[2]), watch.codes)


def _watched(watch: Spoiler) -> Edge:
    def edge(app: ASGIApp) -> ASGIApp:
        watch.app = SMCPMiddleware(app)
        return watch

    return edge


async def _repertoire(
    client: Traveller, script: Script, edge: Edge, features: Iterable[Feature]
) -> tuple[dict[str, Lines], list[str], dict[str, int]]:
    """One connection a feature: what the client saw of each, and what the server saw of all."""
    app, _ = stage(client.transport)
    recorder = Recorder(app)
    async with served(edge(recorder)) as address:
        seen = {}
        for feature in features:
            seen[feature.name] = await script.visit(_visit(client, address, feature.steps))
    methods = [each.method for each in recorder.seen]
    return seen, steady(recorder.messages), {method: methods.count(method) for method in sorted(set(methods))}


def steady(messages: list[Any]) -> list[str]:
    """The messages without what is random, in an order that does not depend on which connection was quicker."""
    return sorted(_SEALED.sub('"requestState": "sealed"', json.dumps(each, sort_keys=True)) for each in messages)


def _visit(client: Traveller, address: Address, steps: Iterable[Step], *, day: str = "1 May", path: str = "") -> Any:
    url = address.url(path or ("/sse" if client.transport == "sse" else "/mcp"))
    facts = {"url": url, "mode": client.mode, "transport": client.transport}
    return {**facts, "limit": LIMIT, "day": day, "steps": list(steps)}


# -- the denials -----------------------------------------------------------------------------------------------------


class _Broken(Sources):
    """A store that fails at every question."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def answer_async(self, question: Question) -> object:
        if isinstance(question, Spend) and not question.local:
            raise OSError
        return self._sources.answer_async(question)


class Strictness:
    """The policies of the denials in force: compiled once, used by every client in turn."""

    def __init__(self) -> None:
        self._frameworks = {name: SMCPSecurityFramework(dict(policy)) for name, policy in POLICIES.items()}

    def guard(self, policy: str, app: ASGIApp) -> ASGIApp:
        """A middleware with that policy, its counters as new."""
        self.renew(policy)
        return SMCPMiddleware(app, framework=self._frameworks[policy])

    def renew(self, policy: str) -> None:
        """As if hours had passed."""
        framework = self._frameworks[policy]
        framework.close()
        framework.__init__(dict(POLICIES[policy]))  # type: ignore[misc]

    def break_store(self, policy: str) -> None:
        """Let every question to the store fail."""
        framework = self._frameworks[policy]
        framework._armed = replace(framework._armed, sources=_Broken(framework._armed.sources))

    def close(self) -> None:
        """Flush the audits."""
        for framework in self._frameworks.values():
            framework.close()


async def denied(client: Traveller, command: Command, strictness: Strictness) -> dict[str, Met]:
    """Every denial that the client can meet, by name."""
    app, notes = stage(client.transport)
    spoiler = Spoiler(app)
    met = {}
    async with running(command) as script, served(spoiler) as address:
        for denial in DENIALS:
            if denial.meets(client):
                met[denial.name] = await _meet(
                    client, script, _Strict(address, strictness, spoiler, Recorder(app)), denial
                )
        notes.release.set()
    return met


@dataclass
class _Strict:
    """Where a denial is met."""

    address: Address
    strictness: Strictness
    spoiler: Spoiler
    recorder: Recorder

    def prepare(self, denial: Denial, *, always: bool) -> None:
        """Put the row's policy in force and its spoiling in the way."""
        spoiling, policy, strictness = denial.spoiling, denial.policy, self.strictness

        def break_at_the_mark(posted: Posted) -> Posted:
            strictness.break_store(policy)
            return posted

        self.spoiler.app = strictness.guard(policy, self.recorder)
        self.spoiler.prepare(
            break_at_the_mark if denial.breaks else spoiling, lambda: strictness.renew(policy), always=always
        )


async def _meet(client: Traveller, script: Script, site: _Strict, denial: Denial) -> Met:
    """Meet one denial, go on with the same client, then connect anew."""
    site.prepare(denial, always=denial.bars(client))
    steps = [add(), denial.act, add()] if client.lasting else [denial.act, add()]
    lines = await script.visit(_visit(client, site.address, steps, day=denial.day, path=denial.entry))
    leaked = MARK in json.dumps([each for each in site.recorder.messages if "method" in each])
    if client.lasting or denial.entry:
        site.spoiler.always = False
        again = await script.visit(_visit(client, site.address, [add()]))
    else:
        lines, again = lines[:1] + lines, lines[1:]
    return Met(lines, again, set(site.spoiler.codes), leaked)
