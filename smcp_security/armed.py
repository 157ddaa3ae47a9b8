"""Everything that a policy compiles to. Made when the policy loads, swapped as a whole, so that a reload is atomic."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from smcp_security import audit
from smcp_security.audit.commits import Commits
from smcp_security.checks import Step, grants_of, request_steps, response_steps
from smcp_security.checks.budgets import Tokenizer
from smcp_security.checks.limits import build_flood
from smcp_security.checks.rung import Recall, Rung
from smcp_security.detectors import Detector, Detectors
from smcp_security.errors import PolicyError
from smcp_security.observers import Observer, Subject
from smcp_security.pins.file import read_lock
from smcp_security.pins.lock import Lock, schemas_of
from smcp_security.policy import Policy, resolve
from smcp_security.redaction.redactor import Redactor
from smcp_security.resolution import Resolution
from smcp_security.rulebook import DEFINED, Rulebook, load
from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema
from smcp_security.sources import Sources
from smcp_security.stores.definitions import Definitions
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.store import Store, open_store

if TYPE_CHECKING:
    from smcp_security.keys.ring import Keys
    from smcp_security.vault.custody import Custody
    from smcp_security.vault.providers import KeyProvider

PolicySource: TypeAlias = "Policy | Mapping[str, Any] | str | os.PathLike[str] | None"
_SECTIONS: Final = ("arguments", "contracts", "injection", "limits", "results", "pins")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What outlives every policy: the guard and the open exchanges of this process, the tokenizer, who is told what.

    `on_store` is told "away" and "back". `commits` is for verdicts that wait for the disk.
    """

    flood: MemoryStore
    exchanges: Exchanges
    on_store: Callable[[str], None]
    resolution: Resolution
    count_tokens: Tokenizer | None = None
    detectors: tuple[Detector, ...] = ()
    vault_key: KeyProvider | None = None
    commits: Commits = field(default_factory=Commits)


@dataclass(frozen=True, slots=True)
class Armed:
    """A policy ready to judge: the two ladders, what they share, and where verdicts are written down.

    `flood` is the rung for what an edge refuses by itself, `statuses` what the policy says of HTTP statuses by code.
    `observers` are told of verdicts besides the audit.
    """

    policy: Policy
    request: tuple[Step, ...]
    response: tuple[Step, ...]
    flood: Rung
    monitored: frozenset[str]
    definitions: Definitions
    lock: Lock | None
    sink: audit.Sink
    seal: audit.Seal
    store: Store
    keys: Keys | None
    custody: Custody | None
    detectors: Detectors
    sources: Sources
    statuses: Mapping[str, int]
    observers: tuple[Observer, ...] = ()
    # Those that raised, by identity: they are asked no more.
    deaf: set[int] = field(default_factory=set)

    @property
    def must_keep(self) -> bool:
        """Whether a message is denied whose record cannot be kept."""
        return self.policy.audit.on_failure == "deny"

    def summary(self) -> str:
        """One line that says what is on."""
        policy, server = self.policy, self.policy.server
        rates = ", ".join(f"{limit.rate} per {' and '.join(limit.per)}" for limit in policy.limits) or "none"
        hosts = "loopback names" if server.hosts is None else ", ".join(server.hosts) or "nobody"
        return (
            f"smcp_security is on: {self.seal.mode}, profile {policy.profile}, paths {', '.join(server.paths)}, "
            f"hosts {hosts}, {_callers(policy)}, detection level {policy.injection.level}, rates {rates}, "
            f"policy {policy.digest[:12]}, rules {self.seal.rules[:12]}"
        )


