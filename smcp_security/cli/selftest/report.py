"""What `smcp selftest` prints: a table for people, JSON for programs, SARIF for code scanning. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.cli.selftest.came import Came
from smcp_security.cli.selftest.play import Result, Status, Tried
from smcp_security.version import VERSION

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
HELP: Final = "urn:smcp-security:selftest"
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Account:
    """One run. `strict` counts what was passed on as got through."""

    target: str
    eras: tuple[str, ...]
    results: Sequence[Result]
    strict: bool = False

    @property
    def bad(self) -> list[Result]:
        """The rows that make the run fail: of what a rate limit cut short nobody knows that it holds."""
        grave = {Status.THROUGH, Status.TWIN} | ({Status.PASSED_ON} if self.strict else set())
        return [each for each in self.results if each.status in grave or each.cut_short]


# -- text -------------------------------------------------------------------------------------------------------------


def as_text(account: Account) -> str:
    """A line for each row, and below what did not hold its spellings."""
    lines = [f"{account.target} speaks {' and '.join(account.eras)}"]
    for result in account.results:
        lines.append(_line(result))
        if result.status in (Status.THROUGH, Status.TWIN, Status.PASSED_ON):
            lines += _spellings(result)
        elif result.why:
            lines.append(f"{'':15}{result.why}")
    counts = Counter(result.status for result in account.results)
    lines.append(", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status]))
    return "\n".join(lines)


def _line(result: Result) -> str:
    row = result.row
    held = sum(each.status is Status.HELD for each in result.tried)
    count = f"{held}/{len(result.tried)}" if result.tried else "-"
    came = _summary(result) if result.status is Status.HELD else ""
    return (
        f"  {result.status.value:<13}{row.code} {row.slug:<19} {count:>6}  {row.cwe:<9} {came or row.incident}".rstrip()
    )


def _summary(result: Result) -> str:
    """By what it was held: the codes and statuses, each once."""
    facts = dict.fromkeys(_fact(each.attack) for each in result.tried)
    shown = list(facts)[:4]
    return ", ".join(shown) + (", ..." if len(facts) > len(shown) else "")


def _fact(came: Came) -> str:
    return came.code or (f"HTTP {came.status}" if came.status >= 300 else "") or came.shown


def _spellings(result: Result) -> Iterator[str]:
    """Each spelling once, with the eras in which the same came of it."""
    told: dict[str, list[str]] = {}
    for each in result.of_that_status:
        twin = f"; twin: {each.twin.shown}" if each.status is Status.TWIN else ""
        told.setdefault(f"{each.name}: {each.attack.shown}{twin}", []).append(each.era)
    for text, eras in list(told.items())[:_MOST]:
        yield f"{'':15}{text} ({', '.join(eras)})"
    if len(told) > _MOST:
        yield f"{'':15}and {len(told) - _MOST} more"


# -- JSON -------------------------------------------------------------------------------------------------------------


def as_facts(account: Account) -> dict[str, Any]:
    """The same as JSON holds it."""
    counts = Counter(result.status for result in account.results)
    return {
        "version": 1,
        "target": account.target,
        "eras": list(account.eras),
        "held": not account.bad,
        "counts": {status.name.lower(): counts[status] for status in Status},
        "rows": [_row(result) for result in account.results],
    }


def _row(result: Result) -> dict[str, Any]:
    row = result.row
    return {
        "code": row.code, "slug": row.slug, "group": row.group, "incident": row.incident, "cwe": row.cwe,
        "status": result.status.value.lower(), "why": result.why or None,
        "trials": [_trial(each) for each in result.tried],
    }  # fmt: skip


def _trial(each: Tried) -> dict[str, Any]:
    return {
        "name": each.name, "era": each.era, "status": each.status.value.lower(),
        "attack": _came(each.attack), "twin": _came(each.twin),
    }  # fmt: skip


def _came(came: Came) -> dict[str, Any]:
    return {"kind": came.kind.value, "http": came.status or None, "error": came.rpc, "code": came.code or None}


# -- SARIF ------------------------------------------------------------------------------------------------------------


def as_sarif(account: Account) -> str:
    """The rows that did not hold as one SARIF run; the place of each is the server."""
    bad = account.bad
    driver = {"name": "smcp selftest", "semanticVersion": VERSION, "rules": [_rule(result) for result in bad]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "results": [_finding(account, result, index) for index, result in enumerate(bad)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(result: Result) -> dict[str, Any]:
    row = result.row
    return {
        "id": row.code,
        "name": "".join(word.capitalize() for word in row.slug.split("-")),
        "shortDescription": {"text": f"{row.slug}: {row.incident}"},
        "helpUri": f"{HELP}:{row.code.lower()}-{row.slug}",
        "properties": {"tags": ["security", "mcp", row.cwe.lower().replace("cwe-", "external/cwe/cwe-")]},
    }


def _finding(account: Account, result: Result, index: int) -> dict[str, Any]:
    told = [f"{each.era}, {each.name}: {each.attack.shown}" for each in result.of_that_status[:_MOST]]
    mark = hashlib.sha256(f"{account.target} {result.row.code} {result.status}".encode()).hexdigest()[:32]
    return {
        "ruleId": result.row.code,
        "ruleIndex": index,
        "level": "error" if result.status is Status.THROUGH else "warning",
        "message": {"text": f"{result.row.slug} {result.status.value.lower()} at {account.target}: {'; '.join(told)}"},
        "locations": [_location(account.target)],
        "partialFingerprints": {"smcpSelftest/v1": mark},
    }


def _location(target: str) -> dict[str, Any]:
    """The URL, or the file of the module: services want a place in a file, and the first line is as good as any."""
    uri = target if "://" in target else f"{target.partition(':')[0].replace('.', '/')}.py"
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": target, "kind": "resource"}],
    }
