"""Rows 1, 2, 7, 8, 23, 25, 26, 28 and 32: who calls, from where, and whose answer it is. Only edges of HTTP know."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.acceptance.edges.knocking import Came
from tests.acceptance.issuer import ISSUER, RESOURCE, Issuer
from tests.acceptance.obedient import SESSION, TASKS
from tests.real.messages import Request, call, initialize, legacy, modern, posted

ERAS: Final = ("legacy", "modern")
_GATEWAY: Final = ("x-forwarded-user", "x-forwarded-roles")


@dataclass(frozen=True)
class Asked:
    """One HTTP request and what must come of it: a refusal with one of the codes, or an answer of the server."""

    name: str
    request: Request
    codes: frozenset[str] = frozenset()
    status: int = 200
    but: Callable[[Came], bool] = lambda came: True
    """What else must hold of the answer."""


@dataclass(frozen=True)
class HttpRow:
    """One incident: requests that are sent in this order."""

    number: int
    incident: str
    asked: Sequence[Asked]

    @property
    def attacks(self) -> list[Asked]:
        """What must be refused."""
        return [one for one in self.asked if one.codes]


def policy(jwks: Path) -> dict[str, Any]:
    """The policy of these rows."""
    trusted = {"issuer": ISSUER, "algorithms": ["RS256"], "jwks": str(jwks), "tenant_claim": "org"}
    return {
        "version": 1,
        "limits": [],
        "server": {"flood": "off", "resource": RESOURCE, "trusted_proxies": ["10.1.2.3"]},
        "identity": {
            "jwt": [{**trusted, "roles_claim": "roles"}],
            "forwarded": {"user": _GATEWAY[0], "roles": _GATEWAY[1]},
        },
        "roles": {"reader": {"allow": [{"tools": ["look", TASKS]}]}, "admin": {"allow": [{"tools": ["*"]}]}},
        "results": {"tenant": [{"tools": [TASKS], "pointer": "/items/*/workspace_id"}]},
    }


def http_rows(issuer: Issuer) -> tuple[HttpRow, ...]:
    """The rows, with tokens of this issuer."""
    token = issuer.token()
    return (
        HttpRow(1, "CVE-2026-33032: a sibling route that asks nobody who they are", _strangers(token)),
        HttpRow(2, "CVE-2026-46519: a tool that is only left out of the list", _hidden(issuer)),
        HttpRow(7, "CVE-2025-66414, -66416: DNS rebinding", _rebound(token)),
        HttpRow(8, "CVE-2025-49596: a browser's GET through 0.0.0.0", _zero(token)),
        HttpRow(23, "Asana: rows of another tenant", _tenants(issuer)),
        HttpRow(25, "CVE-2026-33946: a stolen session", _sessions(issuer)),
        HttpRow(26, "CVE-2025-53365, -53366: malformed params", _malformed(token)),
        HttpRow(28, "GHSA-g53w-w6mj-hrpp: a gateway's header from outside", _vouched(token)),
        HttpRow(32, "a token for another audience, or forged", _forged(issuer)),
    )


def bearing(request: Request, token: str) -> Request:
    """The request with a bearer token."""
    return request.setting("authorization", f"Bearer {token}")


def _refused(name: str, request: Request, status: int, codes: str) -> Asked:
    return Asked(name, request, frozenset(codes.split()), status)


def _strangers(token: str) -> list[Asked]:
    sibling = "/mcp_message"
    rows = []
    for era in ERAS:
        build = modern if era == "modern" else legacy
        erase = call(era, "erase")
        rows += [
            _refused(f"{era} call at a sibling route", erase.at(sibling), 403, "SMCP110"),
            _refused(f"{era} call there with a token", bearing(erase.at(sibling), token), 403, "SMCP110"),
            _refused(f"{era} call without a token", erase, 401, "SMCP201"),
            _refused(f"{era} list without a token", build("tools/list"), 401, "SMCP201"),
            _refused(f"{era} nonsense without a token", erase.carrying(b"not json"), 401, "SMCP201"),
            Asked(f"{era} call with a token", bearing(call(era, "look"), token)),
        ]
    get = Request(method="GET", length=False)
    rows.append(_refused("a stream without a token", get, 401, "SMCP201"))
    rows.append(_refused("the end of a session without a token", replace(get, method="DELETE"), 401, "SMCP201"))
    form = Request(b"a=1", (("content-type", "application/x-www-form-urlencoded"),), path="/login")
    return [*rows, Asked("another route of the app", get.at("/health")), Asked("a form at another route", form)]


def _hidden(issuer: Issuer) -> list[Asked]:
    rows = []
    for era in ERAS:
        build = modern if era == "modern" else legacy
        for tool in ("erase", "nsuch", "Look", "l/ook"):
            rows.append(_refused(f"{era} call of {tool}", bearing(call(era, tool), issuer.token()), 200, "SMCP301"))
        rows.append(Asked(f"{era} call of look", bearing(call(era, "look"), issuer.token())))
        admin = issuer.token("eve", roles=["admin"])
        rows.append(Asked(f"{era} call of erase by an admin", bearing(call(era, "erase"), admin)))
        listed = bearing(build("tools/list"), issuer.token())
        rows.append(Asked(f"{era} list", listed, but=lambda came: _names(came) == ["look"]))
    nobody = issuer.token(roles=[])
    rows.append(_refused("a caller without a role", bearing(call("legacy", "look"), nobody), 200, "SMCP301"))
    return rows


def _names(came: Came) -> list[str]:
    return [tool["name"] for tool in json.loads(came.body)["result"]["tools"]]


def _rebound(token: str) -> list[Asked]:
    honest = bearing(call("modern", "look"), token)
    hosts = ("attacker.example:8000", "localhost.attacker.example", "127.0.0.1.nip.example", "0.0.0.0:8000", "", None)
    origins = ("http://attacker.example", "null", "http://localhost.attacker.example", "file://",
               "http://localhost:80, http://attacker.example")  # fmt: skip
    twice = honest.adding(("origin", "http://localhost:80"), ("origin", "http://attacker.example"))
    return [
        *[_refused(f"Host {host}", honest.named(host), 421, "SMCP101") for host in hosts],
        *[_refused(f"Origin {one}", honest.adding(("origin", one)), 403, "SMCP102") for one in origins],
        _refused("two Origins", twice, 403, "SMCP102"),
        *[Asked(f"Host {host}", honest.named(host)) for host in ("localhost:8000", "127.0.0.1:1", "[::1]:8000")],
        Asked("Origin on loopback", honest.adding(("origin", "http://localhost:80"))),
    ]


def _zero(token: str) -> list[Asked]:
    path = "/sse?transportType=stdio&command=touch&args=x"
    accept = (("accept", "text/event-stream"),)
    get = Request(headers=accept, method="GET", path=path, host="0.0.0.0:6277", length=False)
    local = get.named("localhost:6277")
    return [
        _refused("the zero address", get, 421, "SMCP101"),
        _refused("its page", local.adding(("origin", "http://0.0.0.0:6277")), 403, "SMCP102"),
        _refused("nobody's", local, 401, "SMCP201"),
        Asked("a client's", bearing(local, token)),
    ]


def _tenants(issuer: Issuer) -> list[Asked]:
    def whole(came: Came) -> bool:
        return b"umbrella" in came.body and b"acme" not in came.body

    def own(came: Came) -> bool:
        return b"acme" in came.body and b"umbrella" not in came.body

    return [
        *[
            Asked(f"{era} rows of {org}", bearing(call(era, TASKS), issuer.token(org=org)), but=but)
            for era in ERAS
            for org, but in (("acme", own), ("umbrella", whole))
        ],
        Asked("rows of nobody", bearing(call("legacy", TASKS), issuer.token()),
              but=lambda came: b"acme" not in came.body and b"umbrella" not in came.body),
    ]  # fmt: skip


def _sessions(issuer: Issuer) -> list[Asked]:
    ann, eve = issuer.token(), issuer.token("eve")
    ping = legacy("ping", session=SESSION)
    leaving = Request(method="DELETE", length=False, headers=(("mcp-session-id", SESSION),))
    note = posted({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, session=SESSION)
    return [
        Asked("a session opens", bearing(initialize(), ann), but=lambda came: "mcp-session-id" in came.headers),
        *[
            _refused(f"a thief's {name}", bearing(request, eve), 404, "SMCP210")
            for name, request in (
                ("ping", ping), ("call", legacy("tools/call", {"name": "look", "arguments": {}}, session=SESSION)),
                ("notification", note), ("stream", replace(leaving, method="GET")), ("goodbye", leaving),
            )
        ],
        _refused("a ping of nobody", ping, 401, "SMCP201"),
        Asked("its owner's ping", bearing(ping, ann)),
    ]  # fmt: skip


def _malformed(token: str) -> list[Asked]:
    frame = bearing(legacy("tools/call", {}), token)
    spoilt = ("[]", '"x"', "null", "1", "{}", '{"name":1}', '{"name":"look","arguments":[]}', '{"name":{}}')
    return [
        *[
            _refused(f"params {params}", frame.carrying(_call_with(params)), 200, "SMCP120 SMCP128")
            for params in spoilt
        ],
        Asked("the honest call", bearing(call("legacy", "look"), token)),
    ]


def _call_with(params: str) -> str:
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'


def _vouched(token: str) -> list[Asked]:
    def spared(came: Came) -> bool:
        return all(name not in seen.headers for seen in came.reached for name in _GATEWAY)

    rows = []
    for era in ERAS:
        words = zip(_GATEWAY, ("root", "admin"), strict=True)
        attack = call(era, "erase").adding(*words)
        forged = attack.adding(("x-forwarded-for", "10.1.2.3"))
        rows += [
            _refused(f"{era}: the gateway's word", attack, 401, "SMCP201"),
            _refused(f"{era}: as if from there", forged, 401, "SMCP201"),
            _refused(f"{era}: beside a token", bearing(attack, token), 200, "SMCP301"),
            Asked(f"{era}: a token beside it decides", bearing(call(era, "look"), token).adding((_GATEWAY[0], "root")),
                  but=spared),
        ]  # fmt: skip
    return rows


def _forged(issuer: Issuer) -> list[Asked]:
    return [
        *[
            _refused(name, bearing(call("modern", "look"), token), 401, "SMCP202 SMCP203 SMCP204")
            for name, token in issuer.forged().items()
        ],
        Asked("an honest token", bearing(call("modern", "look"), issuer.token())),
    ]
