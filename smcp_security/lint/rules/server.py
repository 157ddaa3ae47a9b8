"""Rules about `server`, `mode` and `profile`: who reaches the server, and what only reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain
from smcp_security.policy.addresses import authority_of, split_port
from smcp_security.policy.agreement import is_loopback
from smcp_security.policy.model import ModePolicy

_WIDE_V4: Final = 8
_WIDE_V6: Final = 32
"""Prefix lengths below which a network is no longer somebody's own: 10.0.0.0/8 is the widest private one."""


@rule("POL010", "monitor-mode", "medium")
def monitor_mode(document: Document) -> Iterator[Found]:
    """The whole policy reports and denies nothing.

    Why:
        Monitor mode is for a trial. Left on, attacks are recorded and let through. Sections on trial one by one are
        not reported.
    Bad:
        mode: monitor
    Good:
        mode: {injection: monitor}
    Fix:
        Take `mode` out when the trial is over, or name the sections that are on trial still.
    See: docs/policy.md#top-level
    """
    assert document.policy is not None
    if all(not document.policy.enforces(section) for section in ModePolicy.model_fields):
        yield Found(("mode",), "every section is in monitor mode, so nothing that can be let through is denied")


@rule("POL011", "section-on-trial", "info", persona="strict")
def section_on_trial(document: Document) -> Iterator[Found]:
    """A section reports and does not deny.

    Why:
        It is a decision for a time, and nobody is reminded of it.
    Bad:
        mode: {limits: monitor}
    Good:
        mode: {limits: enforce}
    Fix:
        Take it out when the trial is over.
    See: docs/policy.md#top-level
    """
    assert document.policy is not None
    on_trial = [section for section in ModePolicy.model_fields if not document.policy.enforces(section)]
    for section in on_trial if len(on_trial) < len(ModePolicy.model_fields) else ():
        yield Found(("mode", section), f"findings of {section} are reported and let through")


@rule("POL101", "any-host", "high")
def any_host(document: Document) -> Iterator[Found]:
    """The server answers to any name in `Host`.

    Why:
        A web page can give its own name the address of this server (DNS rebinding), and the browser then lets it read
        the answers.
    Bad:
        server: {hosts: ["*"]}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Name the hosts that clients ask for.
    See: docs/policy.md#server https://cwe.mitre.org/data/definitions/350.html
    """
    assert document.policy is not None
    for index, host in enumerate(document.policy.server.hosts or ()):
        if host == "*":
            yield Found(("server", "hosts", index), "admits any name, so a web page can rebind its own to this server")


@rule("POL102", "origin-over-http", "medium", "medium")
def origin_over_http(document: Document) -> Iterator[Found]:
    """A web page that is loaded over plain http may call.

    Why:
        Whoever is between the browser and that page can put a script into it, and the script calls with the user's
        credentials.
    Bad:
        server: {hosts: ["mcp.example.com"], origins: ["http://app.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {hosts: ["mcp.example.com"], origins: ["https://app.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Serve the page over https, and write its origin so.
    See: docs/policy.md#server https://cwe.mitre.org/data/definitions/319.html
    """
    assert document.policy is not None
    for index, origin in enumerate(document.policy.server.origins or ()):
        if origin.startswith("http://") and not is_loopback(origin.replace(":*", "")):
            yield Found(("server", "origins", index), "anybody on the way can change that page; serve it over https")


@rule("POL103", "wide-proxies", "high", "medium")
def wide_proxies(document: Document) -> Iterator[Found]:
    """Whole provinces of the network are believed as proxies.

    Why:
        Whose `X-Forwarded-For` is believed chooses its own address, and so gets out of every limit per address; with
        `identity.forwarded` or `certificate` it chooses who it is.
    Bad:
        server: {trusted_proxies: ["64.0.0.0/4"]}
    Good:
        server: {trusted_proxies: ["10.0.3.7", "10.0.3.8"]}
    Fix:
        Name the addresses of the proxies, or the one network that only they are in.
    See: docs/policy.md#server https://cwe.mitre.org/data/definitions/348.html
    """
    assert document.policy is not None
    asserted = document.policy.identity is not None and (
        document.policy.identity.forwarded is not None or document.policy.identity.certificate is not None
    )
    for index, proxy in enumerate(document.policy.server.trusted_proxies):
        if proxy == "unix":
            continue
        least = _WIDE_V4 if proxy.version == 4 else _WIDE_V6
        if proxy.prefixlen < least or (asserted and proxy.prefixlen == least):
            yield Found(("server", "trusted_proxies", index), "believes a whole province; name the proxies alone")


