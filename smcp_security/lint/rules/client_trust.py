"""Rules about whom a client trusts: addresses, approval without asking, names, what stands in front of a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from smcp_security.lint.destruction import is_destructive
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Edit, Fix, Found
from smcp_security.lint.launch import Word, commands, servers
from smcp_security.lint.recognition import APPROVING
from smcp_security.lint.registry import rule
from smcp_security.policy.places import Path, shown_key

_APPROVING: Final = ("alwaysAllow", "autoApprove", "autoapprove", "autoApproveTools", "always_allow", "allowedTools")
_TRUSTING: Final = ("trust", "trusted", "autoApproveAll", "dangerouslySkipPermissions", "alwaysAllowAll")
_WILD: Final = re.compile(r"\*+|.*\(\*\)|all|mcp__\*", re.IGNORECASE)


@rule("CFG301", "plain-http", "high", reads="client", fixes="unsafe")
def plain_http(document: Document) -> Iterator[Found]:
    """A server beyond this machine is reached without TLS.

    Why:
        Whoever is on the way reads the credentials and the conversation, and answers in the server's place: what it
        says reaches the model.
    Bad:
        {"mcpServers": {"notes": {"url": "http://notes.example.com/mcp"}}}
    Good:
        {"mcpServers": {"notes": {"url": "https://notes.example.com/mcp"}}}
    Fix:
        Write `https://`; the server must have a certificate. Loopback needs none.
    See: https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization https://cwe.mitre.org/data/definitions/319.html
    """
    for server in servers(document):
        for address in server.addresses:
            if address.text.lower().startswith(("http://", "ws://")) and not _is_near(address.text):
                fix = _with_tls(document, address) if address == server.address else None
                yield Found(address.path, "is reached without TLS; write https://", fix=fix)


def _is_near(address: str) -> bool:
    """Whether an address is of this machine, or named by a variable that may be."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    if host.startswith("$") or host in ("localhost", "host.docker.internal", "") or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _with_tls(document: Document, address: Word) -> Fix | None:
    span = document.span(address.path)
    start = document.offset(span.line, span.column) + 1
    scheme = address.text.partition(":")[0]
    if document.text[start : start + len(scheme)] != scheme:
        return None
    return Fix((Edit(start, start + len(scheme), f"{scheme}s"),), safe=False)


@rule("CFG302", "blanket-approval", "high", reads="client", fixes="unsafe")
def blanket_approval(document: Document) -> Iterator[Found]:
    """Every tool of a server runs without asking, today's and those that it will have.

    Why:
        A server may change its tools at any time. The question to the user is what stands between a text that the
        model has read and what happens.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "trust": true}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "autoApprove": ["find_note", "list_notes"]}}}
    Fix:
        Name the tools that only read; a policy in front decides about the others.
    See: docs/proxy.md https://owasp.org/www-project-mcp-top-10/
    """
    told = "runs every tool without asking, now and later; name the tools that only read"
    for path, value in _approvals(document):
        if value is True:
            yield Found(path, told, fix=Fix((document.replaced(path, "false"),), safe=False))
        elif isinstance(value, str) and _WILD.fullmatch(value):
            yield Found(path, told)
        for place, each in enumerate(value if isinstance(value, list) else ()):
            if isinstance(each, str) and _WILD.fullmatch(each):
                yield Found((*path, place), told)


def _approvals(document: Document) -> Iterator[tuple[Path, Any]]:
    """What says which tools run without asking: of single servers, and of the whole editor."""
    for key in APPROVING:
        if document.value.get(key) is True:
            yield (key,), True
    for server in servers(document):
        for key in _APPROVING:
            if key in server.said:
                yield (*server.path, key), server.said[key]
        for key in _TRUSTING:
            if server.said.get(key) is True:
                yield (*server.path, key), True


