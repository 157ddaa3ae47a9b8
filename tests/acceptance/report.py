"""Plays the table through every edge in process, and writes `docs/edges.md` from what came of it.

python -m tests.acceptance.report --write

Without `--write` it only says whether every row comes to what the document says.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio

from smcp_security import SMCPSecurityFramework
from tests.acceptance.answer_rows import ANSWER_ROWS, POLICY, AnswerRow
from tests.acceptance.answers import Overseen, answer_fault
from tests.acceptance.disk import furnish, placed
from tests.acceptance.edges.answering import ANSWERING, can
from tests.acceptance.edges.knocking import HttpEdge
from tests.acceptance.edges.roster import EDGES, HTTP_EDGES
from tests.acceptance.fate import Edge
from tests.acceptance.http_rows import HttpRow, http_rows, policy
from tests.acceptance.issuer import Issuer
from tests.acceptance.play import fault_of
from tests.acceptance.rows import ROWS, whole_policy
from tests.acceptance.table import Row, Sent
from tests.acceptance.vaulted import vaulted
from tests.acceptance.verdicts import attack_fault, twin_fault
from tests.acceptance.words import ANSWER_NOTES, ANSWERS, ELSEWHERE, HEAD, NOTES, REAL, REASONS, UNCALLED

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "edges.md"


# -- the document ------------------------------------------------------------------------------------------------------


def document() -> str:
    """The whole page, from what the rows say they come to at each edge."""
    names = [edge.name for edge in EDGES]
    messages = [[str(row.number), row.incident, *(_cell(edge, row) for edge in EDGES)] for row in ROWS]
    rows = http_rows(Issuer())
    http = [edge.name for edge in HTTP_EDGES]
    callers = [[str(row.number), row.incident, *(_whole(row) for _ in http)] for row in rows]
    answering = [edge.name for edge in ANSWERING]
    answers = [[str(row.number), row.incident, *(_masked(edge, row) for edge in ANSWERING)] for row in ANSWER_ROWS]
    return "\n".join((
        HEAD,
        "## Messages\n",
        _table(("row", "incident", *names), messages),
        *(f"{mark}. {text}" for mark, text in NOTES.items()),
        "\n## Callers, hosts and sessions\n",
        _table(("row", "incident", *http), callers),
        UNCALLED,
        ANSWERS,
        _table(("row", "incident", *answering), answers),
        *(f"{mark}. {text}" for mark, text in ANSWER_NOTES.items()),
        "\n## Rows that no edge runs here\n",
        _table(("row", "why"), [[number, why] for number, why in ELSEWHERE]),
        REAL,
    ))  # fmt: skip


def _cell(edge: Edge, row: Row) -> str:
    """How many of a row's attacks an edge refuses, and why not the others."""
    told = [sent for sent in row.attacks if edge.tells(row, sent)]
    marks = sorted({_reason(edge, row, sent) for sent in row.attacks if sent not in told})
    if not told:
        return f"no ({', '.join(marks)})"
    return "all" if not marks else f"{len(told)} of {len(row.attacks)} ({', '.join(marks)})"


def _reason(edge: Edge, row: Row, sent: Sent) -> str:
    if not edge.takes(sent) and not isinstance(sent.message, bytes):
        return REASONS["method"]
    return REASONS[(sent.sees or row.sees).name]


def _whole(row: HttpRow) -> str:
    return f"all {len(row.attacks)}" if row.attacks else "taken out of the answer"


def _masked(edge: Edge, row: AnswerRow) -> str:
    """How many of a row's answers an edge deals with, and why not with the others."""
    dealt = [told for told in row.attacks if can(edge, told)]
    if len(dealt) == len(row.attacks):
        return "all"
    return f"{len(dealt)} of {len(row.attacks)} (f)" if dealt else "no (f)"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(head), _line(["---"] * len(head)), *(_line(map(_escaped, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return "".join(f"\\{mark}" if mark in "|*_`<>[]\\" else mark for mark in text)


# -- the play ----------------------------------------------------------------------------------------------------------


async def differences() -> list[str]:
    """What does not come to what the document says."""
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept).resolve()
        furnish(folder)
        with SMCPSecurityFramework(placed(whole_policy(), folder)) as security:
            wrong = [line for edge in EDGES for line in await _messages(edge, security, folder)]
        issuer = Issuer()
        issuer.publish(folder / "jwks.json")
        for edge in HTTP_EDGES:
            # One for each: wrong tokens are counted by address, and all edges have the same.
            with SMCPSecurityFramework(policy(folder / "jwks.json")) as security:
                wrong += await _callers(edge, security, issuer)
        wrong += await _answers(folder / "audit.jsonl")
    return wrong


async def _answers(audit: Path) -> list[str]:
    wrong = []
    with vaulted(audit.parent, {**POLICY, "audit": {"file": str(audit)}}) as security:
        overseen = Overseen(security, audit)
        for edge in ANSWERING:
            async with edge.open(security) as run:
                for told in (told for row in ANSWER_ROWS for told in row.told if can(edge, told)):
                    fate = await run(told.sent)
                    fault = answer_fault(told, fate.told, overseen.codes())
                    wrong += [f"{edge.name}, {told.name}: {fault}"] if fault else []
    return wrong


async def _messages(edge: Edge, security: SMCPSecurityFramework, folder: Path) -> list[str]:
    wrong = []
    async with edge.open(security) as run:
        for row in ROWS:
            for sent in filter(lambda sent: (not sent.codes and edge.takes(sent)) or edge.tells(row, sent), row.sent):
                given = sent if isinstance(sent.message, bytes) else replace(sent, message=placed(sent.message, folder))
                fate = await run(given)
                fault = attack_fault(given, fate) if sent.codes else twin_fault(edge, given, fate)
                wrong += [f"{edge.name}, row {row.number}, {sent.name}: {fault}"] if fault else []
    return wrong


async def _callers(edge: HttpEdge, security: SMCPSecurityFramework, issuer: Issuer) -> list[str]:
    async with edge.door(security) as knock:
        asked = [(row, each) for row in http_rows(issuer) for each in row.asked]
        faults = [(row, each, fault_of(each, await knock(each.request))) for row, each in asked]
    return [f"{edge.name}, row {row.number}, {each.name}: {fault}" for row, each, fault in faults if fault]


@contextmanager
def _silence() -> Iterator[None]:
    """Every refusal is a line of the log, and there are hundreds."""
    loggers = [logging.getLogger(name) for name in ("smcp_security", "django")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and write the document if every row came to what it says; 1 if one did not."""
    parser = argparse.ArgumentParser(description="Play the acceptance table through every edge in process.")
    parser.add_argument("--write", action="store_true", help="write docs/edges.md if every row came to what it says")
    options = parser.parse_args(arguments)
    with _silence():
        wrong = anyio.run(differences)
    for line in wrong:
        print(line, file=sys.stderr)
    if options.write and not wrong:
        DOCUMENT.write_text(document(), encoding="utf-8")
        print(f"wrote docs/{DOCUMENT.name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
