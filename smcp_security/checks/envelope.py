"""The envelope rung: JSON-RPC 2.0, the era and revision, a method that the revision knows, params of its shape.

No decision rests on a mirrored header: the era comes from the body first, and headers only have to agree. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smcp_security import revisions
from smcp_security.checks.http import Headers
from smcp_security.checks.routing import header_mismatch
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.message import Era, Kind, Message, typed
from smcp_security.policy import ServerPolicy
from smcp_security.policy.globs import matches

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
VERSION_HEADER: Final = "mcp-protocol-version"
# To as many questions of a tool at once; each costs the official models about 5 microseconds.
_MAX_ANSWERS: Final = 1_000
_ERROR_KEYS: Final = revisions.Shape(frozenset({"code", "message", "data"}), frozenset({"code", "message", "data"}))


def build(server: ServerPolicy) -> Rung:
    """The envelope rung for a policy's server section."""
    accepted = revisions.KNOWN[revisions.KNOWN.index(server.min_protocol) :]
    extras = tuple(server.extra_methods)

    def envelope(context: Context) -> Outcome:
        message = context.message
        if message is None:
            return CLEAN
        if (refused := _not_jsonrpc(message.value)) is not None:
            return refused
        headers = None if context.http is None else context.http.headers
        meta = _meta(message.value)
        era = _era(meta, None if headers is None else headers.get(VERSION_HEADER))
        message = typed(message, era, _revision(message.value, meta, headers))
        ladder = _modern if message.era is Era.MODERN else _legacy
        refused = ladder(message, context, accepted) or _misshapen(message, extras)
        return Outcome(refused.findings if refused else (), edit=message)

    return pure(envelope)


def _not_jsonrpc(value: Mapping[str, Any]) -> Outcome | None:
    """What is wrong with the envelope itself; nothing of it can be trusted then, the id included."""
    if not value.keys() <= revisions.ENVELOPE.keys:
        return denied("SMCP123" if revisions.ENVELOPE.twin(dict(value)) is not None else "SMCP122", "/*")
    if value.get("jsonrpc") != "2.0":
        return denied("SMCP120", "/jsonrpc", hint='the string "2.0"')
    # bool is an int to Python, and no id to JSON-RPC.
    if "id" in value and type(value["id"]) not in (str, int):
        return denied("SMCP121", "/id")
    if "method" in value:
        return _not_a_call(value)
    return _not_a_response(value)


def _not_a_call(value: Mapping[str, Any]) -> Outcome | None:
    if type(value["method"]) is not str:
        return denied("SMCP120", "/method", hint="a string")
    if "result" in value or "error" in value:
        return denied("SMCP120", "/method", hint="a method, or a result, not both")
    return None


def _not_a_response(value: Mapping[str, Any]) -> Outcome | None:
    if "params" in value or ("result" in value) == ("error" in value):
        return denied("SMCP120", "", hint="a method, a result or an error")
    if "result" in value:
        return None if "id" in value else denied("SMCP121", "/id", hint="the id of the request that this answers")
    error = value["error"]
    if type(error) is not dict or type(error.get("code")) is not int or type(error.get("message")) is not str:
        return denied("SMCP120", "/error", hint="an integer code and a string message")
    return denied("SMCP123", "/error/*") if _ERROR_KEYS.twin(error) else None


def _meta(value: Mapping[str, Any]) -> Mapping[str, Any]:
    params = value.get("params")
    meta = params.get("_meta") if type(params) is dict else None
    return meta if type(meta) is dict else {}


def _era(meta: Mapping[str, Any], header: str | None) -> Era:
    """Modern if the body says so or, where it is silent, if the header names no legacy revision."""
    if VERSION_KEY in meta or (header is not None and header not in revisions.LEGACY):
        return Era.MODERN
    return Era.LEGACY


