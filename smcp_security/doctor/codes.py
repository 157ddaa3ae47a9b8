"""The one table of what the mount check can find, and the value of one finding. Pure.

A code is never reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """One row: what it means and what to do. Errors fail the check, warnings only where it is strict."""

    code: str
    slug: str
    level: Level
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found. `where` is a path, a setting or a name; `detail` says what is special about it."""

    code: str
    where: str
    detail: str = ""

    @property
    def row(self) -> Code:
        """Its row of the table."""
        return CODES[self.code]


_ROWS: Final = (
    Code(
        "DOC001",
        "unguarded",
        "error",
        "An MCP endpoint is served and nothing of smcp_security stands in front of it.",
        "Put SMCPMiddleware around the whole application, outside of every mount.",
    ),
    Code(
        "DOC002",
        "in-process-only",
        "warning",
        "An MCP endpoint is judged inside the server alone: what the SDK parsed, not the bytes that came.",
        "Put SMCPMiddleware around the application as well; nothing is judged or counted twice.",
    ),
    Code(
        "DOC003",
        "unnamed-path",
        "error",
        "A path that looks like MCP stands behind the middleware, and server.paths does not name it: what it "
        "is sent is refused, or with unlisted_mcp: ignore not judged at all.",
        "Add the path to server.paths, as it is inside the root path.",
    ),
    Code(
        "DOC004",
        "found-path",
        "warning",
        "The path is guarded because its endpoint was found among the routes; server.paths does not name it.",
        "Add it to server.paths, so that a change of the routes leaves it guarded.",
    ),
    Code(
        "DOC005",
        "unserved-path",
        "warning",
        "server.paths names a path that nothing serves: a misspelt one leaves the real one to chance.",
        "Correct it, or take it out.",
    ),
    Code(
        "DOC006",
        "shadowed-route",
        "warning",
        "A path of `probes` is a route of the application too: who asks from probes.networks gets the guard's answer.",
        "Name another path in `probes`, null where the application's own answer should stand, or take the route out.",
    ),
    Code(
        "DOC010",
        "compressor-inside",
        "error",
        "A middleware that compresses stands inside of SMCPMiddleware: what arrives compressed cannot be inspected "
        "and is withheld.",
        "Move it outside: in Starlette and FastAPI add it after SMCPMiddleware, in Django list it before.",
    ),
    Code(
        "DOC011",
        "cors-inside",
        "error",
        "A CORS middleware stands inside of SMCPMiddleware: preflights are judged as calls, and "
        "refusals lack its fields.",
        "Move it outside: in Starlette and FastAPI add it after SMCPMiddleware, in Django list it before.",
    ),
    Code(
        "DOC012",
        "stacked",
        "error",
        "SMCPMiddleware stands here twice: each call is judged by both, and charged and recorded twice.",
        "Keep the outer one.",
    ),
    Code(
        "DOC013",
        "reads-before",
        "error",
        "What stands outside of SMCPMiddleware reads the body: what is left cannot be judged, and calls are refused or "
        "hang.",
        "Put SMCPMiddleware outside of it.",
    ),
    Code(
        "DOC020",
        "any-host",
        "error",
        "server.hosts admits any Host: a web page can reach the server by DNS rebinding.",
        "Name the hosts that clients ask for.",
    ),
    Code(
        "DOC021",
        "framework-any-host",
        "error",
        "The framework's own list of hosts is a wildcard, so routes beside MCP answer to any name.",
        "Name the hosts that clients ask for.",
    ),
    Code(
        "DOC022",
        "debug",
        "error",
        "Debug is on: tracebacks with source and values are answered to callers.",
        "Turn it off where others can reach the server.",
    ),
    Code(
        "DOC030",
        "unusable-policy",
        "error",
        "The policy, its keys or the rules cannot be used: the server does not start, or answers nothing.",
        "Correct what the line names.",
    ),
    Code(
        "DOC031",
        "store-away",
        "error",
        "The shared store does not answer: limits are counted by each process alone, what needs the store is denied.",
        "Start it, or correct store.url; --offline asks nothing over the network.",
    ),
    Code(
        "DOC032",
        "keys-away",
        "error",
        "Keys that credentials are verified with cannot be had: their callers are refused.",
        "Correct the issuer's entry or its file; --offline asks nothing over the network.",
    ),
    Code(
        "DOC033",
        "vault-away",
        "error",
        "The vault of the policy cannot be opened with what vault.key names: a server with this policy does not start.",
        "Correct what the line names.",
    ),
    Code(
        "DOC034",
        "ungranted-secret",
        "error",
        "A guarded tool asks for a secret that no grant of the policy gives to it: every call of it is refused.",
        "Add a grant to vault.grants that names the secret and the tool, or correct one of the two names.",
    ),
    Code(
        "DOC035",
        "missing-secret",
        "error",
        "A guarded tool asks for a secret that the vault does not have, or that has expired or is too short to be "
        "given: every call of it is refused.",
        "Store it with `smcp vault set`, under the owner that the grant names.",
    ),
    Code(
        "DOC040",
        "misplaced-decorator",
        "error",
        "@secure_tool stands above the SDK's decorator, which registered the bare function: it guards nothing.",
        "Put @secure_tool directly above the function, below @mcp.tool().",
    ),
    Code(
        "DOC041",
        "unsecured-server",
        "error",
        "An MCP server object has neither `secure(...)` nor decorated tools, and no guarded route leads to it.",
        "Call secure(server) where it is made, serve it behind SMCPMiddleware, or run it by smcp proxy and ignore it.",
    ),
    Code(
        "DOC042",
        "undecorated-tool",
        "warning",
        "Some tools of the server have @secure_tool and this one has not.",
        "Decorate it, or call secure(server), which secures all of them.",
    ),
    Code(
        "DOC050",
        "unseen-routes",
        "error",
        "The application does not say which routes it has, and no SMCPMiddleware stands in front of it.",
        "Put SMCPMiddleware around it, or name the application inside it.",
    ),
    Code(
        "DOC051",
        "no-shutdown",
        "error",
        "The application starts but does not shut down.",
        "Let the part of its lifespan after `yield` end by itself.",
    ),
)

CODES: Final = {row.code: row for row in _ROWS}
