"""The `server` section: where MCP is mounted, who may reach it, and the bounds of what is read. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, Strict, WithJsonSchema

from smcp_security.policy.addresses import (
    HOST_PATTERN,
    METHOD_PATTERN,
    ORIGIN_PATTERN,
    PATH_PATTERN,
    RESOURCE_PATTERN,
    Proxy,
    parse_host,
    parse_method,
    parse_origin,
    parse_path,
    parse_proxy,
    parse_resource,
)
from smcp_security.policy.section import Frequency, OrWord, Section, Size
from smcp_security.policy.units import COUNT_MAX, Rate

Revision = Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]

MESSAGE_MAX: Final = 1024 * 1024
"""Bytes. Ten times the largest argument seen in captured traffic; a tool that takes files needs a number of its own."""

DEPTH_MAX: Final = 64
"""Levels. Honest arguments stay below 20; parsers of other languages give up at 100 or 128."""

FLOOD: Final = Rate(50, 1.0)
FLOOD_BURST: Final = 200
"""Messages. A client that starts lists tools, prompts and resources of a large server in parallel and stays below."""

Burst = Annotated[int, Strict(), Field(ge=1, le=COUNT_MAX)]
Host = Annotated[str, BeforeValidator(parse_host), WithJsonSchema({"type": "string", "pattern": HOST_PATTERN})]
Origin = Annotated[str, BeforeValidator(parse_origin), WithJsonSchema({"type": "string", "pattern": ORIGIN_PATTERN})]
Path = Annotated[str, BeforeValidator(parse_path), WithJsonSchema({"type": "string", "pattern": PATH_PATTERN})]
Method = Annotated[str, BeforeValidator(parse_method), WithJsonSchema({"type": "string", "pattern": METHOD_PATTERN})]
TrustedProxy = Annotated[
    Proxy,
    BeforeValidator(parse_proxy),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(unix|[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?)$"}),
]
Resource = Annotated[
    str, BeforeValidator(parse_resource), WithJsonSchema({"type": "string", "pattern": RESOURCE_PATTERN})
]


class FloodPolicy(Section):
    """A guard of this process in front of the parser. It is no user's limit: that is `limits`."""

    rate: Frequency = Field(default=FLOOD, description="Messages per time that one address may send before parsing.")
    burst: Burst = Field(default=FLOOD_BURST, description="Messages that may come at once. 1 to 9,999,999.")


def _flood(value: Any) -> Any:
    if value is None:
        raise ValueError("expected a mapping with rate and burst, or the word off")
    return None if value == "off" else value


Flood = Annotated[
    FloodPolicy | None,
    PlainSerializer(lambda flood: "off" if flood is None else flood.model_dump(mode="json")),
    BeforeValidator(_flood),
    OrWord(("off",)),
]


class ServerPolicy(Section):
    """What the transport and the parser let through. Always enforced; no profile or mode weakens it."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1)] = Field(
        default=("/mcp", "/sse", "/messages"),
        description="Where MCP is mounted, absolute and inside `root_path`. The rest of the app is left alone.",
    )
    hosts: tuple[Host, ...] | None = Field(
        default=None,
        description="Host names a client may ask for: name (default port), name:port, name:* (any port), or * alone."
        " null: loopback names on any port. An empty list: nobody.",
    )
    origins: tuple[Origin, ...] | None = Field(
        default=None,
        description="Web origins that may call, as scheme://host[:port|:*]. null: loopback origins on any port."
        " An empty list: no web page. Requests without an Origin header are not concerned.",
    )
    resource: Resource | None = Field(
        default=None,
        description="The URL of the MCP endpoint as clients know it: what tokens must be issued for (RFC 8707, 9728)."
        " Needed with identity.jwt and identity.introspection.",
    )
    max_body: Size = Field(
        default=MESSAGE_MAX, description="Largest body of a request, in bytes or as 512KiB, 1MiB, 2MB."
    )
    max_depth: Annotated[int, Strict(), Field(ge=1, le=200)] = Field(
        default=DEPTH_MAX, description="Deepest nesting of a message. 1 to 200."
    )
    trusted_proxies: tuple[TrustedProxy, ...] = Field(
        default=(), description="Networks, addresses, or unix (the socket), whose X-Forwarded-For is believed."
    )
    min_protocol: Revision = Field(default="2024-11-05", description="Oldest protocol revision that is spoken.")
    extra_methods: tuple[Method, ...] = Field(
        default=("tasks/*",), description="Globs on methods that the revisions do not define; * does not cross /."
    )
    unlisted_mcp: Literal["refuse", "check", "ignore"] = Field(
        default="refuse", description="What to do with MCP messages at a path that `paths` does not name."
    )
    flood: Flood = Field(
        default=FloodPolicy.untouched(), description="The guard in front of the parser, per address, or off."
    )
    rate_status: Literal[200, 429] = Field(
        default=200, description="HTTP status of a rate denial. 429 tears down older Python clients."
    )
