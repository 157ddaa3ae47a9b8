"""Decision -> wire: one table for every edge. Pure.

The rows are what real clients of both eras survive: an error without an id must ride on a 4xx status (on 200 it
hangs clients), and a 4xx on a call tears down the 1.x Python client, so a policy's refusals are 200 with the id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from smcp_security.decision import CODES, Action, Answer, Finding
from smcp_security.message import Era, Kind, Message
from smcp_security.strict_json import serialise

JSON: Final = ("content-type", "application/json")
INTERNAL: Final = -31500
WITHHELD: Final = -31502
REFUSED: Final = -31422


@dataclass(frozen=True, slots=True)
class Row:
    """How one class of denial is answered: JSON-RPC code, HTTP status by era, whether the request's id is echoed."""

    rpc: int
    modern: int
    legacy: int
    echo: bool = False


_INVALID = Row(-32600, 400, 400)
_UNREADABLE = Row(-32700, 400, 400)
_IN_ARGUMENTS = Row(REFUSED, 200, 200, True)
_WITHHELD = Row(WITHHELD, 200, 200, True)

_ROWS: Final[Mapping[str, Row]] = {
    "SMCP001": Row(INTERNAL, 200, 200, True),
    "SMCP002": Row(INTERNAL, 200, 200, True),
    "SMCP003": _INVALID,
    "SMCP101": Row(-31421, 421, 421),
    "SMCP102": Row(-31403, 403, 403),
    "SMCP103": Row(-31431, 431, 431),
    "SMCP104": Row(-31413, 413, 413),
    "SMCP105": Row(-31415, 415, 415),
    "SMCP106": Row(-31415, 415, 415),
    "SMCP107": _INVALID,
    "SMCP108": Row(-31405, 405, 405),
    "SMCP109": _INVALID,
    "SMCP110": Row(-31403, 403, 403),
    "SMCP111": Row(-31403, 403, 403),
    "SMCP113": _UNREADABLE,
    "SMCP114": _UNREADABLE,
    "SMCP115": _UNREADABLE,
    "SMCP116": _UNREADABLE,
    "SMCP124": Row(-32020, 400, 400, True),
    "SMCP125": Row(-32602, 400, 400, True),
    "SMCP126": Row(-32022, 400, 400, True),
    "SMCP127": Row(-32601, 404, 200, True),
    "SMCP128": Row(-32602, 400, 200, True),
    "SMCP401": Row(-31429, 429, 429),
    "SMCP402": Row(-31429, 200, 200, True),
    "SMCP701": _WITHHELD,
    "SMCP702": _WITHHELD,
    "SMCP703": _WITHHELD,
}


def _row(code: str) -> Row:
    if code in _ROWS:
        return _ROWS[code]
    return _INVALID if code.startswith("SMCP1") else _IN_ARGUMENTS


def answer(
    blocking: Finding, findings: Sequence[Finding], message: Message | None, *, rate_status: int = 200
) -> Answer:
    """The HTTP answer to a refused request. `blocking` is the finding that refused it."""
    row = _row(blocking.code)
    era = Era.LEGACY if message is None else message.era
    status = rate_status if blocking.code == "SMCP402" else row.modern if era is Era.MODERN else row.legacy
    headers = _headers(blocking)
    # An envelope that was refused leaves the message untyped: its id, if any, is not to be trusted.
    known = message is not None and bool(message.revision)
    if message is not None and known and message.kind is not Kind.REQUEST:
        return _without_reply(message, status, blocking, headers)
    if message is not None and known and row.echo:
        if row is _IN_ARGUMENTS and message.method == "tools/call" and "task" not in message.params:
            return Answer(200, (JSON, *headers), serialise(_tool_error(message, blocking, findings)))
        return Answer(status, (JSON, *headers), serialise({**_error(row.rpc, blocking), "id": message.id}))
    # A null or missing id on a 200 hangs clients: without one, the status must say that it failed.
    status = status if status >= 400 else 500 if row.rpc == INTERNAL else 400
    return Answer(status, (JSON, *headers), serialise(_error(row.rpc, blocking)))


