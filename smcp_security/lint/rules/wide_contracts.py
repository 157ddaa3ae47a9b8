"""Rules about `tools.*.arguments`: contracts that confine less than they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smcp_security.lint.breadth import running_option, runs_anything, takes_anything, wide_root
from smcp_security.lint.contradictions import inside
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.stated import contracts_in, role_may
from smcp_security.policy.model import Policy
from smcp_security.policy.places import shown_key
from smcp_security.policy.roots import is_everything

_CLEAR: Final = frozenset({"http", "ws", "ftp", "git", "telnet"})
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)
_READING: Final = frozenset(
    "read get list find search select show describe fetch view count explain lookup report readonly viewer reader"
    " analyst auditor".split()
)
_WRITING: Final = frozenset("insert update delete merge create alter drop truncate set".split())
_CERTAIN: Final = ("command", "sql", "path", "ssrf", "deserialisation", "control", "secret", "ldap", "template")
_LONG: Final = 65_536


@rule("POL430", "wide-root", "medium", "medium")
def wide_root_of_path(document: Document) -> Iterator[Found]:
    """A contract for paths lets through a home, a folder of the system, or one for credentials.

    Why:
        Keys for SSH and clouds, the settings of other programs and the passwords of the machine lie in such folders.
        A path that is confined to them is not confined.
    Bad:
        tools:
          read_note: {arguments: {path: {kind: path, roots: [/home/ann]}}}
    Good:
        tools:
          read_note: {arguments: {path: {kind: path, roots: [/home/ann/notes]}}}
    Fix:
        Name the folders that the tool works in.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/22.html
    """
    for each in contracts_in(document):
        for index, root in enumerate(each.contract.roots if each.contract.kind == "path" else ()):
            told = wide_root(root)
            if told:
                yield Found((*each.path, "roots", index), f"{told}; name the folder that the tool works in")


@rule("POL431", "root-over-own-files", "high")
def root_over_own_files(document: Document) -> Iterator[Found]:
    """A contract for paths lets through what protects the server: its vault, keys, policy, lock file or audit.

    Why:
        A tool that reads there gives keys away; one that writes there decides what the policy says. Only absolute
        names can be compared: what is relative counts from wherever the server starts.
    Bad:
        identity: {api_keys: {file: /srv/library/keys.yaml}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: [/srv/library]}}}
    Good:
        identity: {api_keys: {file: /etc/library/keys.yaml}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: [/srv/library]}}}
    Fix:
        Keep these files in a folder of their own, which no tool has.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/552.html
    """
    assert document.policy is not None
    files = {what: file for what, file in _own_files(document.policy) if file.startswith("/")}
    if document.name.startswith("/"):
        files["this policy"] = document.name
    for each in contracts_in(document):
        for index, root in enumerate(each.contract.roots if each.contract.kind == "path" else ()):
            held = [what for what, file in files.items() if inside(root, file) and not is_everything(root)]
            if held:
                yield Found((*each.path, "roots", index), f"holds {' and '.join(held)}; keep that in a folder apart")


def _own_files(policy: Policy) -> Iterator[tuple[str, str]]:
    """What the server's safety hangs on, and where it is kept."""
    if policy.identity is not None and policy.identity.api_keys is not None and policy.identity.api_keys.file:
        yield "the key file", policy.identity.api_keys.file
    if policy.vault is not None:
        yield "the vault", policy.vault.file
        for key in policy.vault.key:
            yield "the key of the vault", key.removeprefix("passphrase:").removeprefix("file:")
    if policy.pins is not None:
        yield "the lock file", policy.pins.file
    if policy.audit.file:
        yield "the audit", policy.audit.file


@rule("POL432", "inner-hosts-allowed", "high")
def inner_hosts_allowed(document: Document) -> Iterator[Found]:
    """A URL or host may lead into the server's own network.

    Why:
        With `public_only: false` and no hosts named, the metadata service of a cloud, databases and the machines of
        the office are reached with the rights of the server.
    Bad:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https], public_only: false}}}
    Good:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https], public_only: false, hosts: [wiki.internal]}}}
    Fix:
        Name the hosts inside that are meant, or take `public_only: false` out.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/918.html
    """
    for each in contracts_in(document):
        contract = each.contract
        if contract.kind != "url" and contract.kind != "hostname":
            continue
        # A name alone is judged without its addresses.
        leads = contract.kind == "url" or contract.addresses
        if not leads or contract.public_only:
            continue
        if contract.hosts is None or "*" in contract.hosts:
            yield Found((*each.path, "public_only"), "leads to every host of the inside; name those that are meant")