def _revision(value: Mapping[str, Any], meta: Mapping[str, Any], headers: Headers | None) -> str:
    claimed = meta.get(VERSION_KEY)
    if claimed is None and headers is not None:
        claimed = headers.get(VERSION_HEADER)
    if claimed is None and value.get("method") == "initialize":
        # A client offers what it likes; the server answers with a revision that it knows ("Version Negotiation").
        params = value.get("params")
        offered = params.get("protocolVersion") if type(params) is dict else None
        return offered if type(offered) is str and offered in revisions.LEGACY else revisions.NEWEST_LEGACY
    # A revision nobody knows is caller text: it never travels further than the comparison with the header.
    if type(claimed) is str and claimed in revisions.KNOWN:
        return claimed
    return revisions.ASSUMED if headers is not None else revisions.NEWEST_LEGACY


def _modern(message: Message, context: Context, accepted: tuple[str, ...]) -> Outcome | None:
    """The ladder of 2026-07-28, "Server Validation": presence, headers, revision, then the rest."""
    if message.kind is Kind.RESPONSE:
        return denied("SMCP130")
    meta = _meta(message.value)
    if message.kind is Kind.REQUEST and not {VERSION_KEY, CAPABILITIES_KEY} <= meta.keys():
        return denied("SMCP125", "/params/_meta", hint=f"{VERSION_KEY} and {CAPABILITIES_KEY}")
    if context.http is not None and (where := header_mismatch(message, context.http.headers, meta.get(VERSION_KEY))):
        return denied("SMCP124", where)
    claimed = meta.get(VERSION_KEY, message.revision)
    if type(claimed) is not str:
        return denied("SMCP125", "/params/_meta", hint=f"{VERSION_KEY} as a string")
    offered = [revision for revision in revisions.MODERN if revision in accepted]
    if claimed not in offered:
        return _unsupported(claimed, offered)
    return None


def _unsupported(claimed: str, offered: list[str]) -> Outcome:
    # The revision's schema wants `requested`; a short token of its own alphabet is no payload, anything else is.
    plain = len(claimed) <= 32 and claimed.isascii() and claimed.replace("-", "").replace(".", "").isalnum()
    data = {"supported": offered, "requested": claimed if plain else "(not a revision)"}
    return denied("SMCP126", "MCP-Protocol-Version", data=data)


def _legacy(message: Message, context: Context, accepted: tuple[str, ...]) -> Outcome | None:
    """Mirrored headers mean nothing here, so only the revision counts: the header's, or the one that is assumed."""
    headers = None if context.http is None else context.http.headers
    if headers is not None and VERSION_HEADER in headers.repeated:
        # Not -32020: to a client that speaks both eras, that code says that the server is modern.
        return denied("SMCP107", "MCP-Protocol-Version")
    if message.revision not in accepted:
        return _unsupported(message.revision, list(accepted))
    return None


def _misshapen(message: Message, extras: tuple[str, ...]) -> Outcome | None:
    if message.kind is Kind.RESPONSE:
        return None
    given = message.params.get("inputResponses")
    if type(given) is dict and len(given) > _MAX_ANSWERS:
        return denied("SMCP128", "/params/inputResponses", hint=f"at most {_MAX_ANSWERS} answers")
    if message.kind is Kind.REQUEST:
        known = revisions.requests().get((message.method, message.revision))
    else:
        known = revisions.notifications().get((message.method, message.revision))
    if known is None:
        return _extra(message, extras)
    if (path := known.shape.twin(message.value.get("params"))) is not None:
        return denied("SMCP123", "/params/" + "/".join(path))
    if (where := known.misfit(message.value)) is not None:
        return denied("SMCP128", where)
    return None


def _extra(message: Message, extras: tuple[str, ...]) -> Outcome | None:
    """A method that the revision's models do not define: a vendor's, or one of the tasks extension."""
    bare = message.method.removeprefix("notifications/")
    if not any(matches(glob, message.method) or matches(glob, bare) for glob in extras):
        return denied("SMCP127")
    if type(message.value.get("params", {})) is not dict:
        return denied("SMCP128", "/params")
    required = revisions.TASK_METHODS.get(message.method, ())
    missing = next((key for key in required if type(message.params.get(key)) is not str), None)
    if missing is not None:
        return denied("SMCP128", f"/params/{missing}", hint="a string")
    if revisions.TASK_PARAMS.twin(message.params) is not None:
        return denied("SMCP123", "/params/*")
    return None