@rule("CFG303", "destructive-approval", "medium", "medium", reads="client")
def destructive_approval(document: Document) -> Iterator[Found]:
    """A tool that destroys by its name runs without asking.

    Why:
        What it removes is gone before anybody has seen the call.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "alwaysAllow": ["find_note", "delete_note"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "alwaysAllow": ["find_note"]}}}
    Fix:
        Take the tool out of the list, so that its user is asked.
    See: https://owasp.org/www-project-mcp-top-10/
    """
    for path, value in _approvals(document):
        for place, each in enumerate(value if isinstance(value, list) else ()):
            if isinstance(each, str) and is_destructive(each):
                yield Found((*path, place), "runs without asking, and destroys by its name; take it out of the list")


@rule("CFG304", "servers-alike", "medium", reads="client")
def servers_alike(document: Document) -> Iterator[Found]:
    """Two servers have names that look the same.

    Why:
        What was approved for one is easily taken for the other, and clients that ignore case know only one of them.
    Bad:
        {"mcpServers": {"Notes": {"command": "/opt/notes/serve"}, "notes": {"command": "/opt/other/serve"}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve"}, "library": {"command": "/opt/other/serve"}}}
    Fix:
        Rename one of the two, or remove the one that nobody meant.
    See: https://cwe.mitre.org/data/definitions/1007.html
    """
    # Late, with the tables of look-alikes.
    from smcp_security.checks.shadows import shadows

    by_holder: dict[Path, list[str]] = {}
    for server in servers(document):
        by_holder.setdefault(server.path[:-1], []).append(server.name)
    for path, names in by_holder.items():
        for shadow in shadows(names):
            if shadow.twin:
                yield Found((*path, names[shadow.place]), "looks like the name of another server; rename one", key=True)


@rule("CFG305", "program-and-address", "medium", reads="client")
def program_and_address(document: Document) -> Iterator[Found]:
    """A server is both started and connected to.

    Why:
        Clients differ in which of the two they take: who has read the address has not read what another client runs.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "url": "https://notes.example.com/mcp"}}}
    Good:
        {"mcpServers": {"notes": {"url": "https://notes.example.com/mcp"}}}
    Fix:
        Keep the one that is meant.
    See: https://modelcontextprotocol.io/docs/develop/connect-local-servers
    """
    for server in servers(document):
        if server.words and server.address is not None:
            yield Found(server.address.path[:-1], "has a program and an address; keep the one that is meant", key=True)


@rule("CFG306", "old-transport", "info", reads="client", persona="strict")
def old_transport(document: Document) -> Iterator[Found]:
    """A server is reached over HTTP with SSE, which MCP has replaced.

    Why:
        A stream and its messages are two requests there, so a session id in an address is all that holds them
        together. Clients and servers give it up one after the other.
    Bad:
        {"mcpServers": {"notes": {"type": "sse", "url": "https://notes.example.com/sse"}}}
    Good:
        {"mcpServers": {"notes": {"type": "http", "url": "https://notes.example.com/mcp"}}}
    Fix:
        Use the server's Streamable HTTP endpoint.
    See: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
    """
    for server in servers(document):
        kind = server.said.get("type", server.said.get("transport"))
        if server.address is not None and kind == "sse":
            yield Found(server.address.path, "uses a transport that MCP has replaced; use Streamable HTTP")


@rule("CFG307", "no-policy-in-front", "info", reads="client", persona="strict")
def no_policy_in_front(document: Document) -> Iterator[Found]:
    """Nothing stands between the client and a server that it starts.

    Why:
        What the model asks for is what the server does. `smcp proxy` puts a policy in front without a change of either.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve"}}}
    Good:
        {"mcpServers": {"notes": {"command": "smcp",
          "args": ["proxy", "--policy", "/etc/notes/policy.yaml", "--", "/opt/notes/serve"]}}}
    Fix:
        Put `smcp proxy --policy policy.yaml --` before the command; `smcp init` proposes a policy.
    See: docs/proxy.md#for-your-client
    """
    for server in servers(document):
        if server.words and not any(command.name == "smcp" for command in commands(server)):
            yield Found(
                server.path, f"nothing stands in front of {shown_key(server.name)}; put smcp proxy before it", key=True
            )
