"""Compares two tapes of the same run: every request must have had the same answer, header by header, event by event.

What cannot be equal is blanked: ids that are times, sessions, dates, sealed state, lengths. A stream that the client
left may have got further on one of the tapes.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_VOLATILE_MEMBERS = frozenset({"requestState", "taskId", "createdAt", "lastUpdatedAt"})
_VOLATILE_HEADERS = frozenset({"date", "mcp-session-id", "content-length"})
_TIMES = 10**9
"""The suite numbers some requests by the clock."""
_EVENTS = re.compile(r"\r?\n\r?\n")
_OURS = "SMCP"


@dataclass(frozen=True)
class Exchange:
    """One exchange in a form that can be compared; `parts` is the body, or its events."""

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    left: bool = field(compare=False)
    """Whether the client went before the end."""
    refusal: str
    """The JSON-RPC error code of the answer, where it is an error at all, as text."""
    ours: bool
    """Whether the answer is the middleware's own."""


def read_tape(file: Path) -> list[Exchange]:
    """The exchanges of a tape, in the order in which they ended."""
    return [_exchange(json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def differences(bare: Iterable[Exchange], protected: Iterable[Exchange]) -> list[str]:
    """What a client would see differently, one line each. A refusal counts as equal to one of the same kind."""
    ours, theirs = _by_request(protected), _by_request(bare)
    # Refused before its body was read: such a request is known by its status alone.
    unread = ours.pop("", [])
    found = []
    for asked in ours.keys() | theirs.keys():
        found += _unmatched(asked, theirs.get(asked, []), ours.get(asked, []), unread)
    return found + [f"only protected: {exchange.status} to a request that was not read" for exchange in unread]


def _by_request(tape: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    grouped: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in tape:
        grouped[exchange.asked].append(exchange)
    return grouped


def _unmatched(asked: str, bare: list[Exchange], protected: list[Exchange], unread: list[Exchange]) -> list[str]:
    found = []
    for one in bare:
        other = next((it for it in protected if it == one), None)
        other = other or next((it for it in protected if _alike(one, it)), None)
        if other is not None:
            protected.remove(other)
            continue
        early = next((it for it in unread if it.status == one.status >= 400), None)
        if early is not None:
            unread.remove(early)
        else:
            found.append(f"only bare: {one.status} {one.refusal} {''.join(one.parts)[:300]} to {asked[:300]}")
    for one in protected:
        found.append(f"only protected: {one.status} {one.refusal} {''.join(one.parts)[:300]} to {asked[:300]}")
    return found


def _alike(bare: Exchange, protected: Exchange) -> bool:
    if protected.ours:
        return (bare.status, bare.refusal) == (protected.status, protected.refusal)
    shorter, longer = sorted((bare, protected), key=lambda exchange: len(exchange.parts))
    cut = shorter.left and longer.parts[: len(shorter.parts)] == shorter.parts
    return cut and (bare.status, bare.headers) == (protected.status, protected.headers)


def _exchange(line: Mapping[str, Any]) -> Exchange:
    asked = _json(line["asked"])
    number = asked.get("id") if isinstance(asked, dict) else None
    clock = str(number) if isinstance(number, int) and number > _TIMES else ""
    bodies = _bodies(line)
    error = next((body["error"] for body in bodies if isinstance(body, dict) and "error" in body), {})
    data = error.get("data")
    return Exchange(
        asked="" if asked is None and line["http"] == "POST" else _blanked(line["http"], asked, clock),
        status=line["status"],
        headers=tuple(sorted((name, _header(name, value)) for name, value in line["headers"])),
        parts=tuple(_blanked("", body, clock) for body in bodies),
        left=line["left"],
        refusal=str(error.get("code", "")),
        ours=isinstance(data, dict) and str(data.get("code", "")).startswith(_OURS),
    )


def _header(name: str, value: str) -> str:
    return "*" if name in _VOLATILE_HEADERS else value


def _bodies(line: Mapping[str, Any]) -> list[Any]:
    if dict(line["headers"]).get("content-type") != "text/event-stream":
        return [_json(line["got"])] if line["got"] else []
    return [_event(event) for event in _EVENTS.split(line["got"]) if event.strip()]


def _event(event: str) -> Any:
    lines = re.split(r"\r?\n", event)
    data = "\n".join(line[5:].strip() for line in lines if line.startswith("data:"))
    body = _json(data)
    if not isinstance(body, dict):
        return sorted(line.split(":")[0] for line in lines)
    return body | {"": sorted(line.split(":")[0] for line in lines)}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _blanked(before: str, value: Any, clock: str) -> str:
    text = f"{before} {json.dumps(_still(value), sort_keys=True)}"
    return text.replace(clock, "*") if clock else text


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "*" if key in _VOLATILE_MEMBERS else _still(member) for key, member in value.items()}
    return [_still(item) for item in value] if isinstance(value, list) else value
