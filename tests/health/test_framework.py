"""The check-up of a whole framework: of the policy in force, until it is closed, and in a forked child."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.errors import PolicyError


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("health") / "policy.yaml"


@pytest.fixture(scope="module")
def framework(file: Path) -> Iterator[SMCPSecurityFramework]:
    file.write_text("version: 1\n")
    with SMCPSecurityFramework(file) as framework:
        yield framework


def anew(framework: SMCPSecurityFramework) -> str:
    """What its health is, however short ago somebody asked."""
    framework._checkup._asker.reset()
    return framework.health_sync(10.0).status


def test_both_ways_to_ask_find_the_same(framework: SMCPSecurityFramework) -> None:
    assert [part.name for part in framework.health_sync().parts] == ["store", "audit", "policy"]
    assert anyio.run(framework.health).parts == framework.health_sync().parts


def test_a_reload_is_what_an_edited_policy_wants(framework: SMCPSecurityFramework, file: Path) -> None:
    file.write_text("version: 1\nworkers: 2\n")
    assert anew(framework) == "degraded"
    framework.reload(file)
    assert framework.health_sync().status == "ready"
    file.write_text("version: 1\nworkers: none\n")
    with pytest.raises(PolicyError):
        framework.reload(file)
    assert anew(framework) == "degraded"
    file.write_text("version: 1\nworkers: 2\n")
    assert anew(framework) == "ready"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_is_asked_by_itself(framework: SMCPSecurityFramework) -> None:
    framework.health_sync()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if framework.health_sync(10.0).ready else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_framework_that_is_closed_is_neither_live_nor_ready() -> None:
    framework = SMCPSecurityFramework()
    assert framework.health_sync().live and not framework.closed
    framework.close()
    assert (framework.health_sync().status, framework.closed) == ("closed", True)
    assert anyio.run(framework.health).status == "closed"
