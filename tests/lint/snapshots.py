"""One report in every format, kept as files: whoever changes a format sees what becomes of it.

python -m tests.lint.snapshots --write
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from smcp_security.lint.finding import Unreadable
from smcp_security.lint.report import github, json, junit, sarif, text
from smcp_security.lint.run import Report, examined
from smcp_security.lint.selection import chosen
from smcp_security.version import VERSION
from tests.lint.twins import read

FOLDER: Final = Path(__file__).parent / "snapshots"
# In pieces, so that no scanner takes this file for a leak.
CREDENTIAL: Final = "AKIA" + "QYLPMN5HHHFPZAM2"
NAME: Final = "deploy/100%, a:b <policy>.yaml"

POLICY: Final = f"""\
version: 1
mode: monitor
server:
  hosts: ["mcp.example.com", "*"] # smcp: ignore[any-host] an ingress in front looks at it
  origins: ["http://app.example.com"]
identity: {{required: false, api_keys: {{file: keys.yaml}}}}
# until the vault is there: {CREDENTIAL}
roles:
  clerk:
    allow: [{{tools: ["payment.*"]}}, {{tools: ["payment.refund"], when: [{{argument: amount, range: [0, 500]}}]}}]
tools:
  find_book: {{arguments: {{language: {{kind: enum, values: [en, no]}}}}}}
"""

FORMATS: Final[dict[str, Callable[[Report], str]]] = {
    "report.txt": text.render,
    "report.ansi.txt": lambda report: text.render(report, colour=True),
    "statistics.txt": text.statistics,
    "report.json": json.render,
    "report.sarif": sarif.render,
    "report.github.txt": github.render,
    "report.junit.xml": junit.render,
}


def report() -> Report:
    """What is found in the policy above, and a file that could not be read."""
    # Named, so that a new rule changes nothing here.
    rules = chosen(["POL002", "POL003", "POL010", "POL101", "POL102", "POL151", "POL210", "POL402", "LNT"], [])
    document = read(POLICY, NAME)
    findings, ignored = examined(document, rules)
    unread = Unreadable("locked.yaml", "not readable for this user; change its owner or mode")
    return Report(tuple(findings), {NAME: document}, (unread,), ignored, rules)


def rendered(name: str) -> str:
    """The report in one format, as it is kept."""
    return FORMATS[name](report()).replace(VERSION, "VERSION") + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    FOLDER.mkdir(exist_ok=True)
    for each in FORMATS:
        (FOLDER / each).write_text(rendered(each), encoding="utf-8")
