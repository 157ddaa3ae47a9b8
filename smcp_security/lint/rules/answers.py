"""Rules about `results`, `pins` and `profile`: settings that act on nothing, and answers that say too much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule
from smcp_security.lint.stated import role_may
from smcp_security.policy.globs import matches
from smcp_security.policy.places import Path

_READABLE: Final = 2_097_152
"""Bytes: some 500,000 tokens, more than most models read at once."""


@rule("POL607", "marks-of-nothing", "medium")
def marks_of_nothing(document: Document) -> Iterator[Found]:
    """Tools are named as untrusted, and nothing is done about it.

    Why:
        `untrusted` says whose texts `datamark` marks as data in any case. With another `injection` it acts on nothing,
        and the texts of strangers reach the model as they are.
    Bad:
        results: {injection: annotate, untrusted: ["web.*"]}
    Good:
        results: {injection: datamark, untrusted: ["web.*"]}
    Fix:
        Write `injection: datamark`, or take `untrusted` out.
    See: docs/results.md#instructions-in-results-injection-untrusted https://cwe.mitre.org/data/definitions/1427.html
    """
    assert document.policy is not None
    results = document.policy.results
    if results.untrusted and results.injection in ("annotate", "off"):
        told = f"acts with injection: datamark alone, and here it is {results.injection}; write datamark"
        yield Found(("results", "untrusted"), told)


@rule("POL608", "untrusted-out-of-reach", "medium")
def untrusted_out_of_reach(document: Document) -> Iterator[Found]:
    """A tool that is named as untrusted is one that no role may call.

    Why:
        Mostly the name is misspelt, and the texts that were meant are not marked.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: [read_page]}]}
        results: {injection: datamark, untrusted: [raed_page]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: [read_page]}]}
        results: {injection: datamark, untrusted: [read_page]}
    Fix:
        Write the name as `roles` have it.
    See: docs/results.md#instructions-in-results-injection-untrusted
    """
    policy = document.policy
    assert policy is not None
    for index, glob in enumerate(policy.results.untrusted if policy.roles else ()):
        if not any(role_may(policy, name, glob) for name in policy.roles or ()):
            yield Found(("results", "untrusted", index), "no role may call such a tool; is it spelt as meant?")


@rule("POL609", "results-of-unknown-tool", "medium")
def results_of_unknown_tool(document: Document) -> Iterator[Found]:
    """A setting of `results` is for a tool that the server does not have.

    Why:
        The results of the tool that was meant are not marked, not held to a tenant, or masked where they must not be.
        Asked where a list of tools is known: `--tools`, or the lock file of `pins`.
    Bad:
        # with --tools, and a server that has find_book
        results: {injection: datamark, untrusted: [find_boks]}
    Good:
        # with --tools, and a server that has find_book
        results: {injection: datamark, untrusted: [find_book]}
    Fix:
        Write the name as the server has it.
    See: docs/results.md
    """
    known = document.known
    for path, glob in _named(document) if known is not None else ():
        if known is not None and not any(matches(glob, tool) for tool in known.tools):
            yield Found(path, f"{known.source} has no such tool, so this never counts")


def _named(document: Document) -> Iterator[tuple[Path, str]]:
    """Every glob on tools in `results`, with its path."""
    assert document.policy is not None
    results = document.policy.results
    yield from ((("results", "untrusted", at), glob) for at, glob in enumerate(results.untrusted))
    yield from ((("results", "keep", at, "tool"), kept.tool) for at, kept in enumerate(results.keep))
    for at, assertion in enumerate(results.tenant):
        yield from ((("results", "tenant", at, "tools", index), glob) for index, glob in enumerate(assertion.tools))


@rule("POL610", "answer-over-context", "info", persona="strict")
def answer_over_context(document: Document) -> Iterator[Found]:
    """Answers may be larger than a model reads.

    Why:
        One answer then pushes out of the conversation what the user has said, and costs what a day of others costs.
    Bad:
        results: {max_size: 8MiB}
    Good:
        results: {max_size: 8MiB, max_tokens: 20000}
    Fix:
        Write `max_tokens`: what is over is cut off, and the answer says so.
    See: docs/results.md#length-max_size-max_tokens https://cwe.mitre.org/data/definitions/770.html
    """
    assert document.policy is not None
    results = document.policy.results
    if results.max_tokens is None and results.max_size >= _READABLE and document.written(("results", "max_size")):
        yield Found(("results", "max_size"), "is more than models read at once; write max_tokens as well")


@rule("POL611", "errors-told", "medium", "medium")
def errors_told(document: Document) -> Iterator[Found]:
    """Errors of the server reach callers from elsewhere as they are.

    Why:
        Traces say which versions run, where files lie and what queries look like; error texts of databases hold rows.
    Bad:
        server: {hosts: [mcp.example.com]}
        identity: {api_keys: {file: keys.yaml}}
        results: {errors: pass}
    Good:
        server: {hosts: [mcp.example.com]}
        identity: {api_keys: {file: keys.yaml}}
        results: {errors: mask}
    Fix:
        Mask the insides (`mask`), or leave out every detail (`hide`).
    See: docs/results.md#errors-of-the-server-errors https://cwe.mitre.org/data/definitions/209.html
    """
    policy = document.policy
    assert policy is not None
    if policy.results.errors == "pass" and is_public(policy):
        why = "" if document.written(("results", "errors")) else f"the profile {policy.profile} passes them on: "
        yield Found(("results", "errors"), f"{why}traces tell callers from elsewhere what runs here; write mask")


@rule("POL612", "definitions-unjudged", "medium", fixes="unsafe")
def definitions_unjudged(document: Document) -> Iterator[Found]:
    """Definitions that speak to the model or pose as another tool are not even reported.

    Why:
        The description of a tool is read by the model before anybody has called it: that is where poisoned servers
        write their instructions.
    Bad:
        results: {descriptions: "off"}
    Good:
        results: {descriptions: annotate}
    Fix:
        Report them (`annotate`), or leave them out of lists (`drop`).
    See: docs/results.md#definitions-descriptions https://cwe.mitre.org/data/definitions/1427.html
    """
    assert document.policy is not None
    where = ("results", "descriptions")
    if document.policy.results.descriptions == "off":
        fix = Fix((document.replaced(where, '"annotate"' if document.is_json else "annotate"),), safe=False)
        yield Found(where, "instructions in descriptions reach the model unseen; write annotate", fix=fix)


@rule("POL703", "maximum-without-pins", "info", persona="strict")
def maximum_without_pins(document: Document) -> Iterator[Found]:
    """The strictest profile holds definitions to no lock file.

    Why:
        A server that changes a description after its approval (a rug pull) is noticed by nobody.
    Bad:
        profile: maximum
    Good:
        profile: maximum
        pins: {file: smcp.lock}
    Fix:
        Pin what was approved: `smcp pin` writes the file.
    See: docs/pins.md https://cwe.mitre.org/data/definitions/494.html
    """
    assert document.policy is not None
    if document.policy.profile == "maximum" and document.policy.pins is None:
        yield Found(("profile",), "definitions are held to no lock file; pin what was approved with smcp pin")


@rule("POL704", "lock-not-found", "info", "low", persona="strict")
def lock_not_found(document: Document) -> Iterator[Found]:
    """The lock file that the policy names is not beside it, and no list of tools was given.

    Why:
        Relative names count from where the server starts, so it may lie there. Where it is missing, the server does not
        start; and the rules that compare a policy with the tools that there are have nothing to compare.
    Bad:
        pins: {file: smcp.lock}
    Good:
        # with --tools, and a server that has find_book
        pins: {file: smcp.lock}
    Fix:
        Write it with `smcp pin`, keep it beside the policy, or name it: `smcp lint policy.yaml --tools smcp.lock`.
    See: docs/pins.md
    """
    assert document.policy is not None
    if document.policy.pins is not None and document.known is None:
        yield Found(("pins",), "nothing of that name is beside the policy; pin the tools, or say --tools", key=True)


@rule("POL407", "minimal-with-contracts", "info", persona="strict")
def minimal_with_contracts(document: Document) -> Iterator[Found]:
    """Arguments are described, and the profile is the one for servers that nobody has described.

    Why:
        `minimal` reports markup, templates and operators of databases where `standard` blocks them, because it must
        guess what arguments hold. With contracts nobody has to guess.
    Bad:
        profile: minimal
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Good:
        profile: standard
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Fix:
        Write `profile: standard`, and try it with `mode: monitor` for a week.
    See: docs/policy.md#profiles
    """
    assert document.policy is not None
    if document.policy.profile == "minimal" and any(tool.arguments for tool in document.policy.tools.values()):
        yield Found(("profile",), "is for servers that nobody has described; with contracts write standard")
