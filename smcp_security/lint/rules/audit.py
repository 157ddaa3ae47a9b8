"""Rules about `audit`: what is not written, and what should not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule
from smcp_security.policy.agreement import is_loopback

_CLEAR: Final = ("http://", "udp://", "tcp://")
_WIDE: Final = {4: 16, 6: 32}
"""Bits of a prefix below which a network is no single company's."""


@rule("POL901", "audit-fails-open", "medium")
def audit_fails_open(document: Document) -> Iterator[Found]:
    """The strictest profile serves while no record can be written.

    Why:
        `maximum` denies then, so that nothing happens unrecorded; whoever can fill the disk turns the record off.
    Bad:
        profile: maximum
        audit: {file: audit.jsonl, on_failure: continue}
    Good:
        profile: maximum
        audit: {file: audit.jsonl, on_failure: deny}
    Fix:
        Take `on_failure` out, or choose the profile standard.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/778.html
    """
    policy = document.policy
    assert policy is not None
    if policy.profile == "maximum" and policy.audit.on_failure == "continue":
        yield Found(("audit", "on_failure"), "whoever can fill the disk turns the record off; maximum denies")


@rule("POL902", "plaintext-arguments", "medium")
def plaintext_arguments(document: Document) -> Iterator[Found]:
    """The audit holds what callers sent.

    Why:
        Arguments hold passwords, mails and names; a log is copied, shipped and kept for years. Hashes with a key tell
        whether two calls were the same without telling what they said.
    Bad:
        audit: {file: audit.jsonl, arguments: full}
    Good:
        audit: {file: audit.jsonl, arguments: hashed, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Write `hashed`, which is the default, or `redacted`, which takes out what looks like a secret.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/532.html
    """
    assert document.policy is not None
    if document.policy.audit.arguments == "full":
        yield Found(("audit", "arguments"), "passwords and names of callers stay in the log; write hashed")


@rule("POL903", "audit-without-key", "info", persona="strict")
def audit_without_key(document: Document) -> Iterator[Found]:
    """The secret that proves the audit lies in a file beside it.

    Why:
        Whoever can read the file of callers can write records that verify, and read what is sealed in the others; a
        copy of the folder holds both. A secret in the environment is not copied along.
    Bad:
        audit: {file: audit.jsonl}
    Good:
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Name env:NAME before the first start. An audit that has begun keeps the secret that it began with.
    See: docs/audit.md
    """
    assert document.policy is not None
    audit = document.policy.audit
    if audit.file is not None and audit.key is None and not is_public(document.policy):
        yield Found(("audit",), "no key, so the secret lies in a file beside the records; name env:NAME")


@rule("POL904", "no-audit-file", "low", "medium", persona="strict")
def no_audit_file(document: Document) -> Iterator[Found]:
    """A server that others can reach keeps its record in the log alone.

    Why:
        What the logger does with it is up to its configuration: it may be filtered, cut, or dropped when it is busy.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Name a file.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/778.html
    """
    assert document.policy is not None
    if is_public(document.policy) and document.policy.audit.file is None:
        yield Found(("audit",), "decisions go to the log alone; name a file")


@rule("POL905", "redacted-arguments", "info", persona="strict")
def redacted_arguments(document: Document) -> Iterator[Found]:
    """The audit holds what callers sent, without what looks like a secret.

    Why:
        What no mask knows stays in the log: names, questions, numbers of customers. They are sealed with a key per
        caller, but who may open the audit reads them.
    Bad:
        audit: {file: audit.jsonl, arguments: redacted, key: "env:SMCP_AUDIT_KEY"}
    Good:
        audit: {file: audit.jsonl, arguments: hashed, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Write `hashed`, unless somebody needs to read what was sent.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/532.html
    """
    assert document.policy is not None
    if document.policy.audit.arguments == "redacted":
        yield Found(("audit", "arguments"), "what no mask knows stays in the log; write hashed")


