"""What orchestrators and Prometheus ask a guard, answered by the edge itself: the same at every HTTP edge.

Asked before everything else, since a kubelet names an address as the Host: no rung sees it, and no record is made. So
only those are answered who ask from the policy's `probes.networks`; for others there is at these paths what the app has
there. A request that bears the marks of a proxy that is not trusted may come from anywhere: it is the app's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final, Literal, TypeAlias

import msgspec

from smcp_security.adapters.facts import Scope, http_of
from smcp_security.adapters.places import normalised, spellings
from smcp_security.adapters.sending import Send, send_answer
from smcp_security.checks.transport import UNIX, client_address, is_trusted
from smcp_security.decision import Answer
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.health import Health, Part
from smcp_security.policy import Policy
from smcp_security.policy.observation import ProbesPolicy

Kind = Literal["live", "ready", "metrics"]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

_METHODS: Final = ("GET", "HEAD")
_HERE: Final = (UNIX, ip_network("127.0.0.0/8"), ip_network("::1/128"))
_RELAYED: Final = frozenset(
    "forwarded x-real-ip via x-client-ip x-cluster-client-ip cf-connecting-ip true-client-ip fly-client-ip".split()
)
_FORWARDED: Final = "x-forwarded"
"""How the names begin of what proxies tell of a request, and nobody does who asks by himself."""

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked. `near`: from this very machine, so that the answer says why."""

    kind: Kind
    near: bool


def asked(scope: Mapping[str, Any], policy: Policy, probes: ProbesPolicy | None = None) -> Probe | None:
    """The probe that a request is, by its path, its method and who sends it; None: it is the app's."""
    probes = policy.probes if probes is None else probes
    if probes is None or scope["method"] not in _METHODS:
        return None
    kinds = _kinds(probes.live, probes.ready, probes.metrics)
    kind = next((kinds[path] for path in spellings(scope) if path in kinds), None)
    if kind is None:
        return None
    address = _sender(scope, policy)
    if address is None or not is_trusted(address, probes.networks):
        return None
    return Probe(kind, is_trusted(address, _HERE))


async def answer(probe: Probe, security: SMCPSecurityFramework) -> Answer:
    """What it is told; a look at what may hang has its deadline."""
    if probe.kind == "ready":
        return _readiness(await security.health(), probe)
    if probe.kind == "metrics":
        # Late: without metrics there is nothing to wait for.
        import asyncio

        return await asyncio.to_thread(_figures)
    return _life(security)


def answer_sync(probe: Probe, security: SMCPSecurityFramework) -> Answer:
    """`answer` without an event loop."""
    if probe.kind == "ready":
        return _readiness(security.health_sync(), probe)
    return _figures() if probe.kind == "metrics" else _life(security)


def app(security: SMCPSecurityFramework) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An ASGI app that answers probes and nothing else, for a port of their own or a mount.

    Where the policy has no section `probes`, with the defaults of one.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live_on(receive, send)
        elif scope["type"] == "http":
            policy = security.policy
            probe = asked(scope, policy, policy.probes or ProbesPolicy())
            await send_answer(Answer(404) if probe is None else await answer(probe, security), send)

    return serve


@lru_cache(maxsize=16)
def _kinds(live: str | None, ready: str | None, metrics: str | None) -> dict[str, Kind]:
    named: tuple[tuple[str | None, Kind], ...] = ((live, "live"), (ready, "ready"), (metrics, "metrics"))
    return {normalised(path): kind for path, kind in named if path is not None}


def _sender(scope: Mapping[str, Any], policy: Policy) -> str | None:
    """The address of who asks; None where a proxy stands between and it cannot be known."""
    http = http_of(scope)
    if not any(name in _RELAYED or name.startswith(_FORWARDED) for name in http.headers.first):
        return http.peer
    address = client_address(http, policy.server.trusted_proxies)
    return None if address == http.peer else address


def _life(security: SMCPSecurityFramework) -> Answer:
    """Nothing is asked: what a part lacks, no restart would mend."""
    return _told(503, {"status": "closed"}) if security.closed else _told(200, {"status": "live"})


def _readiness(health: Health, probe: Probe) -> Answer:
    parts = {part.name: _told_of(part, near=probe.near) for part in health.parts}
    return _told(200 if health.ready else 503, {"status": health.status, "parts": parts})


def _told_of(part: Part, *, near: bool) -> dict[str, Any]:
    """Why a part fails names files and issuers: that is for this machine alone."""
    why = {"detail": part.detail, "seconds": round(part.seconds, 3)} if near else {}
    return {"ok": part.ok, **why}


def _figures() -> Answer:
    # Late: `prometheus_client` is there for those alone whose policy asks for it.
    from smcp_security import metrics

    try:
        body, content_type = metrics.exposition()
    except OSError:  # the folder of the workers is gone
        return _told(503, {"status": "unreadable"})
    return _answer(200, content_type, body)


def _told(status: int, value: Any) -> Answer:
    return _answer(status, _JSON, msgspec.json.encode(value))


def _answer(status: int, content_type: str, body: bytes) -> Answer:
    return Answer(status, (("content-type", content_type), ("cache-control", "no-store")), body)


async def _live_on(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