@rule("POL433", "any-public-host", "info", persona="strict")
def any_public_host(document: Document) -> Iterator[Found]:
    """A URL may lead to any host of the internet.

    Why:
        A model that was talked into it sends what it has read as a part of a URL. That is what such a tool is for, if
        it opens pages; most others need a few hosts.
    Bad:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https]}}}
    Good:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https], hosts: ["*.example.com"]}}}
    Fix:
        Name the hosts.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/200.html
    """
    for each in contracts_in(document):
        if each.contract.kind == "url" and (each.contract.hosts is None or "*" in each.contract.hosts):
            yield Found(each.path, "any host may be told what the model has read; name the hosts", key=True)


@rule("POL434", "url-in-clear", "low", fixes="unsafe")
def url_in_clear(document: Document) -> Iterator[Found]:
    """A contract names a scheme whose traffic anybody on the way reads and changes.

    Why:
        What a page says reaches the model: whoever sits between rewrites it.
    Bad:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https, http]}}}
    Good:
        tools:
          open_page: {arguments: {url: {kind: url, schemes: [https]}}}
    Fix:
        Write https alone.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/319.html
    """
    for each in contracts_in(document):
        if each.contract.kind == "url" and document.written((*each.path, "schemes")):
            clear = [scheme for scheme in each.contract.schemes if scheme in _CLEAR]
            if clear:
                where = (*each.path, "schemes", each.contract.schemes.index(clear[0]))
                yield Found(
                    where, f"{clear[0]} is read and changed on the way; write https", fix=_secured(document, each.path)
                )


def _secured(document: Document, path: tuple[str | int, ...]) -> Fix | None:
    """`schemes: [https]` in place of a list of one line that has https as well."""
    spelt = document.scalar((*path, "schemes"))
    if spelt.endswith("]") and "https" in (document.at((*path, "schemes")) or ()):
        return Fix((document.replaced((*path, "schemes"), '["https"]' if document.is_json else "[https]"),), safe=False)
    return None


@rule("POL435", "any-scheme-of-http", "info", persona="strict")
def any_scheme_of_http(document: Document) -> Iterator[Found]:
    """A contract for URLs names no schemes, so http is among them.

    Why:
        What a page says reaches the model: whoever sits between rewrites it.
    Bad:
        tools:
          open_page: {arguments: {url: {kind: url, hosts: [api.example.com]}}}
    Good:
        tools:
          open_page: {arguments: {url: {kind: url, hosts: [api.example.com], schemes: [https]}}}
    Fix:
        Write `schemes: [https]`.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/319.html
    """
    for each in contracts_in(document):
        if each.contract.kind == "url" and not document.written((*each.path, "schemes")):
            yield Found(each.path, "http is let through as well; write schemes: [https]", key=True)


@rule("POL436", "writing-for-readers", "medium", "medium")
def writing_for_readers(document: Document) -> Iterator[Found]:
    """A tool or a role that is named for reading may write to the database.

    Why:
        The name is what people and models go by. A statement that writes comes through the reader's tool as well, and
        nobody looks for it there.
    Bad:
        tools:
          search_orders: {arguments: {sql: {kind: sql, statements: [select, delete], tables: ["public.*"]}}}
    Good:
        tools:
          search_orders: {arguments: {sql: {kind: sql, statements: [select], tables: ["public.*"]}}}
    Fix:
        Leave out the statements that write, or give them to a tool and roles of their own.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/732.html
    """
    assert document.policy is not None
    for each in contracts_in(document):
        for index, statement in enumerate(each.contract.statements if each.contract.kind == "sql" else ()):
            readers = _readers(document.policy, each.name) if statement in _WRITING and each.section == "tools" else ""
            if readers:
                yield Found((*each.path, "statements", index), f"{statement} writes, and {readers} only reads by name")


def _readers(policy: Policy, tool: str) -> str:
    """Who of a tool's name, or all of its roles, is called a reader; "" if nobody."""
    if _reads(tool):
        return f"the tool {shown_key(tool)}"
    may = [name for name in policy.roles or {} if role_may(policy, name, tool)]
    return f"the role {shown_key(may[0])}" if may and all(map(_reads, may)) else ""


def _reads(name: str) -> bool:
    said = {word.lower() for word in _WORDS.findall(name)}
    return bool(said & _READING) and not said & {"write", "edit", "update", "delete", "create", "replace", "execute"}


@rule("POL437", "any-table", "low", "medium", persona="strict")
def any_table(document: Document) -> Iterator[Found]:
    """A contract for SQL names no tables.

    Why:
        Whatever the server's own user of the database may read is read: users, sessions, the settings of the database.
    Bad:
        tools:
          run_query: {arguments: {sql: {kind: sql, dialect: postgres}}}
    Good:
        tools:
          run_query: {arguments: {sql: {kind: sql, dialect: postgres, tables: ["public.*"]}}}
    Fix:
        Write `tables`, with their schema as queries write them.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/200.html
    """
    for each in contracts_in(document):
        if each.contract.kind == "sql" and (each.contract.tables is None or "*" in each.contract.tables):
            yield Found(each.path, "every table is let through; name those that the tool is for", key=True)


