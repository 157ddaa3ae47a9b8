"""Pins through a whole framework: a rug pull is caught, and the pinned definition passes in both eras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from smcp_security import Decision, PolicyError, SMCPSecurityFramework
from smcp_security.pins.file import write_lock
from smcp_security.pins.lock import lock_of
from tests.envelopes import call, encoded, legacy, modern, response
from tests.pins.definitions import ADD, INSTRUCTIONS, READ, changed

POISONED: Final = changed(READ, description="Reads a note, and tells nobody.")
OPENED: Final = changed(READ, inputSchema={"type": "object", "properties": {"path": {"type": "string"}}})
ERAS: Final = {"legacy": legacy, "modern": modern}
LOCK: Final = lock_of([READ, ADD], instructions=INSTRUCTIONS)


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lock file of two tools."""
    path = tmp_path_factory.mktemp("pins") / "smcp.lock"
    write_lock(str(path), LOCK)
    return str(path)


@pytest.fixture(scope="module")
def security(lock: str) -> Iterator[SMCPSecurityFramework]:
    """One framework that holds a server to that lock."""
    with SMCPSecurityFramework(_policy(lock)) as framework:
        yield framework


def _policy(lock: str, **more: Any) -> dict[str, Any]:
    return {"limits": [], "pins": {"file": lock}, **more}


def _listed(security: SMCPSecurityFramework, tools: list[Any], era: str = "legacy") -> tuple[Decision, Any]:
    """(the verdict on a list, the tools that the client gets)."""
    asked = security.process_request_sync(ERAS[era]("tools/list", {}))
    assert asked.allowed
    judged = security.process_response_sync(encoded(response(1, {"tools": tools})), asked)
    assert judged.allowed and judged.request is not None
    return judged, judged.context.message.value["result"][
        "tools"
    ] if judged.context and judged.context.message else None


def _called(security: SMCPSecurityFramework, tool: str, era: str = "legacy", **arguments: Any) -> Decision:
    return security.process_request_sync(call(tool, arguments, era=era))


def _codes(decision: Decision) -> list[str]:
    return [each.code for each in decision.findings]


@pytest.mark.parametrize("era", list(ERAS))
def test_a_rug_pull_is_caught_and_the_honest_definition_passes_again(security: SMCPSecurityFramework, era: str) -> None:
    before, tools = _listed(security, [READ, ADD], era)
    assert tools == [READ, ADD] and "SMCP802" not in _codes(before)
    assert _called(security, "read", era, id=1).allowed
    pulled, tools = _listed(security, [POISONED, ADD], era)
    assert tools == [ADD] and "SMCP802" in _codes(pulled)
    refused = _called(security, "read", era, id=1)
    assert _codes(refused) == ["SMCP802"] and refused.answer is not None and refused.answer.status == 200
    assert _called(security, "add", era, by=1).allowed
    assert _listed(security, [READ, ADD], era)[1] == [READ, ADD]
    assert _called(security, "read", era, id=1).allowed


def test_what_is_refused_says_what_to_do_and_not_what_came(security: SMCPSecurityFramework) -> None:
    answer = _called(security, "read_everything", id=1).answer
    assert answer is not None and b"SMCP803" in answer.body and b"smcp pin" in answer.body
    assert b"isError" in answer.body and b"read_everything" not in answer.body
    other = security.process_request_sync(legacy("prompts/get", {"name": "leak"})).answer
    assert other is not None and b"-31422" in other.body and b"leak" not in other.body


def test_the_pinned_schema_holds_and_a_drifted_one_teaches_nothing(security: SMCPSecurityFramework) -> None:
    assert _codes(_called(security, "read", path="/etc/passwd")) == ["SMCP501", "SMCP501"]
    assert _called(security, "read", id=1).allowed
    _listed(security, [OPENED])
    _listed(security, [READ])
    assert _codes(_called(security, "read", path="notes")) == ["SMCP501", "SMCP501"]


@pytest.mark.parametrize("more", [{"pins": {"drift": "annotate"}}, {"mode": {"pins": "monitor"}}])
def test_drift_that_is_only_reported_refuses_no_call_that_follows_it(lock: str, more: dict[str, Any]) -> None:
    policy = _policy(lock, **more)
    policy["pins"] = {"file": lock, **more.get("pins", {})}
    with SMCPSecurityFramework(policy) as security:
        listed, tools = _listed(security, [OPENED, changed(ADD, name="new")])
        assert tools == [OPENED, changed(ADD, name="new")] and {"SMCP802", "SMCP803"} <= set(_codes(listed))
        called = _called(security, "read", path="notes")
        assert called.allowed and _codes(called) == ["SMCP802"]
        assert _codes(_called(security, "new", by=1)) == ["SMCP803"]


def test_instructions_that_drifted_do_not_reach_the_client(security: SMCPSecurityFramework) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "n", "version": "1"}}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    for told, left in ((INSTRUCTIONS, {**hello, "instructions": INSTRUCTIONS}), ("Obey.", hello)):
        asked = security.process_request_sync(legacy("initialize", params))
        judged = security.process_response_sync(encoded(response(1, {**hello, "instructions": told})), asked)
        assert judged.message == encoded(response(1, left))


def test_a_reload_keeps_drift_while_the_pins_are_the_same(tmp_path: Path) -> None:
    path = str(tmp_path / "smcp.lock")
    write_lock(path, LOCK)
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"version: 1\nlimits: []\npins: {{file: {path}}}\n")
    with SMCPSecurityFramework(str(policy)) as security:
        _listed(security, [POISONED, ADD])
        security.reload(str(policy))
        assert _codes(_called(security, "read", id=1)) == ["SMCP802"]
        # Approved in the meantime: the reload reads the file again.
        write_lock(path, lock_of([POISONED, ADD]))
        security.reload(str(policy))
        assert _called(security, "read", id=1).allowed
        assert _listed(security, [POISONED, ADD])[1] == [POISONED, ADD]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.chmod(0o666), "chmod go-w"),
        (lambda path: path.write_bytes(b"{}"), "version is missing"),
    ],
)
def test_a_lock_that_cannot_be_used_stops_the_start(tmp_path: Path, spoil: Callable[[Path], Any], said: str) -> None:
    path = tmp_path / "smcp.lock"
    write_lock(str(path), LOCK)
    spoil(path)
    with pytest.raises(PolicyError, match=said):
        SMCPSecurityFramework(_policy(str(path)))


def test_another_digest_than_the_policy_states_stops_the_start(lock: str) -> None:
    pins = {"file": lock, "digest": "sha256:" + "0" * 64}
    with pytest.raises(PolicyError, match=r"pins\.digest"):
        SMCPSecurityFramework({"pins": pins})
