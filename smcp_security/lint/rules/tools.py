"""Rules about `tools`, `prompts`, `resources` and `arguments`: contracts that never act or confine nothing."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain
from smcp_security.policy.globs import matches


@rule("POL401", "empty-entry", "low")
def empty_entry(document: Document) -> Iterator[Found]:
    """An entry says nothing.

    Why:
        Where every tool is let through anyway, an entry without schema and contracts changes nothing, and reads as if
        it did.
    Bad:
        tools: {find_book: {}}
    Good:
        unlisted_tools: deny
        tools: {find_book: {}}
    Fix:
        Write contracts, close the list with `unlisted_tools: deny`, or take the entry out.
    See: docs/policy.md#tools
    """
    yield from vain("contract_reach.entries_that_say_nothing", document)


@rule("POL402", "entry-of-nobody", "medium")
def entry_of_nobody(document: Document) -> Iterator[Found]:
    """Contracts are written for a tool that no role may call.

    Why:
        They never act; mostly the name is misspelt, and the tool that was meant has no contract.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: [read_page]}]}
        tools:
          raed_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: [read_page]}]}
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Fix:
        Write the name as `roles` have it.
    See: docs/policy.md#tools
    """
    yield from vain("contract_reach.tools_that_nobody_calls", document)


@rule("POL403", "root-of-everything", "high")
def root_of_everything(document: Document) -> Iterator[Found]:
    """A contract for paths lets every file there is through.

    Why:
        A root of `/` confines nothing: keys, passwords and other users' files are inside of it.
    Bad:
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/"]}}}
    Good:
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Fix:
        Name the folders that the tool works in.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/22.html
    """
    yield from vain("contract_reach.roots_of_everything", document)


@rule("POL404", "unknown-argument", "medium")
def unknown_argument(document: Document) -> Iterator[Found]:
    """A contract is for an argument that the schema beside it does not have.

    Why:
        It never acts; mostly the name is misspelt, and the argument that was meant has no contract.
    Bad:
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}}
            arguments: {paht: {kind: path, roots: ["/srv/library"]}}
    Good:
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}}
            arguments: {path: {kind: path, roots: ["/srv/library"]}}
    Fix:
        Write the name as the schema has it.
    See: docs/policy.md#contracts
    """
    yield from vain("contract_reach.arguments_that_do_not_exist", document)


@rule("POL405", "inference-off", "low", "medium")
def inference_off(document: Document) -> Iterator[Found]:
    """Arguments without a contract are plain text everywhere.

    Why:
        What is inferred from schemas and names (paths, URLs, commands, queries) is what protects the arguments that
        nobody has described; without it `../../etc/passwd` is a text like others.
    Bad:
        infer: false
    Good:
        tools:
          "editor.*": {infer: false}
    Fix:
        Switch it off for the tools where it is wrong, not for all.
    See: docs/policy.md#contracts
    """
    assert document.policy is not None
    if not document.policy.infer:
        yield Found(("infer",), "paths, URLs and commands without a contract are plain text; switch it off per tool")


@rule("POL406", "unknown-tool-entry", "medium")
def unknown_tool_entry(document: Document) -> Iterator[Found]:
    """An entry of `tools` is for a tool that the server does not have.

    Why:
        Its contracts never act, and the tool that was meant has none. Asked where a list of tools is known: `--tools`,
        or the lock file of `pins`.
    Bad:
        # with --tools, and a server that has find_book
        tools:
          find_boks: {arguments: {isbn: {kind: identifier}}}
    Good:
        # with --tools, and a server that has find_book
        tools:
          find_book: {arguments: {isbn: {kind: identifier}}}
    Fix:
        Write the name as the server has it; a `*` does not cross a slash.
    See: docs/policy.md#tools
    """
    policy, known = document.policy, document.known
    assert policy is not None
    for name in policy.tools if known is not None else ():
        if known is not None and not any(name == tool or matches(name, tool) for tool in known.tools):
            yield Found(("tools", name), f"{known.source} has no such tool, so this never counts", key=True)