def arm(source: PolicySource, around: Surroundings, before: Armed | None = None) -> Armed:
    """Compile a policy. `before` is the one in force: what it has learned goes on, and what the policy leaves the same.

    Raises `PolicyError`, `KeyFileError`, `VaultError` or `RulesError`.
    """
    policy = resolve(source, os.environ)
    rulebook = load(policy.injection.level)
    lock = None if policy.pins is None else read_lock(policy.pins)
    definitions = Definitions(_stated(policy), *_pinned(lock))
    monitored = frozenset(section for section in _SECTIONS if not policy.enforces(section))
    same = before is not None and before.policy.audit == policy.audit
    custody = _custody(policy, around, before)
    keys = _keys(policy, custody)
    store = _store(policy, around, before)
    detectors = Detectors(around.detectors, policy.injection.detectors.budget / 1000)
    if before is not None:
        definitions.adopt(before.definitions, same_pins=before.lock == lock)
        detectors.adopt(before.detectors)
        if keys is not None and before.keys is not None:
            keys.adopt(before.keys)
    environment_key = keys is not None and keys.environment_key
    request, response = _ladders(policy, rulebook, around, lock, environment_key, custody is not None)
    sink = before.sink if same and before is not None else audit.open_sink(policy.audit, os.environ)
    seal = _seal(policy, _mode(monitored), rulebook.version, lock, sink, before if same else None)
    return Armed(
        policy,
        request,
        response,
        build_flood(policy.server.flood),
        monitored,
        definitions,
        lock,
        sink,
        seal,
        store,
        keys,
        custody,
        detectors,
        Sources(definitions, around.exchanges, around.flood, store, keys, around.resolution, detectors, custody),
        _statuses(policy),
        _observers(policy, definitions, sink, seal, store),
    )


def _seal(
    policy: Policy, mode: str, rules: str, lock: Lock | None, sink: audit.Sink, before: Armed | None
) -> audit.Seal:
    """What records say of the policy. `before` is the one in force, where its audit is the same."""
    if before is not None:
        # A random key stays: hashes of one process go on comparing equal.
        digest, arguments = before.seal.digest, before.seal.arguments
    else:
        keys = sink.keys
        digest = (
            audit.Digest.from_reference(policy.audit.key, os.environ) if keys is None else audit.Digest(keys.digest)
        )
        arguments = audit.arguments_of(policy.audit.arguments)
    return audit.Seal(mode, policy.digest, rules, digest, "" if lock is None else lock.digest, arguments)


def _observers(
    policy: Policy, definitions: Definitions, sink: audit.Sink, seal: audit.Seal, store: Store
) -> tuple[Observer, ...]:
    """Who is told of verdicts besides the audit. Raises `PolicyError` for one that cannot be."""
    if not (policy.metrics.prometheus or policy.metrics.opentelemetry):
        return ()
    # Late: for those alone that are watched so.
    from smcp_security import metrics, tracing

    def declared(tool: str, upstream: str) -> bool:
        return tool in policy.tools or definitions.recall(Recall(tool, upstream)) is not None

    def away() -> bool:
        return bool(getattr(store, "away", False))

    subject = Subject(policy.digest, seal.rules, seal.mode, declared, sink, away)
    return (*metrics.observers_of(policy.metrics, subject), *tracing.observers_of(policy.metrics, subject))