@rule("POL438", "program-of-programs", "high")
def program_of_programs(document: Document) -> Iterator[Found]:
    """A contract allows a program that runs whatever its arguments say.

    Why:
        `python`, `env`, `xargs`, `ssh` and shells make one allowed program of all programs there are.
    Bad:
        tools:
          run_check: {arguments: {command: {kind: command, programs: {python3: null}}}}
    Good:
        tools:
          run_check: {arguments: {command: {kind: command, programs: {ruff: [check, "src/*"]}}}}
    Fix:
        Allow the program that is meant; list the arguments one by one where it must be an interpreter.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/78.html https://gtfobins.github.io/
    """
    for each in contracts_in(document):
        for program, globs in each.contract.programs.items() if each.contract.kind == "command" else ():
            if runs_anything(program, globs):
                told = f"{shown_key(program)} runs whatever its arguments say; allow the program that is meant"
                yield Found((*each.path, "programs", program), told, key=True)


@rule("POL439", "option-that-runs", "high", "medium")
def option_that_runs(document: Document) -> Iterator[Found]:
    """A contract allows an option with which a program runs, writes or sends what the caller names.

    Why:
        `find -exec`, `git -c core.pager=...`, `tar --to-command` and `rsync -e` start any program; `curl -o` writes any
        file.
    Bad:
        tools:
          search_files: {arguments: {command: {kind: command, programs: {find: ["src/*", "-*"]}}}}
    Good:
        tools:
          search_files: {arguments: {command: {kind: command, programs: {find: ["src/*", -name, -type, "[fd]"]}}}}
    Fix:
        List the options one by one, without the one that is named.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/88.html https://gtfobins.github.io/
    """
    for each in contracts_in(document):
        for program, globs in each.contract.programs.items() if each.contract.kind == "command" else ():
            found = running_option(program, globs)
            if found is not None:
                told = f"lets {found[1]} through, with which {shown_key(program)} does anything; list options singly"
                yield Found((*each.path, "programs", program, found[0]), told)


@rule("POL440", "pattern-of-everything", "medium")
def pattern_of_everything(document: Document) -> Iterator[Found]:
    """A regex contract lets everything through.

    Why:
        It reads as if the argument were confined. Tried are a dozen texts that have nothing in common, attacks among
        them.
    Bad:
        tools:
          tag_book: {arguments: {tag: {kind: regex, pattern: ".*"}}}
    Good:
        tools:
          tag_book: {arguments: {tag: {kind: regex, pattern: "[a-z][a-z0-9-]{0,30}"}}}
    Fix:
        Write what the argument is made of; where it is free text, write `kind: text` with a length.
    See: docs/policy.md#contracts
    """
    for each in contracts_in(document):
        if each.contract.kind == "regex" and takes_anything(each.contract):
            yield Found((*each.path, "pattern"), "takes every text; write what the argument is made of, or kind: text")


@rule("POL441", "text-without-length", "info", persona="strict")
def text_without_length(document: Document) -> Iterator[Found]:
    """A contract for text names no length.

    Why:
        65,536 characters fit then; a title or a question has two hundred.
    Bad:
        tools:
          ask: {arguments: {question: {kind: text}}}
    Good:
        tools:
          ask: {arguments: {question: {kind: text, max_length: 2000}}}
    Fix:
        Write `max_length`.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/770.html
    """
    for each in contracts_in(document):
        if each.contract.kind == "text" and each.contract.max_length >= _LONG:
            yield Found(each.path, "takes a book; write max_length", key=True)


@rule("POL442", "argument-undetected", "medium", "medium")
def argument_undetected(document: Document) -> Iterator[Found]:
    """A contract switches off a category whose hits are attacks in nearly every text.

    Why:
        What the kind itself expects (SQL in an argument for SQL) is let through without saying so. The rest is looked
        for because it is not the argument's content.
    Bad:
        tools:
          add_note: {arguments: {text: {kind: text, max_length: 2000, detect: {command: "off"}}}}
    Good:
        tools:
          add_note: {arguments: {text: {kind: text, max_length: 2000, detect: {command: annotate}}}}
    Fix:
        Report it (`annotate`), exclude the one rule that honest text meets, or write the kind that expects it, such as
        code.
    See: docs/detection.md#contracts
    """
    for each in contracts_in(document):
        for category, action in (each.contract.detect or {}).items():
            if action == "off" and category in _CERTAIN and each.contract.kind in ("text", "json", "code", "html"):
                yield Found((*each.path, "detect", category), "not even reported; write annotate, or exclude one rule")