def _without_reply(message: Message, status: int, blocking: Finding, headers: tuple[tuple[str, str], ...]) -> Answer:
    """A notification or posted response: 202 and dropped in the legacy era, where a 4xx tears 1.x clients down."""
    if message.era is Era.LEGACY:
        return Answer(202)
    error = _error(_row(blocking.code).rpc, blocking)
    return Answer(status if status >= 400 else 400, (JSON, *headers), serialise(error))


def substitute(blocking: Finding, message: Message) -> bytes | None:
    """What the server gets in place of a refused posted response, so that the tool that waits for it ends at once."""
    if message.kind is not Kind.RESPONSE or message.id is None or message.era is Era.MODERN:
        return None
    return serialise({**_error(REFUSED, blocking), "id": message.id})


def withheld(blocking: Finding, id: str | int | None) -> bytes:
    """The JSON-RPC error in place of a result: the call ran, so that no model repeats a side effect."""
    error = _error(_row(blocking.code).rpc, blocking)
    error["error"]["message"] = "The call ran; its result was withheld."
    return serialise(error if id is None else {**error, "id": id})


def _error(rpc: int, blocking: Finding) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": rpc, "message": _meaning(blocking), "data": _data(blocking)}}


def _meaning(blocking: Finding) -> str:
    row = CODES.get(blocking.code)
    return row.meaning if row is not None else f"A text in the message looks like an attack ({blocking.slug})."


def _data(blocking: Finding) -> dict[str, Any]:
    """Facts of the finding, never the payload, a rule's pattern or a secret."""
    data: dict[str, Any] = {"code": blocking.code, "reason": blocking.slug}
    if blocking.code == "SMCP402":
        data["retryAfterMs"] = ceil(blocking.retry_after * 1000)
    else:
        data.update(blocking.data)
    if blocking.where:
        data["where"] = blocking.where
    if (remediation := _remediation(blocking)) and blocking.code != "SMCP001":
        data["remediation"] = remediation
    return data


def _remediation(blocking: Finding) -> str:
    row = CODES.get(blocking.code)
    advice = row.remediation if row is not None else ""
    expected = f"Expected: {blocking.hint}." if blocking.hint and row is not None else blocking.hint
    return " ".join(part for part in (expected, advice) if part)


def _tool_error(message: Message, blocking: Finding, findings: Sequence[Finding]) -> dict[str, Any]:
    """A tool result with `isError` (SEP-1303), so that the model can correct itself."""
    told = [item for item in findings if item.action is Action.BLOCK] or [blocking]
    lines = [f"Refused by policy before the tool ran. {_meaning(blocking)}"]
    lines += [f"- {item.code} {item.slug} at {item.where or '/'}: {_remediation(item)}" for item in told]
    result: dict[str, Any] = {"content": [{"type": "text", "text": "\n".join(lines)}], "isError": True}
    if message.era is Era.MODERN:
        result["resultType"] = "complete"
    return {"jsonrpc": "2.0", "id": message.id, "result": result}


def _headers(blocking: Finding) -> tuple[tuple[str, str], ...]:
    if blocking.code == "SMCP108":
        return (("allow", "GET, POST, DELETE"),)
    if blocking.code == "SMCP401":
        return (("retry-after", str(ceil(blocking.retry_after) or 1)),)
    if blocking.code == "SMCP402":
        return _rate_headers(blocking)
    return ()


def _rate_headers(blocking: Finding) -> tuple[tuple[str, str], ...]:
    """draft-ietf-httpapi-ratelimit-headers-11, and the older Retry-After (RFC 9110, 10.2.3)."""
    wait, quota = ceil(blocking.retry_after) or 1, blocking.data
    return (
        ("retry-after", str(wait)),
        ("ratelimit-policy", f'"{quota["name"]}";q={quota["quota"]};w={ceil(quota["window"])}'),
        ("ratelimit", f'"{quota["name"]}";r=0;t={wait}'),
    )
