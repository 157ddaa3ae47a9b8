"""The examples of the rules: what each rule's page shows, and a bad and a good file beside the tests.

python -m tests.lint.twins --write

writes the files that are missing from the pages; those that are there are left as they are.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Final, Literal

from smcp_security.lint.catalogue import rules
from smcp_security.lint.document import Document, Known
from smcp_security.lint.finding import Finding
from smcp_security.lint.inputs import document, known_tools
from smcp_security.lint.registry import Rule
from smcp_security.lint.run import examined
from smcp_security.lint.selection import chosen

HERE: Final = Path(__file__).parent
FOLDERS: Final = {"POL": "policies", "LNT": "policies", "LCK": "locks", "CFG": "clients"}
SERVER: Final = HERE / "tools.json"
_WITH_TOOLS: Final = "# with --tools"

Twin = Literal["bad", "good"]


def twin(rule: Rule, which: Twin) -> Path:
    """The file that shows a rule, or what it passes."""
    found = sorted((HERE / FOLDERS[rule.code[:3]]).glob(f"{rule.code}.{which}.*"))
    assert len(found) == 1, (
        f"expected one {FOLDERS[rule.code[:3]]}/{rule.code}.{which}.*; python -m tests.lint.twins --write"
    )
    return found[0]


def read(text: str, name: str = "policy.yaml") -> Document:
    """The document that a text is, with the tools of the server if it says that it needs them."""
    known: Known | None = known_tools(str(SERVER)) if _WITH_TOOLS in text else None
    found = document(name, text, known=known)
    assert isinstance(found, Document), found
    return found


@cache
def _ran(persona: Literal["regular", "strict"], also: str) -> dict[str, Rule]:
    return chosen([], [], persona) | (chosen([also], [], "strict") if also else {})


@cache
def findings(text: str, *, persona: Literal["regular", "strict"] = "regular", also: str = "") -> list[Finding]:
    """What the rules find in a text. `also` names a rule that runs in any case."""
    return examined(read(text), _ran(persona, also))[0]


def _write() -> None:
    for rule in rules().values():
        folder = HERE / FOLDERS[rule.code[:3]]
        folder.mkdir(exist_ok=True)
        for which, text in (("bad", rule.page.bad), ("good", rule.page.good)):
            if not list(folder.glob(f"{rule.code}.{which}.*")):
                ending = "json" if rule.code[:3] in ("LCK", "CFG") else "yaml"
                (folder / f"{rule.code}.{which}.{ending}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    _write()