@rule("POL906", "audit-secret-in-reach", "medium", "medium")
def audit_secret_in_reach(document: Document) -> Iterator[Found]:
    """A server that others can reach keeps the secret of its audit in a file beside it.

    Why:
        Whoever gets into the server can read that file, write another past that verifies, and open what is sealed. It
        shows only against a checkpoint that was kept elsewhere.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        audit: {file: audit.jsonl}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Name env:NAME before the first start, and keep checkpoints elsewhere (`smcp audit checkpoint`, or `ship`).
    See: docs/audit.md https://cwe.mitre.org/data/definitions/922.html
    """
    assert document.policy is not None
    audit = document.policy.audit
    if is_public(document.policy) and audit.file is not None and audit.key is None:
        yield Found(("audit",), "no key, so the secret lies in a file beside the records; name env:NAME")


@rule("POL907", "audit-kept-for-ever", "info", persona="strict")
def audit_kept_for_ever(document: Document) -> Iterator[Found]:
    """A server that others can reach never removes a record.

    Why:
        The disk fills, and records of people are kept longer than anybody can say why.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY", retention: 90d}
    Fix:
        Say how long records are kept, or remove them with `smcp audit purge`.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/779.html
    """
    assert document.policy is not None
    audit = document.policy.audit
    if is_public(document.policy) and audit.file is not None and audit.retention is None:
        yield Found(("audit",), "records are kept for ever; say how long, such as retention: 90d")


@rule("POL908", "denial-without-sync", "low", "medium")
def denial_without_sync(document: Document) -> Iterator[Found]:
    """Nothing may happen unrecorded, and nothing says that a record is on the disk.

    Why:
        `on_failure: deny` refuses what cannot be recorded, but with `fsync: never` the records of the last half minute
        are gone when the power fails, and a failing disk is noticed late.
    Bad:
        audit: {file: audit.jsonl, on_failure: deny, fsync: never}
    Good:
        audit: {file: audit.jsonl, on_failure: deny, fsync: always}
    Fix:
        Write `always`, or take `fsync` out, which loses a second at most.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/778.html
    """
    assert document.policy is not None
    audit = document.policy.audit
    if audit.file is not None and audit.on_failure == "deny" and audit.fsync == "never":
        yield Found(("audit", "fsync"), "records may never reach the disk, which on_failure: deny promises")


@rule("POL909", "audit-shipped-in-the-clear", "medium", "medium")
def audit_shipped_in_the_clear(document: Document) -> Iterator[Found]:
    """The audit goes over the network as anybody can read and change it.

    Why:
        Which tools are called, how often and with what result, and the token of the collector, can be read on the way;
        over UDP lines are lost unseen, too. What is sealed stays sealed.
    Bad:
        audit:
          file: audit.jsonl
          ship: [{http: "http://logs.example.com/in", token: "env:SHIP_TOKEN"}]
    Good:
        audit:
          file: audit.jsonl
          ship: [{http: "https://logs.example.com/in", token: "env:SHIP_TOKEN"}]
    Fix:
        Ship by tls:// or https://, or to a forwarder on this machine.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/319.html
    """
    assert document.policy is not None
    for index, ship in enumerate(document.policy.audit.ship):
        for kind in ("syslog", "http", "otel"):
            target = getattr(ship, kind)
            if target is not None and target.startswith(_CLEAR) and not is_loopback(target):
                yield Found(("audit", "ship", index, kind), "anybody on the way reads it; write tls:// or https://")


@rule("POL910", "probes-for-strangers", "low", "medium")
def probes_for_strangers(document: Document) -> Iterator[Found]:
    """Large parts of the internet may ask for metrics and probes.

    Why:
        Metrics say which tools there are, how often they are called and what is refused; the answer about readiness
        says which part fails. An attacker reads there what works.
    Bad:
        metrics: {prometheus: true}
        probes: {metrics: /metrics, networks: ["0.0.0.0/1", "128.0.0.0/1"]}
    Good:
        metrics: {prometheus: true}
        probes: {metrics: /metrics, networks: ["10.0.0.0/8"]}
    Fix:
        Name the networks of the orchestrator and of Prometheus, or take `networks` out.
    See: docs/policy.md#probes https://cwe.mitre.org/data/definitions/200.html
    """
    assert document.policy is not None
    probes = document.policy.probes
    for index, network in enumerate(() if probes is None else probes.networks):
        if network != "unix" and not network.is_private and network.prefixlen < _WIDE[network.version]:
            yield Found(("probes", "networks", index), "strangers may read metrics and probes; name your own networks")
