"""The table of docs/conformance.md: `python -m tests.conformance.report [--write]` runs the suite and prints it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conformance.expected import NEWEST, OLDER, SETS, STATELESS, Expected, sets
from tests.conformance.measured import Measured, Set, measure
from tests.conformance.suite import PACKAGE
from tests.toolbox.legacy import SDK, legacy_python
from tests.toolbox.node import PACKAGES, node_tools
from tests.toolbox.shelf import ROOT

PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- conformance:run -->", "<!-- /conformance:run -->"
_NAMES = {NEWEST: "`mcp` 2 (2.3 or newer)", OLDER: f"`{SDK}`".replace("==", " ")}
Runs = Mapping[str, Mapping[Set, Measured]]


def written() -> str:
    """What the page has between its marks."""
    return PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def rendered(runs: Runs) -> str:
    """The same from a run: tables of the results and of the refusals, with no number that a machine could change."""
    rows = [_row(expected, runs[expected.sdk][expected.set]) for expected in SETS]
    parts = [f"Suite: `{PACKAGE}` {PACKAGES[PACKAGE]} on Node {PACKAGES['node']}.", _table(_HEAD, rows)]
    return "\n\n".join([*parts, *(_refused(expected, runs[expected.sdk][expected.set]) for expected in SETS)])


_HEAD = (
    "server",
    "requirement set",
    "required scenarios",
    "bare: passed, failed",
    "protected: passed, failed",
    "other answers that differ",
)


def _row(expected: Expected, measured: Measured) -> tuple[str, ...]:
    bare, protected = measured.bare, measured.protected
    return (
        _server(expected),
        expected.revision,
        f"{len(protected.satisfied)} of {len(protected.required)}",
        f"{bare.passed}, {bare.failed}",
        f"{protected.passed}, {protected.failed}",
        str(len(measured.differences)),
    )


def _server(expected: Expected) -> str:
    return _NAMES[expected.sdk] + (", without sessions" if expected.shape == STATELESS else "")


def _refused(expected: Expected, measured: Measured) -> str:
    reasons = {(refusal.code, refusal.method): refusal.why for refusal in expected.refusals}
    rows = [
        (f"`{code}`", f"`{method}`" if method else "(not read)", str(count), reasons.get((code, method), "unexpected"))
        for (code, method), count in sorted(measured.refusals.denied.items())
    ]
    skipped = [f"{check.scenario} ({check.status.lower()})" for check in measured.protected.not_passed]
    told = f"Not passed, bare and protected alike: {', '.join(skipped) or 'nothing'}."
    title = f"### {_server(expected)}, {expected.revision}"
    return f"{title}\n\n{_table(('code', 'method', 'refused', 'why'), rows)}\n\n{told}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str]) -> int:
    """Run everything; print the table, or put it into the page."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = {
            sdk: measure(node_tools(), python, sets(sdk), _made(Path(scratch) / sdk))
            for sdk, python in ((NEWEST, Path(sys.executable)), (OLDER, legacy_python()))
        }
    text = rendered(runs)
    print(text)
    if "--write" in arguments:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    return 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
