"""What was seen, as the cells of the tables in `docs/clients.md`, and those tables read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.real.clients.denials import DENIALS, Denial
from tests.real.clients.journey import Honest, Met
from tests.real.clients.repertoire import FEATURES, possible
from tests.real.clients.roster import Traveller
from tests.real.clients.steps import succeeded

NOT_MET: Final = "–"
# Node's `fetch` repeats what got a 421, with a body that is at random already spent: the answer, or "fetch failed".
REPEATED: Final = "Host"
SAME: Final = "same"
_CODE: Final = re.compile(r"SMCP\d{3}")


def repertoire_column(client: Traveller, honest: Honest) -> dict[str, str]:
    """One client's column of the repertoire."""
    cells = {}
    for feature in FEATURES:
        if not possible(client, feature):
            cells[feature.name] = NOT_MET
        else:
            alone, protected = honest.features[feature.name]
            cells[feature.name] = SAME if alone == protected else "**different**"
    return cells


def denial_column(client: Traveller, denied: Mapping[str, Met]) -> dict[str, str]:
    """One client's column of the denials."""
    return {each.name: _met(client, each, denied[each.name]) if each.meets(client) else NOT_MET for each in DENIALS}


def _met(client: Traveller, denial: Denial, met: Met) -> str:
    told = outcome_of(client, denial, met)
    if (
        denial.name == REPEATED
        and client.needs == "node"
        and "error" in told
        and goes_on(met)
        and not denial.bars(client)
    ):
        return "HTTP 421 or `TypeError`; goes on"
    if denial.bars(client):
        errors = ", ".join(_error(each) for each in told.get("torn") or [told["error"]])
        return f"cannot connect: {errors}; {'otherwise it can' if reconnects(met) else '**nor otherwise**'}"
    if denial.name == REPEATED and client.needs == "node" and "error" in told and goes_on(met):
        return "HTTP 421 or `TypeError`; goes on"
    if "torn" in told:
        return f"{_told(told)}; {'reconnects' if reconnects(met) else '**cannot reconnect**'}"
    return f"{_told(told)}; {'goes on' if goes_on(met) else '**does not go on**'}"


def outcome_of(client: Traveller, denial: Denial, met: Met) -> dict[str, Any]:
    """What the client saw of the denial: the second step of the visit, or whatever ended the visit before it."""
    lines = met.lines
    outcome: dict[str, Any] = lines[0 if denial.bars(client) else 1]["outcome"]
    return outcome


def goes_on(met: Met) -> bool:
    """Whether the call after the denial succeeded on the same client."""
    return len(met.lines) > 2 and met.lines[2]["do"] == "call" and succeeded(met.lines[2]["outcome"])


def reconnects(met: Met) -> bool:
    """Whether a new connection works."""
    return succeeded(met.again[0]["outcome"])


def _told(outcome: dict[str, Any]) -> str:
    if "hangs" in outcome:
        return "**hangs**"
    if "torn" in outcome:
        return "**torn down**: " + ", ".join(_error(each) for each in outcome["torn"])
    shown = "".join(f" {code}" for code in sorted(set(_CODE.findall(json.dumps(outcome)))))
    if "error" in outcome:
        return _error(outcome["error"]) + shown
    value = outcome["value"]
    refused = isinstance(value, dict) and value.get("isError")
    return f"tool error{shown}" if refused else "sent" if value is None else "**not refused**"


def _error(error: Mapping[str, Any]) -> str:
    data = error.get("data")
    status = data.get("status") if isinstance(data, dict) else None
    code = status or error.get("code")
    return f"`{error['type']}`" + (f" {code}" if code is not None else "")


# -- Markdown --------------------------------------------------------------------------------------------------------


def rendered(corner: str, columns: Mapping[str, Mapping[str, str]]) -> str:
    """A table with a column for each key of `columns`."""
    rows = list(next(iter(columns.values())))
    lines = [_line([corner, *columns]), _line(["---"] * (len(columns) + 1))]
    return "\n".join([*lines, *(_line([row, *(column[row] for column in columns.values())]) for row in rows)]) + "\n"


def plain(corner: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of given rows."""
    return "\n".join([_line(corner), _line(["---"] * len(corner)), *(_line(row) for row in rows)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def documented(text: str, corner: str) -> dict[str, dict[str, str]]:
    """The columns of every table of `text` whose first heading is `corner`."""
    columns: dict[str, dict[str, str]] = {}
    heads: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if not cells:
            heads = []
        elif not heads:
            heads = cells
        elif heads[0] == corner and cells[0] != "---":
            for head, cell in zip(heads[1:], cells[1:], strict=True):
                columns.setdefault(head, {})[cells[0]] = cell
    return columns
