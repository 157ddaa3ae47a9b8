"""What is masked in texts that hold secrets and personal data, and in honest ones, by source; and what it costs.

    python benchmarks/redaction.py [--source WORD] [--misses N] [--speed] [--json]
    python benchmarks/redaction.py --write docs/results.md

Reads the rows from a folder of JSON lines (`--corpora`); every row is data only. All kinds are on. Exit code 2 if there
is no such folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final

from benchmarks.detection_corpus import CORPORA, CorpusError, Row, read
from benchmarks.samples import markdown
from smcp_security.redaction.catalogue import KINDS, SECRETS
from smcp_security.redaction.redactor import Redactor, Span

ALL: Final = tuple(kind for kind in KINDS if kind != "internals")
TARGETS: Final[Mapping[str, float]] = {"secrets": 95.0, "personal data": 90.0, "honest texts": 0.5}
"""Per cent that are to be masked, and of honest texts that may be touched at most."""

SIZES: Final = ((300, 3), (16_000, 1), (16_000, 390), (256_000, 1), (1_000_000, 1), (1_000_000, 5_000))
_PERSONAL: Final = ("presidio_pii",)
_SECRET: Final = ("gitleaks_rules", "context_forge_tests")
_CODE: Final = frozenset({"code", "sql", "shell"})

_CUT: Final = re.compile(
    r"""(?:[:=]\s*["'\\]*|\\"\s*|(?:services|workflows|triggers)/|xox[es]-(?:1-)?|xox[pb]-1-|s4t2(?:ud|af)-|p8e-|LTAI|AKCp|cmVmd"""
    r"""|EZ[AT]K|"type": "service_account")\s*\Z"""
)
"""How a row ends whose secret the repository puts together while its tests run: what is left of it holds none."""
_PATTERN: Final = re.compile(r"\[a-z[^]]*\]\{\d+\}|\A(?:Discovered a )?message[-_ ]?bird", re.IGNORECASE)
"""A row that is a pattern or the name of a rule."""

_WITH_CHECKSUM: Final = frozenset(
    "email credit_card iban fi_personal_identity_code es_nif es_nie it_fiscal_code sg_fin uk_nino in_aadhaar kr_rrn"
    " uk_driving_licence us_mbi de_social_security us_ssn us_itin ca_sin in_pan phone".split()
)
"""Kinds whose form alone tells them."""
_UNMISTAKABLE: Final = re.compile(r"[A-Za-z@.]|\d-\d")
_CONTEXT: Final = re.compile(
    "passport|pasaporte|reisepass|pass-nr|여권|licen[cs]e|ssn|\\bsin\\b|\\bnas\\b|rrn|bsn|npi|provider|lanr|arztnummer|thai"
    "|tnin|เลข|itin|medicare|e-?mail|phone|contact|reach",
    re.IGNORECASE,
)
"""A word beside the number."""
_NOT_OF_PEOPLE: Final = re.compile(
    r"pattern|spacy|transformers|mac|postcode|plz|handelsregister|vat|vehicle|uen|abn|acn|crypto|certificate|gstin|ip\Z"
)
"""Names of people and places, which rules cannot tell, companies' numbers, and addresses of machines, told apart."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one text."""

    row: Row
    found: tuple[Span, ...]


def judged(rows: Sequence[Row], redactor: Redactor) -> list[Verdict]:
    """Each text as that of a field without a name."""
    return [Verdict(row, tuple(redactor.find([row.text], [""]))) for row in rows]


def about(row: Row) -> str:
    """What the file of tests that a row comes from is about."""
    found = _FILE.search(row.origin)
    return row.origin if found is None else found.group(1)


_FILE: Final = re.compile(r"(?:test_)?([a-z0-9_-]+?)(?:_recognizer)?\.(?:py|go)\Z")


def group(row: Row) -> str:
    """What is counted together."""
    if row.corpus in _SECRET + _PERSONAL and not row.attack:
        return f"near misses of {row.corpus}"
    if not row.attack:
        return "honest texts"
    if row.category == "secret_leak":
        cut = _CUT.search(row.text) is not None or _PATTERN.search(row.text) is not None
        return "secrets, cut off in the source" if cut else "secrets"
    if row.corpus in _PERSONAL:
        return _personal(row)
    return "personal data" if row.category == "pii_leak" else ""


def _personal(row: Row) -> str:
    if about(row) == "ip":
        return "addresses of machines"
    if _NOT_OF_PEOPLE.search(about(row)) is not None or "identity_card" in about(row):
        return "names, places, companies"
    if _CONTEXT.search(row.text) is not None:
        return "personal data"
    told = about(row) in _WITH_CHECKSUM and _UNMISTAKABLE.search(row.text) is not None
    return "personal data" if told else "numbers without a word beside them"


def tables(verdicts: Sequence[Verdict]) -> str:
    """The shares by group, and of honest texts by source."""
    groups: dict[str, list[Verdict]] = {}
    honest: dict[str, list[Verdict]] = {}
    for each in verdicts:
        name = group(each.row)
        if name:
            groups.setdefault(name, []).append(each)
        if name == "honest texts":
            honest.setdefault(each.row.corpus, []).append(each)
            honest.setdefault("code, SQL and shell" if each.row.context in _CODE else "other texts", []).append(each)
    header = ("texts", "rows", "masked", "%", "target")
    rows = [(name, *_share(groups[name]), str(TARGETS.get(name, "-"))) for name in sorted(groups)]
    return "\n\n".join((
        markdown(header, rows),
        markdown(("honest texts", "rows", "touched", "%"), [(name, *_share(honest[name])) for name in sorted(honest)]),
    ))  # fmt: skip


def _share(verdicts: Sequence[Verdict]) -> tuple[str, str, str]:
    masked = sum(bool(each.found) for each in verdicts)
    return str(len(verdicts)), str(masked), f"{100 * masked / len(verdicts):.2f}"


def failures(verdicts: Sequence[Verdict], most: int) -> str:
    """The rows that went wrong; texts are shown up to their first characters."""
    shown = []
    for each in verdicts:
        name = group(each.row)
        wrong = (name in ("secrets", "personal data")) is (not each.found)
        if wrong and name in TARGETS:
            shown.append(f"{name}: {each.row.corpus} {about(each.row)} {each.row.text[:100]!r}")
    return "\n".join(shown[:most])


def speed(rounds: int = 30) -> str:
    """CPU microseconds for honest prose of several sizes, secrets alone and with every kind."""
    rows = []
    for size, count in SIZES:
        texts, names = prose(size, count)
        spent = [_median(Redactor(kinds), texts, names, rounds if size < 10**5 else 7) for kinds in ((SECRETS,), ALL)]
        rows.append((f"{size:,} B, {count:,} strings", *(f"{each:,.0f}" for each in spent)))
    return markdown(("text", "secrets, µs", "every kind, µs"), rows)


def prose(size: int, count: int) -> tuple[list[str], list[str]]:
    """Honest texts with the names of their fields."""
    random = Random(size)
    words = "the of and to a in is that for it as was with be by on not he his but at are this have from or had".split()
    texts = [" ".join(random.choices(words, k=max(1, size // count // 4))) for _ in range(count)]
    return texts, random.choices(["text", "title", "id", "name", "created_at", "url", "status"], k=count)


def _median(redactor: Redactor, texts: list[str], names: list[str], rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        start = time.thread_time_ns()
        redactor.find(texts, names)
        spent.append((time.thread_time_ns() - start) / 1000)
    return median(spent)


def write(page: Path, table: str) -> None:
    """Put the table between its marks. Raises `ValueError` for a page that lacks them."""
    opener, closer = "<!-- redaction:texts -->", "<!-- /redaction:texts -->"
    text = page.read_text(encoding="utf-8")
    if text.count(opener) != 1 or text.count(closer) != 1:
        raise ValueError(f"{page.name} needs the marks {opener} and {closer}, once each")
    before, _, rest = text.partition(opener)
    page.write_text(f"{before}{opener}\n{table}\n{closer}{rest.partition(closer)[2]}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 without a corpus."""
    parser = argparse.ArgumentParser(description="What is masked in texts.")
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="folder of JSON lines")
    parser.add_argument("--source", default="", metavar="WORD", help="sources with this in their name")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show so many rows that went wrong")
    parser.add_argument("--speed", action="store_true", help="what it costs, in place of what is found")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--write", type=Path, default=None, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args(arguments)
    if options.speed:
        print(speed())
        return 0
    try:
        rows = [row for row in read(options.corpora) if options.source in row.corpus]
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    verdicts = judged(rows, Redactor(ALL))
    table = tables(verdicts)
    print(json.dumps({"table": table}) if options.json else table)
    if options.write is not None:
        write(options.write, table)
    if options.misses:
        print(failures(verdicts, options.misses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
