"""One requirement set run against one server, bare and protected: what the suite, the audit and the tapes say."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.audit.records import read_records
from tests.conformance.exchanges import differences, read_tape
from tests.conformance.suite import Verdict, run
from tests.toolbox.node import NodeTools
from tests.toolbox.shelf import ROOT

PATIENCE = 30.0
"""Seconds that the servers may take to end."""
ATTEMPTS = 3
Set = tuple[str, str]
"""The shape of a server, `sessions` or `stateless`, and the revision whose requirements it is run against."""


@dataclass(frozen=True)
class Refusals:
    """What the middleware did besides letting pass, from its audit."""

    denied: Counter[tuple[str, str]]
    """How often each (finding code, JSON-RPC method) was refused; the method is empty where it was not read."""
    reported: Counter[tuple[str, str]]
    """How often each (finding code, JSON-RPC method) passed with a remark."""
    lost: int
    decided: int


@dataclass(frozen=True)
class Measured:
    """The outcome of a pair of runs."""

    bare: Verdict
    protected: Verdict
    refusals: Refusals
    differences: tuple[str, ...]
    exchanges: int


def measure(
    node: NodeTools, python: Path, sets: Sequence[Set], folder: Path, *, attempts: int = ATTEMPTS
) -> dict[Set, Measured]:
    """Run requirement sets against the fixture on the SDK that `python` has, bare and protected in turn.

    A set in which a check ran out of the suite's own time is run again, both sides of it; the last attempt stands.
    """
    names = {f"{edge}-{shape}-{revision}": revision for shape, revision in sets for edge in ("bare", "protected")}
    with _serving(python, folder, list(names)) as ports:
        verdicts = {name: run(node, ports[name], revision, folder / name) for name, revision in names.items()}
    measured = {one: _measured("-".join(one), verdicts, folder) for one in sets}
    late = [one for one, pair in measured.items() if pair.bare.hurried or pair.protected.hurried]
    if late and attempts > 1:
        again = folder / "again"
        again.mkdir()
        measured |= measure(node, python, late, again, attempts=attempts - 1)
    return measured


@contextlib.contextmanager
def _serving(python: Path, folder: Path, names: Sequence[str]) -> Iterator[Mapping[str, int]]:
    command = [python, "-m", "tests.conformance.servers.serve", folder, *names]
    with (folder / "server.log").open("w") as log:
        # What the shell sets for the library would change what its defaults are.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SMCP_")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        with server:
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                assert line, f"the fixture did not start:\n{(folder / 'server.log').read_text()[-2000:]}"
                yield json.loads(line)
                # The end of its input ends it; its tapes and audits are whole after that.
                server.communicate(timeout=PATIENCE)
            finally:
                server.kill()
    assert server.returncode == 0, (folder / "server.log").read_text()[-2000:]


def _measured(name: str, verdicts: Mapping[str, Verdict], folder: Path) -> Measured:
    bare, protected = (read_tape(folder / f"{edge}-{name}.tape.jsonl") for edge in ("bare", "protected"))
    return Measured(
        bare=verdicts[f"bare-{name}"],
        protected=verdicts[f"protected-{name}"],
        refusals=_refusals(folder / f"protected-{name}.audit.jsonl"),
        differences=tuple(differences(bare, protected)),
        exchanges=len(bare),
    )


def _refusals(audit: Path) -> Refusals:
    records = read_records(audit)
    methods = {record["id"]: record["method"] for record in records if record["kind"] == "decision"}
    denied, reported = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for record in records:
        for finding in record.get("findings", ()):
            kept = denied if finding["action"] == "block" else reported
            kept[finding["code"], methods[record["id"]]] += 1
    lost = sum(record["count"] for record in records if record["kind"] == "lost")
    return Refusals(denied, reported, lost, len(methods))
