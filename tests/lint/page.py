"""Writes `docs/lint.md` from the rules.

python -m tests.lint.page --write

Without `--write` it only says whether the document is what the rules say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from smcp_security.lint.catalogue import RETIRED, rules
from smcp_security.lint.registry import Rule
from tests.lint.words import HEAD, LETTERS, SECTIONS

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "lint.md"


def document() -> str:
    """The whole page."""
    parts = [HEAD.strip(), "\n## All rules\n", _table()]
    for title, first, last in SECTIONS:
        section = [rule for rule in rules().values() if first <= rule.code <= last]
        if section:
            parts += [f"\n## {title}", *(_rule(rule) for rule in sorted(section, key=lambda rule: rule.code))]
    parts += ["\n## Retired codes\n", _retired()]
    return "\n".join(parts) + "\n"


def _table() -> str:
    rows = ["| code | | severity | confidence | mended by | what |", "|---|---|---|---|---|---|"]
    for rule in sorted(rules().values(), key=lambda rule: (list(LETTERS).index(rule.code[:3]), rule.code)):
        link = f"[{rule.slug}](#{rule.code.lower()}-{rule.slug})"
        strict = " (strict)" if rule.persona == "strict" else ""
        row = (rule.code, link + strict, rule.severity.value, rule.confidence.value, _mended(rule), rule.page.what)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join(rows)


def _mended(rule: Rule) -> str:
    return {"no": "", "safe": "`--fix`", "unsafe": "`--unsafe-fixes`"}[rule.fixes]


def _rule(rule: Rule) -> str:
    page = rule.page
    language = "json" if rule.code[:3] in ("LCK", "CFG") else "yaml"
    notes = [f"Severity {rule.severity.value}, confidence {rule.confidence.value}."]
    notes += [f"Mended by {_mended(rule)}."] if rule.fixes != "no" else []
    notes += ["Only with `--persona strict`."] if rule.persona == "strict" else []
    see = ", ".join(_link(each) for each in page.see)
    return "\n".join((
        f"\n### {rule.code} {rule.slug}\n", f"{page.what} {' '.join(notes)}\n", f"{page.why}\n",
        f"```{language}\n{page.bad}```\n", f"**Fix.** {page.fix}\n", f"```{language}\n{page.good}```\n", f"See {see}.",
    ))  # fmt: skip


def _link(reference: str) -> str:
    if reference.startswith("https://"):
        return f"<{reference}>"
    name = reference.removeprefix("docs/")
    return f"[{name}]({name.removeprefix('lint.md') or name})"


def _retired() -> str:
    rows = [f"- {code}: {why}" for code, why in RETIRED.items()]
    return "\n".join(rows) if rows else "None yet. A code that a rule had once is never given to another one."


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(document(), encoding="utf-8")
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document():
        sys.exit(f"{DOCUMENT.name} is not what the rules say; run: python -m tests.lint.page --write")
