"""Prometheus' own checker reads the example rules and settings, plays their tests, and likes what we expose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolbox.debian import promtool
from tests.toolbox.shelf import ROOT, Missing

pytestmark = pytest.mark.real

FOLDER = ROOT / "examples" / "observability"
_EXPOSED = """
from smcp_security import SMCPSecurityFramework
from smcp_security.metrics import exposition
from tests.envelopes import call
with SMCPSecurityFramework({"metrics": {"prometheus": True}}) as framework:
    framework.process_request_sync(call("echo", {"text": "a; cat /etc/passwd | sh"}))
    text = exposition()[0].decode()
print("\\n".join(line for line in text.splitlines() if "mcp_" in line and "_created" not in line))
"""


@pytest.fixture(scope="module")
def tool() -> Path:
    try:
        return promtool()
    except Missing as missing:
        pytest.skip(f"missing: {missing}")


def _run(tool: Path, *arguments: str, text: str | None = None) -> str:
    done = subprocess.run([tool, *arguments], cwd=FOLDER, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_and_the_settings_are_well_formed(tool: Path) -> None:
    assert "SUCCESS: 10 rules found" in _run(tool, "check", "rules", "alerts.yaml")
    assert "SUCCESS" in _run(tool, "check", "config", "prometheus.yaml")


def test_every_alert_fires_when_it_should_and_else_not(tool: Path) -> None:
    assert "SUCCESS" in _run(tool, "test", "rules", "alerts.test.yaml", "days.test.yaml")


def test_a_rule_that_is_none_is_noticed(tool: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text((FOLDER / "alerts.yaml").read_text("utf-8").replace("smcp_store_up == 0", "smcp_store_up == "))
    done = subprocess.run([tool, "check", "rules", str(broken)], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0


def test_what_we_expose_follows_the_customs_of_prometheus(tool: Path) -> None:
    exposed = subprocess.run(
        [sys.executable, "-c", _EXPOSED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert 'smcp_decisions_total{action="block"' in exposed
    assert _run(tool, "check", "metrics", text=exposed) == ""
