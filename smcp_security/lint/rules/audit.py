"""Rules about `audit`: what is not written, and what should not be."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule


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
        Write `hashed`, which is the default.
    See: docs/audit.md https://cwe.mitre.org/data/definitions/532.html
    """
    assert document.policy is not None
    if document.policy.audit.arguments == "full":
        yield Found(("audit", "arguments"), "passwords and names of callers stay in the log; write hashed")


@rule("POL903", "audit-without-key", "info", persona="strict")
def audit_without_key(document: Document) -> Iterator[Found]:
    """Hashes of arguments are made with a key that ends with the process.

    Why:
        Two workers, or the same server after a restart, give the same argument two hashes, so that calls cannot be
        compared.
    Bad:
        audit: {file: audit.jsonl}
    Good:
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Give it a key from the environment.
    See: docs/audit.md
    """
    assert document.policy is not None
    audit = document.policy.audit
    if audit.file is not None and audit.key is None and audit.arguments == "hashed":
        yield Found(("audit",), "no key, so hashes of one process mean nothing to another; name env:NAME")


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
