"""What a guard is asked, and which part of it is vital under which policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from smcp_security import Policy
from smcp_security.checks.rung import Claim, FetchKeys, LookUp, Question
from smcp_security.errors import StoreAway, Unavailable
from smcp_security.health.asking import Asker
from smcp_security.health.checkup import Checkup, loaded_from
from smcp_security.health.parts import Loaded, questions
from smcp_security.health.report import Health, Part
from smcp_security.keys.issuer_keys import Copy
from smcp_security.pins.lock import digest_of_file
from smcp_security.stores.memory import MemoryStore

ISSUER = "https://idp.example"
API_KEYS = {"api_keys": {"file": "keys.yaml"}}
JWT = {"jwt": [{"issuer": ISSUER, "jwks": f"{ISSUER}/jwks.json", "algorithms": ["RS256"]}]}
SERVER = {"resource": "https://mcp.example/mcp"}


@dataclass
class Remote:
    """A store elsewhere, which may be away."""

    away: bool = False
    asked: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> object:
        self.asked.append(question)
        if self.away:
            raise StoreAway("the store did not answer: TimeoutError")
        return ""


@dataclass
class Keys:
    """A file and an issuer, each of which may be gone."""

    gone: set[type[Question]] = field(default_factory=set)
    copy: Copy | None = None
    environment_key: bool = False

    def answer(self, question: Question) -> object:
        if type(question) in self.gone:
            raise Unavailable("cannot be had")
        return ()

    def copy_of(self, issuer: str) -> Copy | None:
        assert issuer == ISSUER
        return self.copy


@dataclass
class Vault:
    """Opens, or does not."""

    torn: bool = False

    def holds(self, name: str, owner: str) -> bool:
        if self.torn:
            raise Unavailable("vault.smcp cannot be used")
        return False


@dataclass
class Sink:
    """Takes records, or does not."""

    healthy: bool = True
    waiting: int = 0
    lost: int = 0

    def flush(self, timeout: float) -> bool:
        return True


@dataclass
class Guard:
    """What `questions` looks at of a compiled policy."""

    policy: Policy
    store: Any = field(default_factory=MemoryStore)
    keys: Any = None
    custody: Any = None
    sink: Any = field(default_factory=Sink)
    lock: Any = None

    def health(self, loaded: Loaded | None = None) -> Health:
        """What its check-up finds."""
        checkup = Checkup()
        checkup.armed(cast("Any", self), loaded or Loaded(None))
        return checkup.health(10.0)

    def part(self, name: str) -> Part:
        """One part of it."""
        [part] = [part for part in self.health().parts if part.name == name]
        return part


def guard(policy: dict[str, Any] | None = None, **made: Any) -> Guard:
    return Guard(Policy.from_dict({"version": 1, **(policy or {})}), **made)


def states(health: Health) -> dict[str, bool]:
    return {part.name: part.ok for part in health.parts}


def test_a_guard_by_default_has_a_store_an_audit_and_a_policy() -> None:
    health = guard().health()
    assert states(health) == {"store": True, "audit": True, "policy": True}
    assert (health.status, [part.detail for part in health.parts]) == (
        "ready",
        ["in memory", "the logger", "loaded 0 s ago, from no file"],
    )


# -- the store -----------------------------------------------------------------------------------------------------


def test_a_shared_store_is_really_asked_and_nothing_is_claimed() -> None:
    store = Remote()
    assert guard(store=store).part("store").detail == "answers"
    [claim] = store.asked
    assert isinstance(claim, Claim)
    assert (claim.value, claim.begin) == ("", False)


def test_a_store_that_is_away_degrades_a_guard_that_asks_nobody_who_they_are() -> None:
    part = guard(store=Remote(away=True)).part("store")
    assert (part.ok, part.denies, part.detail) == (False, False, "the store did not answer: TimeoutError")


def test_a_store_that_is_away_makes_a_guard_unready_that_must_know_its_callers() -> None:
    health = guard({"identity": API_KEYS}, store=Remote(away=True), keys=Keys()).health()
    assert (health.status, states(health)["store"]) == ("unready", False)


def test_a_store_that_is_away_degrades_a_guard_that_lets_strangers_in_as_well() -> None:
    policy = {"identity": {**API_KEYS, "required": False}}
    assert guard(policy, store=Remote(away=True), keys=Keys()).health().status == "degraded"


# -- the keys ------------------------------------------------------------------------------------------------------


def test_a_key_file_that_cannot_be_read_makes_a_guard_unready_that_must_know_its_callers() -> None:
    keys = Keys()
    protected = guard({"identity": API_KEYS}, keys=keys)
    assert (protected.health().status, protected.part("keys").detail) == ("ready", "the file of API keys can be read")
    keys.gone = {LookUp}
    assert (protected.health().status, protected.part("keys").detail) == ("unready", "cannot be had")


def test_keys_that_cannot_be_had_degrade_a_guard_while_others_are_left() -> None:
    policy = {"identity": {**API_KEYS, **JWT}, "server": SERVER}
    keys = Keys(gone={FetchKeys})
    protected = guard(policy, keys=keys)
    assert protected.health().status == "degraded"
    keys.gone = {FetchKeys, LookUp}
    assert protected.health().status == "unready"


def test_the_key_of_the_environment_is_a_source_that_is_left() -> None:
    keys = Keys(gone={LookUp}, environment_key=True)
    assert guard({"identity": API_KEYS}, keys=keys).health().status == "degraded"


def test_keys_of_an_issuer_say_how_old_they_are() -> None:
    policy = {"identity": JWT, "server": SERVER}
    part = guard(policy, keys=Keys(copy=Copy(320.0, False))).part("keys")
    assert (part.ok, part.detail) == (True, f"the keys of {ISSUER} are 5 min old")


def test_keys_of_an_issuer_that_gives_no_others_now_still_count_and_are_told() -> None:
    policy = {"identity": JWT, "server": SERVER}
    protected = guard(policy, keys=Keys(copy=Copy(7300.0, True)))
    part = protected.part("keys")
    assert (part.ok, part.detail) == (False, f"the keys of {ISSUER} are 2 h old, and it gives no others now")
    # They are the only ones, and they count: tokens pass.
    assert protected.health().status == "degraded"


def test_introspection_is_not_asked_for_a_token_that_nobody_has() -> None:
    introspection = {"issuer": ISSUER, "endpoint": f"{ISSUER}/introspect", "client_id": "mcp", "client_secret": "env:S"}
    policy = {"identity": {"introspection": [introspection]}, "server": SERVER}
    part = guard(policy, keys=Keys(gone={FetchKeys, LookUp})).part("keys")
    assert (part.ok, part.detail) == (True, "introspection, which is not asked")


# -- the vault and the audit ---------------------------------------------------------------------------------------


def test_a_vault_that_does_not_open_degrades_the_guard() -> None:
    vault = Vault()
    holding = guard({"vault": {"file": "vault.smcp", "key": ["env:K"]}}, custody=vault)
    assert (holding.health().status, holding.part("vault").detail) == ("ready", "can be opened")
    vault.torn = True
    assert (holding.health().status, holding.part("vault").ok) == ("degraded", False)


def test_a_vault_that_the_policy_has_no_more_is_not_asked() -> None:
    assert "vault" not in states(guard(custody=Vault(torn=True)).health())


@pytest.mark.parametrize(("on_failure", "status"), [("deny", "unready"), ("continue", "degraded")])
def test_an_audit_that_takes_no_records_denies_as_the_policy_says(on_failure: str, status: str) -> None:
    assert guard({"audit": {"on_failure": on_failure}}, sink=Sink(healthy=False)).health().status == status
    assert guard({"audit": {"on_failure": on_failure}}).health().status == "ready"


# -- the policy ----------------------------------------------------------------------------------------------------


def test_a_policy_whose_file_has_changed_since_degrades_the_guard(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    loaded = loaded_from(file)
    assert guard().health(loaded).status == "ready"
    file.write_text("version: 1\nmode: monitor\n")
    health = guard().health(loaded)
    assert health.status == "degraded"
    assert health.parts[-1].detail == f"loaded 0 s ago; the policy {file} has changed since: reload, or restart"


def test_the_file_that_the_environment_names_is_watched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    monkeypatch.setenv("SMCP_POLICY", str(file))
    loaded = loaded_from(None)
    file.unlink()
    assert guard().health(loaded).status == "degraded"


def test_a_lock_file_that_is_not_the_one_in_force_degrades_the_guard(tmp_path: Path) -> None:
    @dataclass
    class Lock:
        digest: str

    file = tmp_path / "smcp.lock"
    file.write_bytes(b"approved")
    pinned = guard({"pins": {"file": str(file)}}, lock=Lock(digest_of_file(b"approved")))
    assert pinned.health().status == "ready"
    file.write_bytes(b"approved since")
    assert pinned.health().status == "degraded"


def test_a_policy_says_how_long_it_has_been_in_force() -> None:
    times = iter([0.0, 90.0, 200.0, 8000.0, 200_000.0])
    loaded = Loaded(None, lambda: next(times))
    told = [loaded.told().removeprefix("loaded ").removesuffix(" ago, from no file") for _ in range(4)]
    assert told == ["90 s", "3 min", "2 h", "2 d"]


# -- the whole -----------------------------------------------------------------------------------------------------


def test_a_check_up_that_is_closed_asks_nobody() -> None:
    store, checkup = Remote(), Checkup()
    checkup.armed(cast("Any", guard(store=store)), Loaded(None))
    checkup.close()
    assert (checkup.health().status, store.asked) == ("closed", [])


def test_the_policy_says_how_long_a_part_may_take() -> None:
    class Patient(Asker):
        def ask(self, about: object, questions: Any, deadline: float) -> Any:
            deadlines.append(deadline)
            return super().ask(about, questions, 10.0)

    deadlines: list[float] = []
    checkup = Checkup()
    checkup._asker = Patient()
    for policy in ({}, {"probes": {"deadline": 0.5}}):
        checkup.armed(cast("Any", guard(policy)), Loaded(None))
        checkup.health()
        checkup.health(7.0)
    assert deadlines == [2.0, 7.0, 0.5, 7.0]


def test_every_question_belongs_to_a_part_that_stands_together() -> None:
    policy = {"identity": {**API_KEYS, **JWT}, "server": SERVER}
    parts = [question.part for question in questions(cast("Any", guard(policy, keys=Keys())), Loaded(None))]
    assert parts == ["store", "keys", "keys", "audit", "policy"]
