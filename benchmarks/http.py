"""What the middleware takes from a real server: an MCP SDK server under uvicorn, bare and protected, in turn.

    python benchmarks/http.py [--identity] [--short] [--json] [--size 300] [--requests N]

Each server is a process of its own; this process is the load. Rounds alternate (bare, protected, bare, ...), so that
what else the machine does meets all; only ratios of neighbouring rounds are worth comparing between machines.
`--identity` adds a third server, protected as well, whose caller has a token and a role.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: this very file would stand in for the standard library's http.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import IO, Any, Final

from benchmarks import callers, load
from benchmarks.messages import Workload, headers, request
from benchmarks.samples import Samples, markdown, percentile

ROOT: Final = Path(__file__).resolve().parents[1]
BARE: Final = "bare"
PROTECTED: Final = "protected"
IDENTIFIED: Final = "with identity"
LEAST_KEPT: Final = 0.90
MOST_CPU: Final = 90
"""The budget at 300 B: 90 % of the bare server's requests per second, 90 µs of CPU added to a request."""


@dataclass(slots=True)
class Side:
    """One server, and what was measured of it round by round."""

    name: str
    process: subprocess.Popen[str]
    port: int
    token: str = field(default="", repr=False)
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    latency: Samples = field(default_factory=Samples)
    generator: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Microseconds of latency, of all rounds: a server has no undisturbed ones to choose from."""
        return self.latency.p99_of_all


def measure(
    work: Workload, *, rounds: int, requests: int, connections: int, identity: bool = False
) -> tuple[list[Side], dict[str, float]]:
    """The servers, the bare one first, and the last one's own medians by rung in µs; `requests` are those of one round.

    Raises `load.Broken` if a server refuses the benchmark's request or goes away.
    """
    names = (BARE, PROTECTED, IDENTIFIED) if identity else (BARE, PROTECTED)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        sides = [servers.enter_context(_serving(name, Path(folder))) for name in names]
        for side in sides:
            _round(side, work, requests, connections, warm_up=True)
        for _ in range(rounds):
            for side in sides:
                _round(side, work, requests, connections)
        return sides, _stopped(sides[-1])


@contextlib.contextmanager
def _serving(name: str, folder: Path) -> Iterator[Side]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SMCP_")}
    script = [sys.executable, str(ROOT / "benchmarks" / "server.py"), name, str(folder / f"{name}.jsonl")]
    token = ""
    if name == IDENTIFIED:
        token = callers.issue(folder / "jwks.json")
        script.append(str(folder / "jwks.json"))
    process = subprocess.Popen(script, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    try:
        line = _output(process).readline()
        if not line:
            raise load.Broken(f"the {name} server did not start; what it said stands above")
        yield Side(name, process, json.loads(line)["port"], token)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _stopped(side: Side) -> dict[str, float]:
    """Stop a server in good order; what it has to say at the end."""
    side.process.terminate()
    line = _output(side.process).readline()
    side.process.wait(load.PATIENCE)
    rungs: dict[str, float] = json.loads(line)["rungs"]
    return rungs


def _output(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    return process.stdout


def _round(side: Side, work: Workload, requests: int, connections: int, *, warm_up: bool = False) -> None:
    body = request(work)
    fields = callers.headers(body, side.token) if side.token else headers(body)
    message = load.post("/mcp", body, fields | {"host": f"127.0.0.1:{side.port}"})
    before = cpu_seconds(side.process.pid)
    done = load.run(side.port, message, connections=connections, requests=requests)
    after = cpu_seconds(side.process.pid)
    side.memory.append(resident_megabytes(side.process.pid) or 0.0)
    if warm_up:
        return
    side.rates.append(done.rate)
    side.latency.blocks.append(done.durations)
    side.generator.append(done.own_cpu / done.seconds)
    if before is not None and after is not None:
        side.cpu.append((after - before) / requests * 1e6)


def cpu_seconds(pid: int) -> float | None:
    """CPU seconds of all threads of a process, user and system; None where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The name in parentheses may hold blanks. utime and stime are fields 14 and 15 (proc_pid_stat(5)).
    user, system = status.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float | None:
    """Resident memory of a process; None where there is no /proc."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the report --------------------------------------------------------------------------------------------------------


def summary(bare: Side, guarded: Side) -> dict[str, Any]:
    """The numbers that the budget is about: the share of requests per second kept, CPU added to a request in µs."""
    shares = [after / before for before, after in zip(bare.rates, guarded.rates, strict=True)]
    added = [after - before for before, after in zip(bare.cpu, guarded.cpu, strict=True)]
    return {
        "kept": median(shares),
        "kept_least": min(shares),
        "kept_most": max(shares),
        "cpu_added": median(added) if added else None,
    }


def as_text(work: Workload, sides: list[Side], rungs: Mapping[str, float]) -> str:
    """The whole report in Markdown."""
    columns = ("server", "requests/s", "CPU µs a request", "p50 ms", "p99 ms", "MB first, last", "generator CPU")
    bare, *guarded = sides
    return "\n\n".join((
        f"# An MCP SDK server under uvicorn, {work.size} B, bare and protected in turn",
        markdown(columns, [_row(side) for side in sides]),
        *(_cost(bare, side) for side in guarded),
        markdown(
            (f"rung in the server {guarded[-1].name}, cold", "p50 µs"),
            [[name, f"{spent:,.1f}"] for name, spent in rungs.items()],
        ),
    ))  # fmt: skip


def _cost(bare: Side, guarded: Side) -> str:
    facts = summary(bare, guarded)
    added = facts["cpu_added"]
    return (
        f"Kept of the requests per second, {guarded.name}: {facts['kept']:.1%} (rounds: {facts['kept_least']:.1%} to "
        f"{facts['kept_most']:.1%}); budget: at least {LEAST_KEPT:.0%}.\n\n"
        f"CPU added to a request: {'not available' if added is None else f'{added:,.0f} µs'}; "
        f"budget: at most {MOST_CPU} µs."
    )


def _row(side: Side) -> list[str]:
    durations = [duration for block in side.latency.blocks for duration in block]
    return [
        side.name,
        f"{median(side.rates):,.0f}",
        f"{median(side.cpu):,.0f}" if side.cpu else "not available",
        f"{percentile(durations, 0.5) / 1e6:.2f}",
        f"{side.p99 / 1000:.2f}",
        f"{side.memory[0]:.1f}, {side.memory[-1]:.1f}" if side.memory[0] else "not available",
        f"{median(side.generator):.0%}",
    ]


def as_json(work: Workload, sides: list[Side], rungs: Mapping[str, float]) -> str:
    """The same facts for a machine."""
    bare, *guarded = sides
    servers = {
        side.name: {
            "requests_per_second": side.rates,
            "cpu_us": side.cpu,
            "p99_us": side.p99,
            "resident_mb": side.memory,
        }
        for side in sides
    }
    costs = {side.name: summary(bare, side) for side in guarded}
    return json.dumps({"bytes": work.size, "costs": costs, "servers": servers, "rungs_us": rungs}, indent=2)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a server does not answer as it must."""
    parser = argparse.ArgumentParser(description="An MCP SDK server, bare and protected.")
    parser.add_argument("--short", action="store_true", help="fewer rounds, below 30 seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--identity", action="store_true", help="a third server, for a caller with a token and a role")
    parser.add_argument("--size", type=int, default=300, help="bytes of the request, at least 300 (default: 300)")
    parser.add_argument("--requests", type=int, help="requests in a round")
    parser.add_argument("--connections", type=int, default=4, help="requests on their way at once (default: 4)")
    options = parser.parse_args(arguments)
    if options.size < 300 or options.connections < 1 or (options.requests or 1) < 1:
        parser.error("at least 300 bytes, 1 connection and 1 request")
    rounds, requests = (5, 800) if options.short else (11, 2000)
    work = Workload(f"{options.size} B", options.size, max(0, (options.size - 600) // 160))
    try:
        sides, rungs = measure(
            work,
            rounds=rounds,
            requests=options.requests or requests,
            connections=options.connections,
            identity=options.identity,
        )
    except load.Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print((as_json if options.json else as_text)(work, sides, rungs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
