"""Does a server behind the middleware stay as it is? Mixed traffic for long, and what the process holds, in turn.

    python benchmarks/soak.py [--short] [--json] [--requests N] [--sessions N] [--held N] [--slices N]
        [--idle SECONDS]

The same traffic goes to the same server bare and protected, each a process of its own, one slice after the other.
Between slices nothing is on its way but the held streams, so that what is counted then is what stays behind.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from random import Random
from typing import Final

from benchmarks import http, machine, soak_report, soak_traffic
from benchmarks.load import PATIENCE, Broken
from benchmarks.soak_report import Sample
from benchmarks.soak_server import HELD, POLICY
from benchmarks.soak_traffic import Kind, Place
from benchmarks.soak_wire import Answer, Connection, connected
from smcp_security import SMCPSecurityFramework

ROOT: Final = Path(__file__).resolve().parents[1]
LANES: Final = 4
ADDRESSES: Final = 512
GREED: Final = 250
"""Calls of one address at once, where the policy allows 150 and two more each second."""
_ASK: Final = b"GET " + HELD.encode() + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
_ASK_TYPES: Final = _ASK.replace(b" HTTP", b"?types HTTP")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much traffic: `visits` are sessions that are opened and dropped, each with `requests` of all kinds."""

    visits: int
    requests: int
    slices: int
    held: int
    idle: float = 4.0
    """Seconds after which the SDK forgets a session that was dropped without a DELETE (its default is half an hour);
    no client of ours is silent for as long while it has one."""

    def slice(self, number: int) -> range:
        """The visits of one slice."""
        return range(self.visits * number // self.slices, self.visits * (number + 1) // self.slices)


@dataclass(slots=True)
class Side:
    """One server under traffic, and what it held from slice to slice."""

    name: str
    process: subprocess.Popen[str]
    port: int
    strict: bool
    held: list[Connection] = field(default_factory=list)
    open: set[Connection] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    limited: int = 0

    async def open_streams(self, count: int) -> None:
        """Open the streams that are held for the whole run, of both eras in turn."""
        for number in range(count):
            connection = await self._connect()
            place = Place(_address(number), "/mcp", "", Random(number))
            if number % 2:
                answer = await connection.stream(soak_traffic.listening(place))
            else:
                opened = await self._opened(connection, place)
                answer = await connection.stream(soak_traffic.standing(opened))
            _expect(answer, answer.status == 200, "a standing stream")
            self.held.append(connection)

    async def run(self, visits: range, requests: int) -> None:
        """Let some visits come, a few at a time."""
        began = time.perf_counter()
        waiting = iter(visits)
        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(self._lane(waiting, requests))
        self.seconds += time.perf_counter() - began

    async def sample(self, sessions: int, *, types: bool = False) -> None:
        """What the server holds once nothing is on its way. Raises `Broken` if dropped sessions never go."""
        connection = await self._connect()
        async with asyncio.timeout(PATIENCE):
            while (held := json.loads((await connection.ask(_ASK)).body))["sessions"] > sessions:
                await asyncio.sleep(0.5)
        if types:
            held = json.loads((await connection.ask(_ASK_TYPES)).body)
        memory = http.resident_megabytes(self.process.pid) or 0.0
        self.samples.append(Sample(sum(self.done.values()), memory, held))
        connection.close()

    async def _connect(self) -> Connection:
        return await connected(self.port, self.open)

    async def _lane(self, waiting: Iterator[int], requests: int) -> None:
        connection = await self._connect()
        for number in waiting:
            connection = await self._visit(connection, number, requests)
        connection.close()

    async def _visit(self, connection: Connection, number: int, requests: int) -> Connection:
        """One client: a session with everything in it, dropped in one of three ways."""
        random = Random(number)
        if number % 25 == 0:
            await self._greedy(connection, random)
        first = Place(_address(number), "/json" if number % 3 == 0 else "/mcp", "", random)
        place = await self._opened(connection, first)
        for kind in soak_traffic.picked(random, requests):
            await self._one(connection, kind, place)
        if place.path == "/mcp" and number % 4 == 0:
            await self._questioned(connection, place)
        return await self._dropped(connection, place, number)

    async def _opened(self, connection: Connection, place: Place) -> Place:
        answer = await connection.ask(soak_traffic.initialize(place))
        self.done["initialize"] += 1
        session = answer.fields.get("mcp-session-id", "")
        _expect(answer, answer.status == 200 and session != "", "initialize")
        opened = Place(place.address, place.path, session, place.random)
        answer = await connection.ask(soak_traffic.legacy(opened, {"method": "notifications/initialized"}))
        self.done["initialized"] += 1
        _expect(answer, answer.status == 202, "notifications/initialized")
        return opened

    async def _one(self, connection: Connection, kind: Kind, place: Place) -> None:
        answer = await connection.ask(kind.build(place))
        self.done[kind.name] += 1
        if self.strict or kind in soak_traffic.HONEST:
            _expect(answer, answer.status == kind.status and kind.holds in answer.body, kind.name)

    async def _questioned(self, connection: Connection, place: Place) -> None:
        """A call in the middle of which the server asks back."""
        calling = await self._connect()
        call = soak_traffic.asked(place, "tools/call", name="ask", arguments={})
        await calling.stream(call)
        said = await calling.until(b"elicitation/create")
        question = json.loads(said[said.index(b"{", said.index(b"data:")) : said.rindex(b"}") + 1])
        result = {"action": "accept", "content": {"day": "monday"}}
        answer = await connection.ask(soak_traffic.legacy(place, {"id": question["id"], "result": result}))
        _expect(answer, answer.status == 202, "an answer to the server")
        await calling.until(b"accept")
        calling.close()
        self.done["question of the server"] += 2

    async def _greedy(self, connection: Connection, random: Random) -> None:
        """More calls at once than the policy's rate allows; how many are refused depends on the machine."""
        place = Place(soak_traffic.GREEDY, "/mcp", "", random)
        for _ in range(GREED):
            answer = await connection.ask(soak_traffic.HONEST[0].build(place))
            self.limited += b"-31429" in answer.body
        self.done["too many at once"] += GREED

    async def _dropped(self, connection: Connection, place: Place, number: int) -> Connection:
        """End the session: politely, by leaving it, or by a cut in the middle of a call and of a stream."""
        way = ("DELETE", "left", "cut")[number % 3 if place.path == "/mcp" else number % 2]
        self.ended[way] += 1
        if way == "DELETE":
            _expect(answer := await connection.ask(soak_traffic.standing(place, "DELETE")), answer.status == 200, way)
        elif way == "cut":
            stream = await self._connect()
            await stream.stream(soak_traffic.standing(place))
            await connection.stream(soak_traffic.asked(place, "tools/call", name="pause", arguments={}))
            stream.cut()
            connection.cut()
        self.done["ends of sessions"] += 1 if way == "DELETE" else 2 if way == "cut" else 0
        return await self._connect() if way == "cut" else connection


def _address(number: int) -> str:
    return f"192.0.2.{number % ADDRESSES}"


def _expect(answer: Answer, right: bool, what: str) -> None:
    if not right:
        raise Broken(f"{what} was answered with {answer.status} {answer.body[:300]!r}")


async def measure(plan: Plan) -> list[Side]:
    """Both servers under the same traffic, slice by slice. Raises `Broken` if an answer is not what it must be."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            _serving(http.BARE, folder, plan.idle) as bare,
            _serving(http.PROTECTED, folder, plan.idle) as guarded,
        ):
            sides = [bare, guarded]
            for side in sides:
                # A session of each path, so that everything is loaded; the run must end as it was then.
                await side.run(range(-3, 0), plan.requests)
            await asyncio.gather(*(side.sample(0) for side in sides))
            for side in sides:
                await side.open_streams(plan.held)
            legacy = (plan.held + 1) // 2
            for number in range(plan.slices):
                for side in sides:
                    await side.run(plan.slice(number), plan.requests)
                types = number in (soak_report.warm_up(plan.slices), plan.slices - 1)
                await asyncio.gather(*(side.sample(legacy, types=types) for side in sides))
            if not guarded.limited:
                raise Broken("nobody was refused for asking too much")
            for side in sides:
                if any(connection.over for connection in side.held):
                    raise Broken(f"the {side.name} server ended a stream that was held")
                for connection in side.held:
                    connection.cut()
            await asyncio.gather(*(side.sample(0) for side in sides))
            return sides


def _about() -> dict[str, str]:
    with SMCPSecurityFramework(POLICY) as security:
        packages = {name: version(name) for name in ("mcp", "uvicorn", "starlette")}
        return {
            "command": " ".join(["python benchmarks/soak.py", *sys.argv[1:]]),
            **machine.facts(security),
            **packages,
        }


@contextlib.asynccontextmanager
async def _serving(name: str, folder: str, idle: float) -> AsyncIterator[Side]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SMCP_")}
    audit = str(Path(folder) / f"{name}.jsonl")
    script = [sys.executable, str(ROOT / "benchmarks" / "soak_server.py"), name, audit, str(idle)]
    process = subprocess.Popen(script, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise Broken(f"the {name} server did not start; what it said stands above")
        side = Side(name, process, json.loads(line)["port"], strict=name == http.PROTECTED)
        try:
            yield side
        finally:
            while side.open:
                side.open.pop().cut()
            # One turn of the loop closes what was cut.
            await asyncio.sleep(0)
    finally:
        process.kill()
        process.communicate()


def main(arguments: list[str] | None = None) -> int:
    """Soak and print; 1 if something is not flat or not answered as it must be."""
    parser = argparse.ArgumentParser(description="A server under long mixed traffic: is what it holds flat?")
    parser.add_argument("--short", action="store_true", help="about a minute")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--requests", type=int, help="requests to each server")
    parser.add_argument("--sessions", type=int, help="sessions opened and dropped on each server")
    parser.add_argument("--held", type=int, default=20, help="streams held for the whole run (default: 20)")
    parser.add_argument("--slices", type=int, help="how many times the servers are looked at")
    parser.add_argument("--idle", type=float, default=4.0, help="seconds of an idle session (default: 4)")
    options = parser.parse_args(arguments)
    for name, least in (("requests", 1), ("sessions", 1), ("held", 0), ("slices", 1)):
        if (number := getattr(options, name)) is not None and number < least:
            parser.error(f"--{name}: expected a whole number of at least {least}")
    visits = options.sessions or (100 if options.short else 2000)
    # Opening, ending and being greedy take about 12 requests of a visit.
    requests = max(1, (options.requests or (7_500 if options.short else 200_000)) // visits - 12)
    slices = options.slices or (6 if options.short else 20)
    plan = Plan(visits, requests, slices, options.held, options.idle)
    try:
        sides = asyncio.run(measure(plan))
    except (Broken, TimeoutError, ExceptionGroup) as broken:
        print(broken, *getattr(broken, "exceptions", ()), sep="\n", file=sys.stderr)
        return 1
    faults = soak_report.faults(sides[0].samples, sides[1].samples)
    print((soak_report.as_json if options.json else soak_report.as_text)(sides, faults, _about()))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
