"""What a measurement is worth nothing without: the interpreter, the processor, the policy and the rules."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from smcp_security import SMCPSecurityFramework
from smcp_security.rulebook import load
from smcp_security.version import VERSION


def facts(security: SMCPSecurityFramework) -> dict[str, str]:
    """What was measured and on what, for the head of a report."""
    rulebook = load(security.policy.injection.level)
    return {
        "smcp_security": VERSION,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "load when it began": f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "not available",
        "policy": security.policy.digest[:12],
        "rules": f"{rulebook.version[:12]}, {len(rulebook.rules)} at level {security.policy.injection.level}, "
        f"read from {_rules_source()}",
    }


def tell(rows: Sequence[Any], table: str, *, as_json: bool) -> None:
    """Print rows (dataclasses) as JSON, or their table, of something in which no policy and no rules take part."""
    machine = {"Python": platform.python_version(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    if as_json:
        print(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}))
    else:
        print(f"{', '.join(f'{name} {value}' for name, value in machine.items())}\n\n{table}")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown processor"


def _rules_source() -> str:
    """A source tree has YAML, which takes a quarter of a second to read; a wheel has one compiled JSON."""
    names = [entry.name for entry in files("smcp_security.rules").iterdir()]
    return "YAML" if any(name.endswith(".yaml") for name in names) else "compiled JSON"
