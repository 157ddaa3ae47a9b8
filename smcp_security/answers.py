"""Decision -> wire: one table for every edge. Pure.

The rows are what real clients of both eras survive: an error without an id must ride on a 4xx status (on 200 it
hangs clients), and a 4xx on a call tears down the 1.x Python client, so a policy's refusals are 200 with the id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from smcp_security.codes import CODES
from smcp_security.decision import Action, Answer, Finding
from smcp_security.message import Era, Kind, Message
from smcp_security.strict_json import serialise

JSON: Final = ("content-type", "application/json")
INTERNAL: Final = -31500
WITHHELD: Final = -31502
UNAVAILABLE: Final = -31503
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

AS_LISTED: Final[Mapping[str, int]] = MappingProxyType({})
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
    "SMCP201": Row(-31401, 401, 401),
    "SMCP202": Row(-31401, 401, 401),
    "SMCP203": Row(-31401, 401, 401),
    "SMCP204": Row(-31401, 401, 401),
    "SMCP205": Row(-31401, 401, 401),
    "SMCP206": Row(UNAVAILABLE, 503, 503, True),
    "SMCP207": Row(-31429, 429, 429),
    "SMCP208": Row(-31400, 400, 400),
    "SMCP209": Row(-31400, 400, 400),
    "SMCP210": Row(-32600, 404, 404),
    "SMCP301": Row(-31403, 200, 200, True),
    "SMCP302": Row(-31403, 403, 403, True),
    "SMCP303": Row(-32602, 400, 200, True),
    "SMCP304": Row(-32602, 400, 200, True),
    "SMCP305": Row(-32602, 400, 200, True),
    "SMCP401": Row(-31429, 429, 429),
    "SMCP402": Row(-31429, 200, 200, True),
    "SMCP403": Row(-31429, 200, 200, True),
    "SMCP404": Row(-31429, 200, 200, True),
    "SMCP920": Row(-31403, 200, 200, True),
    "SMCP921": Row(UNAVAILABLE, 200, 200, True),
    "SMCP923": _WITHHELD,
    "SMCP701": _WITHHELD,
    "SMCP702": _WITHHELD,
    "SMCP703": _WITHHELD,
    "SMCP704": _WITHHELD,
}


# Refused for now: the answer says when to come back.
_RATES: Final = frozenset({"SMCP402", "SMCP403", "SMCP404"})
_PACED: Final = _RATES | {"SMCP206", "SMCP207"}


def _row(code: str) -> Row:
    if code in _ROWS:
        return _ROWS[code]
    return _INVALID if code.startswith("SMCP1") else _IN_ARGUMENTS


def answer(
    blocking: Finding, findings: Sequence[Finding], message: Message | None, *, statuses: Mapping[str, int] = AS_LISTED
) -> Answer:
    """The HTTP answer to a refused request. `blocking` is the finding that refused it.

    `statuses` is HTTP statuses by code, where the policy says another one than the table.
    """
    row = _row(blocking.code)
    era = Era.LEGACY if message is None else message.era
    listed = row.modern if era is Era.MODERN else row.legacy
    status = statuses.get(blocking.code, listed)
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
    status = max(status, listed)
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
    error = _error(_ROWS.get(blocking.code, _WITHHELD).rpc, blocking)
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
    if blocking.code in _PACED:
        data["retryAfterMs"] = _milliseconds(blocking.retry_after)
    if blocking.code not in _RATES:
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
    if blocking.challenge:
        return (("www-authenticate", blocking.challenge),)
    if blocking.code in _RATES and "name" in blocking.data:
        return _rate_headers(blocking)
    if blocking.code in _PACED or blocking.code == "SMCP401":
        return (("retry-after", str(_seconds(blocking.retry_after))),)
    return ()


def _milliseconds(seconds: float) -> int:
    """Never early; a nanosecond is what stores take for rounding."""
    return max(ceil(seconds * 1000 - 1e-6), 1)


def _seconds(seconds: float) -> int:
    return max(ceil(seconds - 1e-9), 1)


def _rate_headers(blocking: Finding) -> tuple[tuple[str, str], ...]:
    """draft-ietf-httpapi-ratelimit-headers-11, and the older Retry-After (RFC 9110, 10.2.3)."""
    wait, quota = _seconds(blocking.retry_after), blocking.data
    # "tokens" is no unit of the draft's registry yet; without one it would read as requests.
    unit = f';qu="{quota["unit"]}"' if "unit" in quota else ""
    window = f";w={_seconds(quota['window'])}" if "window" in quota else ""
    return (
        ("retry-after", str(wait)),
        ("ratelimit-policy", f'"{quota["name"]}";q={quota["quota"]}{unit}{window}'),
        ("ratelimit", f'"{quota["name"]}";r=0;t={wait}'),
    )
