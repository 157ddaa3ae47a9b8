"""The `metrics` and `probes` sections: how a running guard is watched. Pure."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, Strict

from smcp_security.policy.addresses import parse_proxy
from smcp_security.policy.section import Section, Truth
from smcp_security.policy.server import Path, TrustedProxy

_PRIVATE: Final = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "unix")
DEADLINE: Final = 2.0
"""Seconds. Orchestrators give a probe one to ten; a store that takes longer holds up every caller."""


class MetricsPolicy(Section):
    """Who is told of every verdict besides the audit. Each needs its extra."""

    prometheus: Truth = Field(default=False, description="Counters and histograms of prometheus_client.")
    opentelemetry: Truth = Field(default=False, description="Spans and metrics of the OpenTelemetry API.")


class ProbesPolicy(Section):
    """Paths that the edge answers by itself, to GET and HEAD, whatever the app has there."""

    live: Path | None = Field(default="/livez", description="Whether the process serves. null: no such path.")
    ready: Path | None = Field(
        default="/readyz", description="Whether store, keys, audit and policy are there. null: no such path."
    )
    metrics: Path | None = Field(
        default=None, description="What Prometheus reads; needs metrics.prometheus. null: no such path."
    )
    networks: tuple[TrustedProxy, ...] = Field(
        default=tuple(parse_proxy(text) for text in _PRIVATE),
        description="Whose requests are answered there; to others the app answers.",
    )
    deadline: Annotated[float, Strict(), Field(ge=0.1, le=30.0)] = Field(
        default=DEADLINE, description="Seconds that one part may take to answer. 0.1 to 30."
    )
