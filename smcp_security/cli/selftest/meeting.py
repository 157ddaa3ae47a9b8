"""Finds out what a server speaks and which tools it lists, before anything hostile is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.cli.selftest.came import Came, Kind, read
from smcp_security.cli.selftest.shot import LEGACY, MODERN, Fields, Shot, Voice
from smcp_security.cli.selftest.wire import Heard, Place, Unreachable

_SESSION: Final = re.compile(r"[!-~]{1,1024}")
_REVISION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PAGES: Final = 20
_ADVICE: Final = {
    401: "wants a credential; give one as --header 'Authorization: Bearer env:VARIABLE'",
    403: "refuses this credential, or wants one: --header 'Authorization: Bearer env:VARIABLE'",
    404: "has nothing at this path; give the path of the MCP endpoint, often /mcp",
    405: "takes no POST at this path; give the path of the MCP endpoint, often /mcp",
    421: "does not serve this host name; use a name that it knows",
    429: "says that requests come too fast; try again later",
}


@dataclass(frozen=True, slots=True)
class Met:
    """A server that answers: how it wants to be spoken to, and the tools it lists to this caller."""

    voices: tuple[Voice, ...]
    tools: tuple[Any, ...]


def meet(place: Place, credential: Fields, era: str) -> Met:
    """Speak to a server in the eras that `era` allows ("auto": both). Raises `Unreachable`."""
    found: list[Voice] = []
    last: list[Heard] = []

    def ask(shot: Shot) -> tuple[Came, Heard]:
        heard = place.fire(shot)
        last.append(heard)
        return read(heard), heard

    if era != "legacy" and (voice := _modern(ask, credential)) is not None:
        found.append(voice)
    if era != "modern":
        voice = Voice(modern=False, credential=credential)
        heard = place.fire(voice.greeting())
        last.append(heard)
        if _opened(place, voice, heard):
            found.append(voice)
    for voice in found:
        _settle(ask, voice)
    if not found:
        raise Unreachable(_why(last, era))
    return Met(tuple(found), _tools(ask, found[0]))


def greet(place: Place, voice: Voice) -> bool:
    """Begin a session of the older era anew; False if the server does not."""
    return _opened(place, voice, place.fire(voice.greeting()))


def _opened(place: Place, voice: Voice, heard: Heard) -> bool:
    came = read(heard)
    if came.kind is not Kind.SERVED or not isinstance(came.result, Mapping) or "serverInfo" not in came.result:
        return False
    session = heard.headers.get("mcp-session-id", "")
    voice.session = session if _SESSION.fullmatch(session) else ""
    revision = came.result.get("protocolVersion")
    voice.revision = revision if isinstance(revision, str) and _REVISION.fullmatch(revision) else LEGACY
    place.fire(voice.greeted())
    return True


def _modern(ask: Callable[[Shot], tuple[Came, Heard]], credential: Fields) -> Voice | None:
    voice = Voice(modern=True, credential=credential)
    came, _ = ask(voice.ask("server/discover", {}))
    told = came.result.get("supportedVersions") if isinstance(came.result, Mapping) else None
    return voice if isinstance(told, list) and MODERN in told else None


def _settle(ask: Callable[[Shot], tuple[Came, Heard]], voice: Voice) -> None:
    """Choose what rows ride on: the list of tools, where there is one."""
    if ask(voice.plain())[0].kind is not Kind.SERVED:
        voice.method = "server/discover" if voice.modern else "ping"


def _tools(ask: Callable[[Shot], tuple[Came, Heard]], voice: Voice) -> tuple[Any, ...]:
    tools: list[Any] = []
    cursor: Any = None
    for _ in range(_PAGES):
        came, _ = ask(voice.ask("tools/list", {} if cursor is None else {"cursor": cursor}))
        result = came.result if isinstance(came.result, Mapping) else {}
        page = result.get("tools")
        tools += page if isinstance(page, list) else []
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str) or not cursor:
            break
    return tuple(tools)


def _why(last: list[Heard], era: str) -> str:
    statuses = [heard.status for heard in last if heard.status]
    if not statuses:
        return "does not answer; is it an HTTP server, and does --timeout give it long enough?"
    for status in (401, 403, *statuses):
        if status in statuses and status in _ADVICE:
            return f"answered HTTP {status}: it {_ADVICE[status]}"
    only = "" if era == "auto" else f" in the {era} era; leave --era out, or name the other one"
    return f"answers, but not as an MCP server does{only} (HTTP {statuses[-1]})"
