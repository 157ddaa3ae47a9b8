"""Rules about a file as a whole: whether it can be used at all, and what has no place in any."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Edit, Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.secrets import secrets_of


@rule("POL001", "unusable-policy", "high", reads="raw policy", fixes="safe")
def unusable_policy(document: Document) -> Iterator[Found]:
    """The loader refuses the policy: a server with it does not start.

    Why:
        A mistake stops the start, and a reload keeps the policy before it. Every mistake has its place and what was
        expected.
    Bad:
        version: 1
        server:
          max_bdy: 1MiB
    Good:
        version: 1
        server:
          max_body: 1MiB
    Fix:
        Correct what the line names. `smcp schema` prints a JSON Schema with which editors complete and check the file.
    See: docs/policy.md
    """
    for fault in document.faults:
        mark = document.text.startswith("\ufeff") and (fault.line, fault.column) == (1, 1)
        fix = Fix((Edit(0, 1, ""),)) if mark else None
        start = document.offset(fault.line, fault.column)
        span = document.covering(start, max(document.scalar_end(start), start))
        yield Found(span, fault.problem, fix=fix)


@rule("CFG001", "broken-configuration", "high", reads="text")
def broken_configuration(document: Document) -> Iterator[Found]:
    """A client's configuration is no JSON, not even with comments.

    Why:
        A client that cannot read it starts without its servers, or keeps older ones; and no rule can look at it.
    Bad:
        {"mcpServers": {"notes": {"command": "notes-server" "args": []}}}
    Good:
        {"mcpServers": {"notes": {"command": "notes-server", "args": []}}}
    Fix:
        Correct what the line names. Comments and trailing commas are let through, as editors do.
    See: https://www.rfc-editor.org/rfc/rfc8259
    """
    yield from _faults(document) if document.kind == "client" else ()


@rule("LCK001", "broken-definitions", "high", reads="text")
def broken_definitions(document: Document) -> Iterator[Found]:
    """A lock file or a list of tools is no JSON.

    Why:
        A server with such a lock file does not start, and no rule can look at it.
    Bad:
        {"tools": [{"name": "find_book", "inputSchema": {"type": "object"}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Fix:
        Restore the file, or write it anew: `smcp pin`, or the result of tools/list.
    See: docs/pins.md https://www.rfc-editor.org/rfc/rfc8259
    """
    yield from _faults(document) if document.kind in ("lock", "tools") else ()


def _faults(document: Document) -> Iterator[Found]:
    for fault in document.faults:
        start = document.offset(fault.line, fault.column)
        yield Found(document.covering(start, max(document.scalar_end(start), start)), fault.problem)


@rule("POL002", "secret-in-file", "high", "medium", reads="text")
def secret_in_file(document: Document) -> Iterator[Found]:
    """A credential stands in the file, or in a comment of it.

    Why:
        Policies and configurations are committed, mailed and pasted into issues. Whoever has read the file once has
        the credential for good.
    Bad:
        version: 1
        # until the vault is there: https://ann:orange-7-kettle@proxy.example.com
        workers: 1
    Good:
        version: 1
        audit: {key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Revoke the credential, make a new one, keep it in the environment or the vault, and name it: env:NAME.
    See: docs/policy.md#secrets https://cwe.mitre.org/data/definitions/798.html
    """
    found = secrets_of(document)
    if found is None:
        yield Found((), "holds more that looks like credentials than can be told apart; is this the right file?")
    for secret in found or ():
        what = secret.mask.replace("-", " ")
        told = f"looks like a credential ({what}); revoke it, and keep the new one in the environment or the vault"
        yield Found(document.covering(secret.start, secret.end), told)
