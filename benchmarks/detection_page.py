"""Puts the measured tables into a page, between the marks that name them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks import detection_contracts, detection_disguises, detection_left_out
from benchmarks.detection_corpus import Row
from benchmarks.detection_report import Measured, benign_table, groups_table

_MARK: Final = re.compile(r"<!-- detection:(\w+) -->")


def write(page: Path, tables: Mapping[str, str]) -> None:
    """Exchange what stands between the marks that the page has. Raises `ValueError` for a mark without a table."""
    text = page.read_text(encoding="utf-8")
    names = _MARK.findall(text)
    if not names:
        raise ValueError(f"{page.name} has no mark such as <!-- detection:targets -->")
    for name in names:
        opener, closer = f"<!-- detection:{name} -->", f"<!-- /detection:{name} -->"
        if name not in tables or text.count(opener) != 1 or text.count(closer) != 1:
            raise ValueError(f"{page.name}: the mark {name} has no table, stands twice or is not closed")
        before, _, rest = text.partition(opener)
        _, _, after = rest.partition(closer)
        text = f"{before}{opener}\n{tables[name]}\n{closer}{after}"
    page.write_text(text, encoding="utf-8")


def tables_of(measured: Measured, rows: Sequence[Row]) -> dict[str, str]:
    """All tables of the page; takes as long as the four reports together."""
    left_out, groups = detection_left_out.tables(rows, measured.level)
    disguises, _ = detection_disguises.report(rows, measured.level)
    contracts, _ = detection_contracts.report(rows)
    return {
        "targets": groups_table(measured, groups),
        "benign": benign_table(measured),
        "leftout": left_out,
        "disguises": _table_in(disguises),
        "contracts": _table_in(contracts),
    }


def _table_in(report: str) -> str:
    return "\n".join(line for line in report.splitlines() if line.startswith("|"))
