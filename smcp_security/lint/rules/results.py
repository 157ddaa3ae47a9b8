"""Rules about `results` and `pins`: what comes back unmasked, and definitions that may change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain


@rule("POL601", "rows-of-no-tenant", "medium")
def rows_of_no_tenant(document: Document) -> Iterator[Found]:
    """Rows are held to a tenant that no caller has.

    Why:
        Every row is foreign then: the tool answers nothing, or nothing but refusals.
    Bad:
        results: {tenant: [{tools: ["github.*"], pointer: "/items/*/org"}]}
    Good:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, tenant: X-Tenant}}
        results: {tenant: [{tools: ["github.*"], pointer: "/items/*/org"}]}
    Fix:
        Name where the tenant comes from, or take the assertion out.
    See: docs/results.md
    """
    yield from vain("reach.assertions_without_tenants", document)


@rule("POL602", "credentials-unmasked", "high")
def credentials_unmasked(document: Document) -> Iterator[Found]:
    """Credentials in results are not masked.

    Why:
        No model has a use for a key or a password; what it has read it can be talked into sending elsewhere.
    Bad:
        results: {redact: [email]}
    Good:
        results: {redact: [secrets, email]}
    Fix:
        Add `secrets`; name under `keep` what a tool must give back.
    See: docs/results.md https://cwe.mitre.org/data/definitions/200.html
    """
    assert document.policy is not None
    if "secrets" not in document.policy.results.redact:
        yield Found(("results", "redact"), "keys and passwords in results reach the model; add secrets")


@rule("POL603", "expired-keep", "low")
def expired_keep(document: Document) -> Iterator[Found]:
    """What a tool's results may keep has ended.

    Why:
        It is masked again, and the entry says otherwise.
    Bad:
        results:
          redact: [secrets, email]
          keep: [{mask: email, tool: "crm.*", reason: the tool is an address book, until: 2020-01-31}]
    Good:
        results:
          redact: [secrets, email]
          keep: [{mask: email, tool: "crm.*", reason: the tool is an address book, until: 2199-12-31}]
    Fix:
        Renew it, if its reason holds still, or take it out.
    See: docs/results.md
    """
    assert document.policy is not None
    today = datetime.now(UTC).date()
    for index, kept in enumerate(document.policy.results.keep):
        if kept.until is not None and today > kept.until:
            yield Found(("results", "keep", index, "until"), "has ended, so it is masked again; renew or remove it")


@rule("POL604", "credentials-kept-everywhere", "high")
def credentials_kept_everywhere(document: Document) -> Iterator[Found]:
    """Credentials are kept in the results of every tool.

    Why:
        `keep` is for one tool that must give one thing back. For all tools it takes the mask away.
    Bad:
        results: {keep: [{mask: secrets, tool: "*", reason: they are needed}]}
    Good:
        results: {keep: [{mask: github-token, tool: "token.rotate", reason: the tool hands out a new token}]}
    Fix:
        Name the tool, and what it gives back.
    See: docs/results.md https://cwe.mitre.org/data/definitions/200.html
    """
    assert document.policy is not None
    for index, kept in enumerate(document.policy.results.keep):
        if kept.mask == "secrets" and not kept.tool.strip("*"):
            yield Found(("results", "keep", index), "takes the mask for credentials away everywhere; name one tool")


@rule("POL605", "invisible-kept", "low")
def invisible_kept(document: Document) -> Iterator[Found]:
    """Terminal escapes and characters that nobody sees stay in answers.

    Why:
        They speak to the model, or rewrite what a user sees of an answer, without anybody noticing.
    Bad:
        results: {strip: false}
    Good:
        results: {strip: true}
    Fix:
        Take `strip: false` out.
    See: docs/results.md https://cwe.mitre.org/data/definitions/150.html
    """
    assert document.policy is not None
    if not document.policy.results.strip:
        yield Found(("results", "strip"), "what nobody sees still speaks to the model; take it out")


@rule("POL606", "results-unjudged", "medium")
def results_unjudged(document: Document) -> Iterator[Found]:
    """Instructions to the model in results are not even reported.

    Why:
        What a tool reads strangers write: pages, issues, mails. It is the usual way in.
    Bad:
        results: {injection: "off"}
    Good:
        results: {injection: annotate}
    Fix:
        Report them (`annotate`), mark them as data (`datamark`), or withhold them.
    See: docs/results.md https://cwe.mitre.org/data/definitions/1427.html
    """
    assert document.policy is not None
    if document.policy.results.injection == "off":
        yield Found(("results", "injection"), "text that strangers write speaks to the model unseen; write annotate")


@rule("POL701", "drift-let-through", "medium", "medium")
def drift_let_through(document: Document) -> Iterator[Found]:
    """Definitions that differ from what was approved are let through.

    Why:
        A server that turns hostile after its approval (a rug pull) changes its descriptions; with `annotate` the model
        reads them while the audit takes note.
    Bad:
        pins: {file: smcp.lock, drift: annotate}
    Good:
        pins: {file: smcp.lock, drift: block}
    Fix:
        Block, and pin anew with `smcp pin` when a change is wanted.
    See: docs/pins.md https://cwe.mitre.org/data/definitions/494.html
    """
    assert document.policy is not None
    if document.policy.pins is not None and document.policy.pins.drift == "annotate":
        yield Found(("pins", "drift"), "the model reads what nobody has approved; write block")


@rule("POL702", "lock-without-digest", "info", persona="strict")
def lock_without_digest(document: Document) -> Iterator[Found]:
    """Whoever can write the lock file decides what counts as approved.

    Why:
        The digest in the policy ties the two together: a lock file that was exchanged stops the start.
    Bad:
        pins: {file: smcp.lock}
    Good:
        pins:
          file: smcp.lock
          digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    Fix:
        Write the digest that `smcp pin` prints.
    See: docs/pins.md
    """
    assert document.policy is not None
    if document.policy.pins is not None and document.policy.pins.digest is None:
        yield Found(("pins",), "no digest, so any lock file of that name counts; write the one that smcp pin prints")