@rule("POL104", "unlisted-mcp-ignored", "high")
def unlisted_mcp_ignored(document: Document) -> Iterator[Found]:
    """MCP at paths that `server.paths` does not name is let through unjudged.

    Why:
        A second endpoint that somebody mounts, or a spelling of the first that the framework takes too, goes past
        every check.
    Bad:
        server: {unlisted_mcp: ignore}
    Good:
        server: {unlisted_mcp: check}
    Fix:
        Take it out, or write `check`, which judges such messages as if the path were listed.
    See: docs/policy.md#server
    """
    assert document.policy is not None
    if document.policy.server.unlisted_mcp == "ignore":
        yield Found(("server", "unlisted_mcp"), "MCP at a path that is not listed passes every check; write check")


@rule("POL105", "flood-guard-off", "medium")
def flood_guard_off(document: Document) -> Iterator[Found]:
    """Nothing stands in front of the parser.

    Why:
        `limits` count messages that were read; the flood guard spares the reading. Without it one address keeps a
        process busy with bodies of the largest size.
    Bad:
        server: {flood: off}
    Good:
        server: {flood: {rate: 200/second, burst: 1000}}
    Fix:
        Give it a rate far above what clients send.
    See: docs/policy.md#server https://cwe.mitre.org/data/definitions/770.html
    """
    assert document.policy is not None
    if document.policy.server.flood is None:
        yield Found(("server", "flood"), "one address can keep a process busy with parsing; give it a rate")


@rule("POL106", "resource-over-http", "medium")
def resource_over_http(document: Document) -> Iterator[Found]:
    """Clients are told to send their credentials over plain http.

    Why:
        Whoever is on the way reads them. Clients that keep to OAuth refuse such a resource.
    Bad:
        server: {resource: "http://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Write https; a proxy in front may end the encryption.
    See: docs/policy.md#server https://cwe.mitre.org/data/definitions/319.html
    """
    yield from vain("reach.resource_in_clear", document)


@rule("POL107", "resource-host-refused", "medium", "medium")
def resource_host_refused(document: Document) -> Iterator[Found]:
    """The name in `server.resource` is none that `server.hosts` admits.

    Why:
        Clients ask for the host of the resource, and such requests are refused with 421, unless a proxy in front
        writes another `Host`. Without `hosts` loopback names alone are admitted.
    Bad:
        server: {resource: "https://mcp.example.com/mcp"}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Add the name to `server.hosts`.
    See: docs/policy.md#server
    """
    assert document.policy is not None
    server = document.policy.server
    if server.resource is None or "*" in (server.hosts or ()):
        return
    name, _ = split_port(authority_of(server.resource).lower())
    admitted = {split_port(host.lower())[0] for host in server.hosts or ()}
    if name not in admitted and not (server.hosts is None and is_loopback(server.resource)):
        yield Found(("server", "resource"), "server.hosts does not admit this name, so clients that ask for it get 421")


@rule("POL108", "any-method", "medium")
def any_method(document: Document) -> Iterator[Found]:
    """Methods that no revision of the protocol defines pass, whatever they are called.

    Why:
        What `extra_methods` lets through no schema and no check knows: it goes to the server as it came.
    Bad:
        server: {extra_methods: ["*", "*/*"]}
    Good:
        server: {extra_methods: ["tasks/*", "x-vendor/thing"]}
    Fix:
        Name the methods, or the vendor's prefix.
    See: docs/policy.md#server
    """
    assert document.policy is not None
    for index, method in enumerate(document.policy.server.extra_methods):
        if not method.replace("*", "").replace("/", ""):
            yield Found(("server", "extra_methods", index), "lets any method through; name those that the server knows")


@rule("POL109", "old-protocol", "info", persona="strict")
def old_protocol(document: Document) -> Iterator[Found]:
    """A public server speaks the first revision of the protocol still.

    Why:
        Its transport has no sessions that belong to a caller, and its clients tear down on a 4xx.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Good:
        server: {hosts: ["mcp.example.com"], min_protocol: "2025-03-26"}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Set `server.min_protocol` to what your clients speak.
    See: docs/policy.md#server
    """
    assert document.policy is not None
    if is_public(document.policy) and document.policy.server.min_protocol == "2024-11-05":
        yield Found(("server", "min_protocol"), "clients of 2024-11-05 are let in; name what yours speak")
