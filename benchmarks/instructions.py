"""How much of what speaks to a model is told in results, how much of honest text is, and what is stripped of either.

    python benchmarks/instructions.py [--source WORD] [--misses N]

Reads labelled texts from a folder of JSON lines (`--corpora`); they are attacks, and data only. Each text is a block of
a tool's result. Exit code 2 if there is no such folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.detection_corpus import CORPORA, CorpusError, Row, message, read
from benchmarks.samples import markdown
from smcp_security import SMCPSecurityFramework

ATTACKS: Final = frozenset({"prompt_injection", "unicode_smuggling", "unicode_homoglyph"})
STRIPPED: Final = "SMCP707"
_POLICY: Final = {
    "version": 1,
    "limits": [],
    "server": {"flood": "off"},
    "results": {"injection": "block", "redact": []},
}
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one text was told for. `withheld`: under `injection: block` it does not go on."""

    row: Row
    codes: frozenset[str]
    withheld: bool

    @property
    def told(self) -> bool:
        """Whether an instruction was found in it, or something hidden."""
        return bool(self.codes)

    @property
    def stripped(self) -> bool:
        """Whether something hidden was taken out of it."""
        return STRIPPED in self.codes


def judged(rows: Iterable[Row]) -> Iterator[Verdict]:
    """Each text as the only block of a result."""
    with SMCPSecurityFramework(_POLICY) as security:
        asked = security.process_request_sync(message("read_page", {}))
        for row in rows:
            text = row.text if row.arguments is None else json.dumps(row.arguments, ensure_ascii=False)
            result = {"content": [{"type": "text", "text": text}]}
            answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
            verdict = security.inspect_response_sync(answer, asked)
            yield Verdict(row, frozenset(found.code for found in verdict.findings), not verdict.allowed)


def table(verdicts: Sequence[Verdict]) -> str:
    """Per source: texts, and per cent that are told, withheld, stripped."""
    rows = []
    for attack, kind in ((True, "attacks"), (False, "honest")):
        of_kind = [one for one in verdicts if one.row.attack is attack]
        for source in sorted({one.row.corpus for one in of_kind}):
            rows.append([f"{kind}, {source}", *_cells([one for one in of_kind if one.row.corpus == source])])
        rows.append([f"{kind}, all", *_cells(of_kind)])
    return markdown(("texts", "n", "told", "withheld by block", "stripped"), rows)


def _cells(verdicts: Sequence[Verdict]) -> list[str]:
    counts = [sum(getattr(one, name) for one in verdicts) for name in ("told", "withheld", "stripped")]
    return [str(len(verdicts)), *(f"{100 * count / max(1, len(verdicts)):.2f}" for count in counts)]


def misses(verdicts: Iterable[Verdict], most: int) -> str:
    """Some of the attacks that nothing was told of, and of the honest texts that something was."""
    wrong = [one for one in verdicts if one.row.attack is not one.told]
    return "\n".join(
        f"- {one.row.corpus} {' '.join(sorted(one.codes))} {one.row.text[:_SHOWN]!a}" for one in wrong[:most]
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What is told of text in results, and what is told wrongly.")
    parser.add_argument("--corpora", type=Path, default=CORPORA, metavar="FOLDER", help="JSON lines of labelled texts")
    parser.add_argument("--source", default="", metavar="WORD", help="only files with this in their name")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N that were judged wrongly, shortened")
    options = parser.parse_args(arguments)
    try:
        rows = [row for row in read(options.corpora) if options.source in row.corpus]
    except CorpusError as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 2
    verdicts = list(judged(row for row in rows if not row.attack or row.category in ATTACKS))
    print(table(verdicts))
    if options.misses:
        print(misses(verdicts, options.misses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