def _ladders(
    policy: Policy, rulebook: Rulebook, around: Surroundings, lock: Lock | None, environment_key: bool, vault: bool
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    grants = grants_of(policy)
    return (
        request_steps(
            policy,
            rulebook,
            grants=grants,
            environment_key=environment_key,
            count_tokens=around.count_tokens,
            detectors=len(around.detectors),
            lock=lock,
        ),
        response_steps(
            policy,
            rulebook,
            Redactor(policy.results.redact, internals=policy.results.errors == "mask"),
            defined=None if policy.results.descriptions == "off" else load(policy.injection.level, DEFINED),
            grants=grants,
            count_tokens=around.count_tokens,
            lock=lock,
            vault=vault,
        ),
    )


def retire(before: Armed, now: Armed | None) -> None:
    """Close what no policy in force uses any more."""
    if now is not None and now.sink is not before.sink and isinstance(before.sink, audit.FileSink):
        before.sink.close_for(now.sink)
    elif now is None or now.sink is not before.sink:
        before.sink.close()
    if now is None or now.store is not before.store:
        before.store.close()
    # Messages that are being judged still ask the keys and detectors of the policy before: they are closed with the
    # framework alone.
    if now is None:
        before.detectors.close()
        if before.keys is not None:
            before.keys.close()
        if before.custody is not None:
            before.custody.close()


def reset_locks(armed: Armed, around: Surroundings) -> None:
    """Call in the child after a fork."""
    for shared in (armed.store, around.flood, around.exchanges, armed.definitions):
        shared.reset_lock()
    if armed.keys is not None:
        armed.keys.reset_locks()
    if armed.custody is not None:
        armed.custody.reset_locks()
    around.resolution.reset()
    around.commits.reset()
    armed.detectors.reset()


def _keys(policy: Policy, custody: Custody | None) -> Keys | None:
    if policy.identity is None:
        return None
    # Late: it costs what nobody should wait for who asks for no credential.
    from smcp_security.keys.ring import Keys

    if custody is None:
        return Keys(policy.identity, os.environ)
    return Keys(policy.identity, os.environ, vault=custody.open)


def _custody(policy: Policy, around: Surroundings, before: Armed | None) -> Custody | None:
    """The vault, opened anew: what was handed out before is looked for on, also where there is no vault any more."""
    if policy.vault is None:
        return None if before is None else before.custody
    # Late: the ciphers are for those alone that have a vault.
    from smcp_security.vault.custody import Custody
    from smcp_security.vault.providers import from_callable, from_references

    provider = around.vault_key
    keys = from_references(policy.vault.key, os.environ) if provider is None else from_callable(provider)
    custody = Custody(policy.vault, keys)
    if before is not None and before.custody is not None:
        custody.adopt(before.custody)
    return custody


def _store(policy: Policy, around: Surroundings, before: Armed | None) -> Store:
    """The store in force where the policy names the same one: its counters go on."""
    if before is not None and (before.policy.store, before.policy.workers) == (policy.store, policy.workers):
        return before.store
    store = open_store(policy.store, policy.workers, on_change=around.on_store)
    if before is not None and isinstance(store, MemoryStore) and isinstance(before.store, MemoryStore):
        # The other settings are none of its own: a reload must not forget who was revoked and whose a session is.
        return before.store
    return store


def _statuses(policy: Policy) -> Mapping[str, int]:
    statuses = dict.fromkeys(("SMCP402", "SMCP403", "SMCP404"), policy.server.rate_status)
    return statuses if policy.identity is None else {**statuses, "SMCP302": policy.identity.scope_status}


def _callers(policy: Policy) -> str:
    identity = policy.identity
    if identity is None:
        return "callers unknown"
    sources = {
        "API keys": identity.api_keys,
        f"{len(identity.jwt)} JWT issuers": identity.jwt,
        "introspection": identity.introspection,
        "a gateway's word": identity.forwarded,
        "client certificates": identity.certificate,
    }
    known = ", ".join(name for name, source in sources.items() if source)
    roles = "no roles" if policy.roles is None else f"{len(policy.roles)} roles"
    return f"callers by {known}{'' if identity.required else ' or unknown'}, {roles}"


def _mode(monitored: frozenset[str]) -> str:
    return "monitor " + ",".join(sorted(monitored)) if monitored else "enforce"


def _pinned(lock: Lock | None) -> tuple[dict[str, ToolSchema], dict[str, ToolSchema]]:
    """The schemas of results that the lock file states for tools, and those of arguments."""
    return ({}, {}) if lock is None else (schemas_of(lock, "outputSchema"), schemas_of(lock, "inputSchema"))


def _stated(policy: Policy) -> dict[str, ToolSchema]:
    """The schemas that the policy states for tools."""
    stated = {}
    for name, tool in policy.tools.items():
        if tool.schema is not None:
            try:
                stated[name] = compile_schema(tool.schema)
            except UnusableSchema as unusable:
                raise PolicyError(f"tools.{name}.schema: {unusable}") from unusable
            if not stated[name].usable:
                raise PolicyError(
                    f"tools.{name}.schema: an unknown dialect, or a pattern with look-around or too large"
                )
    return stated
