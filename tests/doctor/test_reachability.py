"""What a policy relies on: a store that answers, files that can be read, issuers that publish keys."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security.doctor.codes import Found
from smcp_security.doctor.reachability import unreachable
from smcp_security.policy import Policy
from tests.doctor.looks import found, look

JWK = {
    "kty": "EC", "crv": "P-256", "kid": "a", "use": "sig", "alg": "ES256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # fmt: skip


def _issuer(jwks: str) -> Policy:
    issuer: dict[str, Any] = {"issuer": "http://127.0.0.1:1", "algorithms": ["ES256"], "jwks": jwks}
    issuer |= {"allow_http": True, "timeout": 1}
    server = {"resource": "https://mcp.example/mcp", "hosts": ["mcp.example"]}
    return Policy.model_validate({"version": 1, "server": server, "identity": {"jwt": [issuer]}})


def _codes(policy: Policy) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in unreachable(policy)]


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port where nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_the_defaults_rely_on_nothing() -> None:
    assert _codes(Policy()) == []


def test_a_store_that_does_not_answer_is_found(refusing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", f"redis://:tulip4711@127.0.0.1:{refusing}/0")
    policy = Policy.model_validate({"version": 1, "store": "env:STORE"})
    away = list(unreachable(policy))
    assert [(each.code, each.where) for each in away] == [("DOC031", "store.url")]
    assert "tulip4711" not in away[0].detail


def test_nobody_is_asked_offline(refusing: int) -> None:
    policy = Policy.model_validate({"version": 1, "store": f"redis://127.0.0.1:{refusing}/0"})
    assert found(look(lambda environ, start_response: [], policy=policy, offline=True)) == [("DOC050", "/")]
    assert ("DOC031", "store.url") in found(look(lambda environ, start_response: [], policy=policy, offline=False))


def test_a_store_whose_variable_is_not_set_is_found() -> None:
    assert _codes(Policy.model_validate({"version": 1, "store": "env:NO_SUCH_STORE"})) == [("DOC030", "store")]


def test_an_issuer_that_cannot_be_reached_is_found(refusing: int) -> None:
    [away] = unreachable(_issuer(f"http://127.0.0.1:{refusing}/jwks.json"))
    assert away == Found("DOC032", "identity.jwt[0]", away.detail)
    assert away.detail.endswith("127.0.0.1: cannot be connected to")


def test_keys_in_a_file_are_read(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [JWK]}))
    assert _codes(_issuer(str(file))) == []
    file.unlink()
    [gone] = unreachable(_issuer(str(file)))
    assert gone == Found("DOC032", "identity", gone.detail) and "jwks.json" in gone.detail
