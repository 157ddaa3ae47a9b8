"""The table played against real servers: its calls by the official client, whole requests over a raw connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import mcp_types as types
from mcp import Client, MCPError

from tests.acceptance.disk import placed
from tests.acceptance.edges.knocking import Came, Seen, request_of
from tests.acceptance.fate import answered
from tests.acceptance.houses.process import House, inhabited, written
from tests.acceptance.http_rows import Asked, HttpRow, http_rows, policy
from tests.acceptance.issuer import Issuer
from tests.acceptance.obedient import digest, says
from tests.acceptance.rows import ROWS
from tests.acceptance.table import Sent
from tests.real.house import Address
from tests.real.wire import Reply, ask

CALLS: Final = tuple(
    sent
    for row in ROWS
    for sent in row.sent
    if not isinstance(sent.message, bytes) and sent.fields is None and sent.message["method"] == "tools/call"
)
Faults = list[tuple[str, str]]


async def whole_table(house: House, policy_file: Path, folder: Path) -> Faults:
    """What goes wrong at a server with the calls of the table, and with all its messages."""
    ran = 0
    async with inhabited(house, policy_file) as address:
        for mode in house.modes:
            async with Client(address.url(), mode=mode) as client:
                wrong, ran = await calls(client, folder, before=ran)
            if wrong:
                return wrong
        return await messages(address, folder)


async def callers(house: House, issuer: Issuer, folder: Path) -> Faults:
    """What goes wrong at a server with the rows of callers, hosts and sessions. The policy is written to `folder`."""
    issuer.publish(folder / "jwks.json")
    async with inhabited(house, written(policy(folder / "jwks.json"), folder)) as address:
        return await requests(address, http_rows(issuer))


async def calls(client: Client, folder: Path, *, before: int = 0) -> tuple[Faults, int]:
    """What goes wrong with the calls of the table, and how many were run.

    Each server says how many calls it has run, so that one which came through in between is noticed at the next.
    """
    wrong, ran = [], before
    for sent in CALLS:
        name, arguments = asked(sent, folder)
        told, refused = await _called(client, name, arguments)
        if sent.codes:
            if not refused or not any(code in told for code in sent.codes):
                wrong.append((sent.name, told[:120]))
            continue
        ran += 1
        if refused or told != says(ran, name, arguments):
            wrong.append((sent.name, told[:120]))
    return wrong, ran


async def _called(client: Client, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    try:
        result = await client.call_tool(name, arguments)
    except MCPError as error:
        return f"{error.error.data}", True
    text = "".join(part.text for part in result.content if isinstance(part, types.TextContent))
    return text, bool(result.is_error)


def asked(sent: Sent, folder: Path) -> tuple[str, dict[str, Any]]:
    """Tool and arguments of a call."""
    assert not isinstance(sent.message, bytes)
    params = sent.message["params"]
    return params["name"], placed(params["arguments"], folder)


async def messages(address: Address, folder: Path) -> Faults:
    """What goes wrong with the messages of the table, sent as whole requests."""
    wrong, seen = [], 0
    for sent in (sent for row in ROWS for sent in row.sent):
        given = sent if isinstance(sent.message, bytes) else replace(sent, message=placed(sent.message, folder))
        request = request_of(given)
        came = _came(await ask(address, request))
        codes = set(answered((), came.body).codes)
        if sent.codes:
            if came.reached or not codes & sent.codes:
                wrong.append((sent.name, f"{came.status} {came.body[:120]!r}"))
            continue
        seen = max(seen + 1, _number(came) if seen == 0 else 0)
        if not came.reached or _number(came) != seen or came.headers["x-body"] != digest(given.raw):
            wrong.append((sent.name, f"{came.status} {came.body[:120]!r} {came.headers}"))
    return wrong


async def requests(address: Address, rows: Sequence[HttpRow]) -> Faults:
    """What goes wrong with the rows of callers, hosts and sessions."""
    wrong, seen = [], 0
    for asked in (asked for row in rows for asked in row.asked):
        came = _came(await ask(address, asked.request))
        if asked.request.host is None and came.status == 400 and not came.reached:
            continue  # h11 and others refuse by themselves what HTTP itself forbids
        fault = fault_of(asked, came)
        if came.reached:
            seen += 1
        if fault or (came.reached and _number(came) != seen):
            wrong.append((asked.name, fault or f"{_number(came)} requests reached it, not {seen}"))
    return wrong


def _came(reply: Reply) -> Came:
    headers = dict(reply.headers)
    fields = headers.get("x-fields", "").split(",")
    reached = (Seen("", dict.fromkeys(fields, ""), b""),) if "x-seen" in headers else ()
    return Came(reply.status, headers, reply.body, reached)


def _number(came: Came) -> int:
    return int(came.headers.get("x-seen", 0))


def fault_of(asked: Asked, came: Came) -> str:
    """What is wrong with the answer to a request; empty if nothing is."""
    if came.status != asked.status and not (came.status == 202 and not asked.codes):
        return f"answered with {came.status}: {came.body[:200]!r}"
    if asked.codes and came.reached:
        return "it reached the server"
    if not asked.codes and not came.reached:
        return "it did not reach the server"
    if asked.codes and not set(answered((), came.body).codes) & asked.codes:
        return f"refused with {came.body[:200]!r}"
    return "" if asked.but(came) else f"answered with {json.dumps(came.body.decode()[:200])}"
