"""Runs the official suite against a server and reads what it wrote, not what it printed."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.toolbox.node import NodeTools

PACKAGE = "@modelcontextprotocol/conformance"
PATIENCE = 120.0
"""Seconds that one run of a requirement set may take; it takes about ten on two busy cores."""
HURRIED = frozenset(
    {
        "sep-2575-http-server-no-independent-requests-on-stream",
        "sep-2575-server-no-log-without-loglevel",
        "sep-2575-server-sends-subscription-ack",
        "sep-2575-server-tags-subscription-id",
        "sep-2575-server-honors-notification-filter",
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
        "server-sse-streams-functional",
    }
)
"""Checks that the suite gives 500 to 2,000 milliseconds: on a busy machine they fail for no fault of the server's."""
_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z")
_COUNTED = ("SUCCESS", "FAILURE")


@dataclass(frozen=True, order=True)
class Check:
    """One check as the suite judged it. `case` tells apart those that share an id."""

    scenario: str
    id: str
    case: str
    status: str


@dataclass(frozen=True)
class Verdict:
    """What one run gave; `checks` in the suite's order."""

    required: frozenset[str]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> int:
        """How many checks passed, by the suite's own way of counting."""
        return sum(check.status == "SUCCESS" for check in self.checks)

    @property
    def not_passed(self) -> tuple[Check, ...]:
        """The checks that ended otherwise: failures, warnings and what was skipped."""
        return tuple(check for check in self.checks if check.status not in ("SUCCESS", "INFO"))

    @property
    def failed(self) -> int:
        """How many checks failed."""
        return sum(check.status == "FAILURE" for check in self.checks)

    @property
    def hurried(self) -> bool:
        """Whether a check with a short limit of the suite's own did not pass; then another run is due."""
        return any(check.id in HURRIED for check in self.not_passed)

    @property
    def satisfied(self) -> frozenset[str]:
        """The required scenarios with something passed and nothing failed."""
        seen = {scenario: Counter[str]() for scenario in self.required}
        for check in self.checks:
            if check.scenario in seen and check.status in _COUNTED:
                seen[check.scenario][check.status] += 1
        return frozenset(name for name, of in seen.items() if of["SUCCESS"] and not of["FAILURE"])


def run(node: NodeTools, port: int, revision: str, folder: Path) -> Verdict:
    """Run the frozen requirement set of `revision` against the server on `port`; results are kept in `folder`."""
    script = node.script(PACKAGE, "conformance")
    asked = ["--url", f"http://127.0.0.1:{port}/mcp", "--requirements", revision, "--output-dir", str(folder)]
    done = subprocess.run(
        [node.node, script, "server", *asked],
        env=node.environment(folder.parent),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    results = {_scenario(file): json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*/checks.json"))}
    if not results:
        raise AssertionError(f"the suite wrote no result and ended with {done.returncode}:\n{done.stderr[-2000:]}")
    checks = tuple(_check(name, found) for name, of in sorted(results.items()) for found in of)
    return Verdict(_required(node, revision), checks)


def _scenario(file: Path) -> str:
    named = _FOLDER.fullmatch(file.parent.name)
    assert named, f"the suite no longer names its folders as it did: {file.parent.name}"
    return named["scenario"]


def _check(scenario: str, found: dict[str, Any]) -> Check:
    return Check(scenario, found["id"], found["name"], found["status"])


def _required(node: NodeTools, revision: str) -> frozenset[str]:
    """The scenarios that the suite scores a server by."""
    file = node.modules / PACKAGE / "requirements" / f"{revision}.yaml"
    return frozenset(YAML(typ="safe").load(file.read_text("utf-8"))["server"])
