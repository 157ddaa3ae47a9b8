"""Connects to a server with the official client and brings home all definitions as they came. Judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import IO, Any, Final

import click
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult, ErrorData, ListRootsResult, PaginatedRequestParams
from pydantic import ValidationError

from smcp_security.cli.output import without_log
from smcp_security.cli.pin.ending import Ending
from smcp_security.cli.pin.exchange import Exchange, client
from smcp_security.cli.pin.faults import FAULTS, Unreached, told
from smcp_security.cli.pin.tap import Tap
from smcp_security.cli.pin.target import Target

MODERN: Final = "2026-07-28"
"""The first revision of the newer era; revisions are dates, so they compare as text."""

MOST_PAGES: Final = 1_000
MOST_ENTRIES: Final = 5_000
_EVENT: Final = 16 * 1024 * 1024
_NO_SUCH_METHOD: Final = -32601
_LISTS: Final = (
    ("tools", "tools/list", "tools", "tools"),
    ("prompts", "prompts/list", "prompts", "prompts"),
    ("templates", "resources/templates/list", "resourceTemplates", "resources"),
)
"""Kind of definition, method, member of its result, and the capability that announces it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server showed. Definitions are what came; `odd` are methods whose answers the client could not read."""

    revision: str
    server: dict[str, str]
    instructions: str | None
    tools: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[dict[str, Any]] = field(default_factory=list)
    templates: list[dict[str, Any]] = field(default_factory=list)
    odd: tuple[str, ...] = ()


def visit(target: Target, era: str, timeout: float) -> Seen:
    """All definitions of a server, within `timeout` seconds. A command has ended when this returns.

    Raises `Unreached`, and `click.Abort` for a signal.
    """
    exchange = Exchange()
    with without_log(logging.CRITICAL), tempfile.TemporaryFile("w+b") as said:
        try:
            return asyncio.run(_seen(target, era, timeout, exchange, said))
        except Unreached:
            raise
        except asyncio.CancelledError:
            raise click.Abort from None
        except FAULTS as error:
            raise Unreached(told(error, target, exchange, said, timeout)) from None


async def _seen(target: Target, era: str, timeout: float, exchange: Exchange, said: IO[bytes]) -> Seen:
    async with Ending(timeout) as ending, _transport(target, timeout, exchange, said) as transport:
        tap = Tap(transport, ending)
        async with _client(tap, "legacy" if era == "legacy" else "auto", timeout) as session:
            if era == "modern" and session.protocol_version < MODERN:
                raise Unreached(
                    f"{target.shown} speaks no revision of the newer era, but {session.protocol_version}; "
                    "leave --era out, or give --era legacy"
                )
            return await brought(session, tap)


def _client(tap: Tap, mode: str, timeout: float) -> Client:
    """A client that announces all that clients can do, because servers show some tools to such clients alone.

    It has the SDK's own name: what is shown to `smcp pin` should be what is shown to anybody.
    """
    return Client(
        tap,
        mode=mode,
        read_timeout_seconds=timeout,
        cache=None,
        list_roots_callback=_no_roots,
        sampling_callback=_no_sampling,
        elicitation_callback=_no_answer,
    )


async def _no_roots(context: Any) -> ListRootsResult:
    return ListRootsResult(roots=[])


async def _no_sampling(context: Any, params: Any) -> ErrorData:
    return ErrorData(code=_NO_SUCH_METHOD, message="nothing is sampled here")


async def _no_answer(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="decline")


@contextlib.asynccontextmanager
async def _transport(
    target: Target, timeout: float, exchange: Exchange, said: IO[bytes]
) -> AsyncIterator[AbstractAsyncContextManager[Any]]:
    if target.command:
        program, *arguments = target.command
        # As it is started otherwise: servers want PATH, proxies and tokens of their own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SMCP_")}
        parameters = StdioServerParameters(command=program, args=arguments, env=environment)
        # The process needs no more of it than a descriptor.
        yield stdio_client(parameters, errlog=said)  # type: ignore[arg-type]
    else:
        async with client(target.headers, timeout, exchange) as http:
            yield streamable_http_client(target.url, http_client=http, max_sse_event_size=_EVENT)


async def brought(session: Client, tap: Tap) -> Seen:
    """All definitions of a server that `session` is connected to through `tap`. Raises `Unreached`."""
    modern = session.protocol_version >= MODERN
    greeting = _last(tap, "server/discover" if modern else "initialize")
    announced = greeting.get("capabilities")
    announced = announced if isinstance(announced, dict) else {}
    found: dict[str, list[dict[str, Any]]] = {}
    odd: list[str] = []
    for kind, method, member, capability in _LISTS:
        found[kind] = await _listed(session, tap, method, member, odd, announced=capability in announced)
    instructions = greeting.get("instructions")
    if not isinstance(instructions, str | None):
        raise Unreached("the server's instructions are no text")
    return Seen(session.protocol_version, _named(session), instructions, **found, odd=tuple(odd))


def _named(session: Client) -> dict[str, str]:
    known = session.server_info
    return {} if known is None else {"name": known.name, "version": known.version}


async def _listed(
    session: Client, tap: Tap, method: str, member: str, odd: list[str], *, announced: bool
) -> list[dict[str, Any]]:
    """All pages of a list; none if the server has no such list."""
    entries: list[dict[str, Any]] = []
    cursor, cursors = None, set[str]()
    for _ in range(MOST_PAGES):
        try:
            await _ask(session, method, cursor, odd)
        except MCPError as error:
            # Some announce what they do not have, and some have what they do not announce.
            if cursor is None and (error.code == _NO_SUCH_METHOD or not announced):
                return []
            error.add_note(method)
            raise
        page = _last(tap, method)
        entries += _entries(page, method, member)
        cursor = page.get("nextCursor")
        if len(entries) > MOST_ENTRIES:
            raise Unreached(f"{method} shows more than {MOST_ENTRIES} entries, which no model can use")
        if not cursor:
            return entries
        if not isinstance(cursor, str) or cursor in cursors:
            break
        cursors.add(cursor)
    raise Unreached(f"the pages of {method} do not end: a cursor is no text or comes twice, or there are {MOST_PAGES}")


async def _ask(session: Client, method: str, cursor: str | None, odd: list[str]) -> None:
    """Ask for a page. What the client cannot read is tapped all the same."""
    params = None if cursor is None else PaginatedRequestParams(cursor=cursor)
    ask = {
        "tools/list": session.session.list_tools,
        "prompts/list": session.session.list_prompts,
        "resources/templates/list": session.session.list_resource_templates,
    }[method]
    try:
        await ask(params=params)
    except ValidationError:
        if method not in odd:
            odd.append(method)


def _last(tap: Tap, method: str) -> dict[str, Any]:
    answers = tap.answers.get(method)
    if not answers:
        raise Unreached(f"the server never answered {method}")
    return answers[-1]


def _entries(page: dict[str, Any], method: str, member: str) -> list[dict[str, Any]]:
    entries = page.get(member)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Unreached(f"the answer to {method} holds no list of definitions under {member}")
    return entries
