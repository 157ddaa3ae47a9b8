"""SMCP_API_KEY beside the identity section, and policies that would let nobody in."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from smcp_security.errors import PolicyError
from smcp_security.policy import ApiKeysPolicy, IdentityPolicy, Policy, resolve

KEY = "m2wKx0Qv7RtYp4Zs9Lh3Bn6Jd8Fc1Ga5-Uo"
ISSUER = {"issuer": "https://i.example", "algorithms": ["ES256"], "jwks": "keys.json"}
TOKENS: dict[str, Any] = {"server": {"resource": "https://a.example/mcp"}, "identity": {"jwt": [ISSUER]}}


def test_a_key_in_the_environment_alone_asks_every_caller_for_it() -> None:
    policy = resolve(None, {"SMCP_API_KEY": KEY})
    assert policy.identity == IdentityPolicy(required=True, api_keys=ApiKeysPolicy())
    assert policy.digest != Policy().digest
    assert resolve(policy, {"SMCP_API_KEY": KEY}) is policy


@pytest.mark.parametrize("identity", [None, {}, {"required": True}, {"api_keys": {}}])
def test_a_section_without_a_source_takes_the_key_of_the_environment(identity: Any) -> None:
    policy = resolve({"identity": identity}, {"SMCP_API_KEY": KEY})
    assert policy.identity is not None and policy.identity.api_keys == ApiKeysPolicy()


def test_where_nothing_is_required_the_key_still_counts() -> None:
    policy = resolve(None, {"SMCP_API_KEY": KEY, "SMCP_IDENTITY__REQUIRED": "false"})
    assert policy.identity == IdentityPolicy(required=False, api_keys=ApiKeysPolicy())


@pytest.mark.parametrize("key", ["", "hunter2", "changeme" * 8, "a" * 64, "your-256-bit-secret" * 3])
def test_a_weak_key_of_the_environment_stops_the_start(key: str) -> None:
    with pytest.raises(PolicyError, match=r"^SMCP_API_KEY: ") as caught:
        resolve(None, {"SMCP_API_KEY": key})
    assert not key or key not in str(caught.value)


def test_a_key_beside_other_sources_is_ignored_aloud(caplog: pytest.LogCaptureFixture) -> None:
    policy = resolve(TOKENS, {"SMCP_API_KEY": "weak"})
    assert policy.identity is not None and policy.identity.api_keys is None
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "SMCP_API_KEY is set and lets nobody in: the policy names other sources; add identity.api_keys")
    ]


def test_a_key_beside_other_sources_counts_where_api_keys_stand(caplog: pytest.LogCaptureFixture) -> None:
    raw = {**TOKENS, "identity": {**TOKENS["identity"], "api_keys": {}}}
    assert resolve(raw, {"SMCP_API_KEY": KEY}).identity == Policy.from_dict(raw).identity
    assert caplog.records == []


NOBODY = (
    "identity: nobody could ever call: name a source of callers (api_keys, jwt, introspection, forwarded, certificate),"
    " set SMCP_API_KEY, or write required: false"
)


@pytest.mark.parametrize(
    "text", ["identity: {}\n", "identity: {api_keys: {}}\n", "identity: {api_keys: {header: x-k}}\n"]
)
def test_a_policy_that_lets_nobody_in_stops_the_start_with_its_place(text: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        resolve(path, {})
    assert str(caught.value) == f"{path}:1:11: {NOBODY}"
    assert resolve(path, {"SMCP_API_KEY": KEY}).identity is not None


def test_a_policy_made_in_code_that_lets_nobody_in_stops_the_start_too() -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(Policy(identity=IdentityPolicy()), {})
    assert str(caught.value) == f"policy: {NOBODY}"


@pytest.mark.parametrize(
    "identity",
    [{"required": False}, {"api_keys": {"file": "keys.yaml"}}, {"forwarded": {"user": "x-user"}},
     {"certificate": {"header": "x-s", "subjects": {}}}],
)  # fmt: skip
def test_a_policy_that_lets_somebody_in_may_start(identity: dict[str, Any]) -> None:
    assert resolve({"identity": identity, "server": {"trusted_proxies": ["unix"]}}, {}).identity is not None


def test_no_message_at_the_start_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for identity in (None, {"required": False}, TOKENS["identity"]):
        resolve({**TOKENS, "identity": identity}, {"SMCP_API_KEY": KEY})
    assert KEY not in caplog.text
    assert KEY not in repr(resolve(None, {"SMCP_API_KEY": KEY}))
