"""Which policy is in force: an argument, the file that SMCP_POLICY names, the defaults; then the overrides."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy, resolve


def test_without_anything_the_defaults_hold() -> None:
    assert resolve(None, {}) == Policy()


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("profile: maximum\n")
    assert resolve(None, {"SMCP_POLICY": str(path)}).profile == "maximum"


def test_an_argument_wins_over_the_file_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("profile: maximum\n")
    assert resolve({"profile": "minimal"}, {"SMCP_POLICY": str(path)}).profile == "minimal"
    assert resolve(path, {"SMCP_POLICY": "nowhere"}).profile == "maximum"
    policy = Policy(profile="minimal")
    assert resolve(policy, {"SMCP_POLICY": "nowhere"}) is policy


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_file_name_is_refused_rather_than_taken_for_none(value: str) -> None:
    with pytest.raises(PolicyError, match="SMCP_POLICY: set but empty"):
        resolve(None, {"SMCP_POLICY": value})


def test_a_file_of_the_environment_that_is_missing_stops_the_start() -> None:
    with pytest.raises(PolicyError, match=r"^/nowhere/policy\.yaml: no such file"):
        resolve(None, {"SMCP_POLICY": "/nowhere/policy.yaml"})


OVERRIDES = [
    ("SMCP_SERVER__MAX_BODY", "2MiB", {"server": {"max_body": "2MiB"}}),
    ("SMCP_SERVER__HOSTS", "[a.example, 'b:*']", {"server": {"hosts": ["a.example", "b:*"]}}),
    ("SMCP_SERVER__HOSTS", "null", {}),
    ("SMCP_SERVER__FLOOD", "off", {"server": {"flood": "off"}}),
    ("SMCP_SERVER__FLOOD__BURST", "7", {"server": {"flood": {"burst": 7}}}),
    ("SMCP_MODE__INJECTION", "monitor", {"mode": {"injection": "monitor"}}),
    ("SMCP_INJECTION__LEVEL", "3", {"injection": {"level": 3}}),
    ("SMCP_INJECTION__ACTION__PROMPT", "off", {"injection": {"action": {"prompt": "off"}}}),
    ("SMCP_INJECTION__DETECTORS__BUDGET", "9", {"injection": {"detectors": {"budget": 9}}}),
    ("SMCP_MODE__CONTRACTS", "monitor", {"mode": {"contracts": "monitor"}}),
    ("SMCP_AUDIT__KEY", "env:OTHER", {"audit": {"key": "env:OTHER"}}),
    ("SMCP_IDENTITY__REQUIRED", "false", {"identity": {"required": False}}),
    ("SMCP_IDENTITY__API_KEYS__FILE", "keys.yaml", {"identity": {"api_keys": {"file": "keys.yaml"}}}),
    ("SMCP_STORE__URL", "redis://cache:6379/0", {"store": "redis://cache:6379/0"}),
    ("SMCP_STORE__NAMESPACE", "a", {"store": {"namespace": "a"}}),
]


@pytest.mark.parametrize(("name", "value", "same"), OVERRIDES)
def test_an_override_says_what_the_file_would_say(name: str, value: str, same: dict[str, Any]) -> None:
    assert resolve(None, {name: value}) == Policy.from_dict(same)
    assert resolve(Policy(), {name: value}) == Policy.from_dict(same)


def test_the_environment_can_name_a_vault_and_never_its_key() -> None:
    environ = {
        "SMCP_VAULT__FILE": "/srv/v.smcp",
        "SMCP_VAULT__KEY": "[env:NEW, env:OLD]",
        "SMCP_VAULT__GENERATION": "7",
    }
    vault = resolve(None, environ).vault
    assert vault is not None
    assert (vault.file, vault.key, vault.generation) == ("/srv/v.smcp", ("env:NEW", "env:OLD"), 7)
    with pytest.raises(PolicyError) as caught:
        resolve(None, {**environ, "SMCP_VAULT__KEY": "hunter2/hunter2/hunter2="})
    assert "SMCP_VAULT__KEY: vault.key: expected env:NAME" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_override_wins_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("mode: monitor\nserver: {max_depth: 9, max_body: 1KB, flood: off}\n")
    environ = {"SMCP_SERVER__MAX_BODY": "3KB", "SMCP_MODE__LIMITS": "enforce", "SMCP_SERVER__FLOOD__RATE": "1/s"}
    policy = resolve(path, environ)
    assert (policy.server.max_body, policy.server.max_depth) == (3000, 9)
    assert (policy.enforces("limits"), policy.enforces("results")) == (True, False)
    assert policy.server.flood is not None
    assert policy.server.flood.rate.count == 1


@pytest.mark.parametrize(
    "environ", [{"SMCP_STORE": "x"}, {"SMCP_AUDIT_KEY": "x"}, {"SMCP_PORT": "tcp://10.0.0.1:80"}, {"OTHER__X": "1"}]
)
def test_other_names_are_left_alone(environ: dict[str, str]) -> None:
    assert resolve(None, environ) == Policy()


MISFITS = [
    ("SMCP_SERVER__MAX_BDY", "SMCP_SERVER__MAX_BDY: the policy has no key server.max_bdy; did you mean max_body?"),
    ("SMCP_SRVER__PATHS", "SMCP_SRVER__PATHS: the policy has no key srver.paths; did you mean server?"),
    ("SMCP_ZZZ__QQQ", "SMCP_ZZZ__QQQ: the policy has no key zzz.qqq; unset it if it was not meant for the policy"),
    ("SMCP_SERVER__MAX_BODY__X", "SMCP_SERVER__MAX_BODY__X: server.max_body is one value, without keys;"
     " unset this or shorten its name"),
    ("SMCP_LIMITS__0__RATE",
     "SMCP_LIMITS__0__RATE: what is inside limits cannot be set here; write it into the policy file"),
    ("SMCP_TOOLS__ECHO__SCHEMA",
     "SMCP_TOOLS__ECHO__SCHEMA: what is inside tools cannot be set here; write it into the policy file"),
    ("SMCP_PROMPTS__REVIEW__ARGUMENTS",
     "SMCP_PROMPTS__REVIEW__ARGUMENTS: what is inside prompts cannot be set here; write it into the policy file"),
    ("SMCP_FLOW__FILE", "SMCP_FLOW__FILE: this release does not enforce flow.file,"
     " so it is refused rather than ignored; unset it"),
    ("SMCP_ROLES__VIEWER__ALLOW",
     "SMCP_ROLES__VIEWER__ALLOW: what is inside roles cannot be set here; write it into the policy file"),
    ("SMCP_IDENTITY__JWT__0__ISSUER",
     "SMCP_IDENTITY__JWT__0__ISSUER: what is inside identity.jwt cannot be set here; write it into the policy file"),
    ("SMCP_IDENTITY__API_KEY",
     "SMCP_IDENTITY__API_KEY: the policy has no key identity.api_key; did you mean api_keys?"),
    ("SMCP_SERVER__max_body",
     "SMCP_SERVER__max_body: expected capital letters: SMCP_SERVER__MAX_BODY sets server.max_body"),
    ("SMCP___SERVER__HOSTS",
     "SMCP___SERVER__HOSTS: expected capital letters: SMCP_SERVER__MAX_BODY sets server.max_body"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "message"), MISFITS)
def test_a_name_of_the_form_that_fits_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(None, {name: "1"})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("SMCP_INJECTION__LEVEL", "4", "injection.level: expected at most 3, found the number 4"),
     ("SMCP_INJECTION__LEVEL", '"3"', 'injection.level: expected a whole number, found "3"'),
     ("SMCP_SERVER__HOSTS", "a.example", 'server.hosts: expected a list, found "a.example"'),
     ("SMCP_SERVER__HOSTS", "*", "expected a YAML value such as 2MiB, true or [a, b]; quote other text"),
     ("SMCP_AUDIT__FILE", "", "set but empty or far too long; unset it, or write null if that is meant"),
     ("SMCP_STORE__URL", "redis://:hunter2@h", "store.url: expected memory://, env:NAME, or a URL such as"
      " redis://host:6379/0 (rediss, redis+sentinel, redis+cluster, unix); one with a password has no place in a file:"
      " write env:NAME"),
     ("SMCP_AUDIT__KEY", "hunter2", "audit.key: expected env:NAME, the environment variable that holds the key;"
      " a key has no place in a file")],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_reported_under_the_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(None, {name: value})
    assert str(caught.value) == f"{name}: {message}"


def test_all_names_that_fit_nothing_come_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(None, {"SMCP_A__B": "1", "SMCP_C__D": "1", "SMCP_SERVER__MAX_DEPTH": "3"})
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["SMCP_A__B", "SMCP_C__D"]


def test_an_override_repairs_the_value_it_replaces(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("server: {hosts: [a/b], max_depth: 0}\n")
    with pytest.raises(PolicyError) as caught:
        resolve(path, {"SMCP_SERVER__HOSTS": "[a]"})
    assert str(caught.value) == f"{path}:1:35: server.max_depth: expected at least 1, found the number 0"


def test_an_override_is_logged_by_name_and_never_by_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smcp_security.policy")
    resolve(None, {"SMCP_AUDIT__KEY": "env:HUNTER2", "SMCP_AUDIT__FILE": "hunter2.jsonl"})
    assert [record.getMessage() for record in caplog.records] == [
        "SMCP_AUDIT__FILE overrides the policy", "SMCP_AUDIT__KEY overrides the policy",
    ]  # fmt: skip
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_without_an_override_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smcp_security.policy")
    resolve({"injection": {"exclude": [{"rule": "SMCP631", "reason": "r", "until": "9999-12-31"}]}}, {"SMCP_X": "x"})
    assert caplog.records == []


def test_an_exclusion_past_its_day_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    exclude = [{"rule": "SMCP632", "reason": "r"}, {"rule": "SMCP631", "reason": "hunter2", "until": "2020-01-31"}]
    resolve({"injection": {"exclude": exclude}}, {})
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "injection.exclude[1] (SMCP631) ended on 2020-01-31 and no longer counts: renew or remove it")
    ]


def test_an_override_opens_a_section_that_the_file_switches_off(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("identity:\nstore: redis://a\n")
    environ = {
        "SMCP_IDENTITY__REQUIRED": "false",
        "SMCP_IDENTITY__API_KEYS__HEADER": "X-Key",
        "SMCP_STORE__TIMEOUT_MS": "50",
    }
    policy = resolve(path, environ)
    assert policy.identity is not None and policy.identity.api_keys is not None
    assert (policy.identity.required, policy.identity.api_keys.header) == (False, "x-key")
    assert (policy.store.url, policy.store.timeout_ms) == ("redis://a", 50)


def test_an_override_does_not_open_a_section_that_may_not_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("server:\n")
    with pytest.raises(PolicyError, match="expected a mapping, found nothing"):
        resolve(path, {"SMCP_SERVER__MAX_DEPTH": "3"})
