"""Attacks and honest values in arguments with a contract in the policy, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, Final

from benchmarks.detection_corpus import Row
from benchmarks.detection_groups import group_of
from benchmarks.detection_judging import Verdict, engine, judge_as
from benchmarks.messages import SEED
from benchmarks.samples import markdown

TARGET: Final = 99.0


@dataclass(frozen=True, slots=True)
class Typed:
    """A contract, the groups of attacks that it stands against, and the context of the honest texts for it."""

    contract: Mapping[str, Any]
    groups: tuple[str, ...]
    honest: str = ""


KINDS: Final[Mapping[str, Typed]] = MappingProxyType({
    "path": Typed({"kind": "path", "roots": ["/srv/data"]}, ("path",), "path"),
    # No name is asked for: what is measured here is the text alone.
    "url": Typed({"kind": "url", "resolve": False}, ("ssrf",), "url"),
    "sql": Typed({"kind": "sql", "dialect": "sqlite"}, ("sql",), "sql"),
    "identifier": Typed({"kind": "identifier"}, ("sql", "nosql", "ldap", "shell", "template", "path", "html")),
    "command": Typed({"kind": "command", "programs": {"ls": ["*"], "git": ["*"], "echo": ["*"]}}, ("shell",)),
    "html": Typed({"kind": "html"}, ("html",)),
    "template": Typed({"kind": "template"}, ("template",)),
    "json": Typed({"kind": "json"}, ("deserialisation", "nosql")),
})  # fmt: skip


def measure(rows: Sequence[Row]) -> dict[str, tuple[list[Verdict], list[Verdict]]]:
    """For each kind: the verdicts on the attacks and on the honest texts."""
    tools = {f"typed_{name}": {"arguments": {"value": dict(typed.contract)}} for name, typed in KINDS.items()}
    found = {}
    with engine(2, tools=tools) as security:
        for name, typed in KINDS.items():
            attacks = [row for row in rows if (group := group_of(row)) is not None and group.name in typed.groups]
            honest = [row for row in rows if typed.honest and not row.attack and row.context == typed.honest]
            found[name] = (
                judge_as(security, f"typed_{name}", attacks, [row.text for row in attacks]),
                judge_as(security, f"typed_{name}", honest, [row.text for row in honest]),
            )
    return found


def report(rows: Sequence[Row], shown: int = 0) -> tuple[str, object]:
    """The table, and the same facts for a machine."""
    found = measure(rows)
    table, machine, samples = [], {}, []
    for name, (attacks, honest) in found.items():
        refused, wrongly = _share(attacks), _share(honest)
        mark = "yes" if refused >= TARGET else "no"
        table.append([
            name, ", ".join(KINDS[name].groups), str(len(attacks)), f"{refused:.1f}", mark,
            str(len(honest) or ""), f"{wrongly:.1f}" if honest else "",
        ])  # fmt: skip
        machine[name] = {"attacks": len(attacks), "refused": refused, "honest": len(honest), "refused_wrongly": wrongly}
        samples += _samples(f"{name}: attacks that pass", [one for one in attacks if not one.blocked], shown)
        samples += _samples(f"{name}: honest texts refused", [one for one in honest if one.blocked], shown)
    head = f"# Arguments with a contract, per cent; target {TARGET:.0f}"
    columns = ("kind", "attacks of", "n", "refused", "met", "honest", "refused wrongly")
    return "\n\n".join((head, markdown(columns, table), *samples)), machine


def _share(verdicts: Sequence[Verdict]) -> float:
    return 100 * sum(one.blocked for one in verdicts) / len(verdicts) if verdicts else 0.0


def _samples(name: str, verdicts: Sequence[Verdict], most: int) -> list[str]:
    if not verdicts or not most:
        return []
    chosen = Random(SEED).sample(list(verdicts), min(most, len(verdicts)))
    lines = [f"- {' '.join(one.codes)} {one.row.text[:80]!a}" for one in chosen]
    return [f"## {name}: {len(verdicts)}\n" + "\n".join(lines)]
