"""Why a server could not be visited, in one line: what, where, what was expected and what to do. Nothing of what the
server sent is shown but its last words on stderr, escaped."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from socket import gaierror
from typing import IO, Final

import httpx2
from mcp import MCPError
from pydantic import ValidationError

from smcp_security.cli.pin.exchange import Exchange, TooMuch
from smcp_security.cli.pin.target import Target
from smcp_security.pins.escapes import shown

_CREDENTIAL: Final = "give one it knows as --header 'Authorization: Bearer env:VARIABLE'"
_STATUS: Final = {
    401: f"wants a credential; {_CREDENTIAL}",
    403: f"refuses this credential, or wants one; {_CREDENTIAL}",
    404: "has nothing at this path; give the path of the MCP endpoint, often /mcp",
    405: "takes no POST at this path; give the path of the MCP endpoint, often /mcp",
    421: "does not serve this host name; use a name that it knows",
    429: "says that requests come too fast; try again later",
}
_CONNECTION_CLOSED: Final = -32000
_TIMED_OUT: Final = -32001
_LAST_WORDS: Final = 300


FAULTS: Final = (
    ExceptionGroup, MCPError, OSError, RuntimeError, TooMuch, ValueError, httpx2.HTTPError, httpx2.InvalidURL,
)  # fmt: skip
"""What a server or a network makes the SDK raise; its task groups bring several in a group."""


class Unreached(Exception):
    """A visit that brought nothing home. The text is for the operator."""


def told(error: Exception, target: Target, exchange: Exchange, said: IO[bytes], timeout: float) -> str:
    """The one line for `error`. Raises it again if it is none that a server or a network causes."""
    if exchange.problem:
        return f"{target.shown}: {exchange.problem}"
    causes = list(_leaves(error))
    for cause in causes:
        if isinstance(cause, Unreached):
            return str(cause)
    for cause in causes:
        problem = _problem(cause, target, exchange, timeout)
        if problem:
            # A time that has run out is an `OSError` too.
            spoken = target.command and (isinstance(cause, TimeoutError) or not isinstance(cause, OSError))
            return f"{target.shown} {problem}{_last_words(said) if spoken else ''}"
    raise error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _problem(error: BaseException, target: Target, exchange: Exchange, timeout: float) -> str:
    match error:
        case TimeoutError() | httpx2.TimeoutException():
            return _silence(timeout)
        case MCPError():
            return _refusal(error, target, exchange, timeout)
        case httpx2.HTTPError() | httpx2.InvalidURL():
            return _disconnection(error)
        case OSError() if target.command:
            return f"cannot be started: {_reason(error)}"
        case ValidationError() | RuntimeError() | ValueError():
            # The SDK's words for an answer that is not what the protocol says.
            return "answers, but not as an MCP server does; expected the result of initialize or server/discover"
        case _:
            return ""


def _silence(timeout: float) -> str:
    return f"did not answer as an MCP server within {timeout:g} seconds; --timeout gives it longer"


def _refusal(error: MCPError, target: Target, exchange: Exchange, timeout: float) -> str:
    if error.code == _TIMED_OUT:
        return _silence(timeout)
    if target.command:
        if error.code == _CONNECTION_CLOSED:
            return "ended, or closed its output, before it had shown its definitions"
        return _error(error, "on stdin and stdout")
    status = exchange.status
    if 300 <= status < 400:
        return f"sends elsewhere (HTTP {status}); give the URL where the MCP endpoint is"
    if status >= 400:
        return f"answered HTTP {status}: it {_STATUS.get(status) or _phrase(status)}"
    if exchange.kind not in ("application/json", "text/event-stream"):
        return f"answered with {shown(exchange.kind or 'nothing', 60)}, not with JSON; is this the MCP endpoint?"
    return _error(error, "of streamable HTTP")


def _error(error: MCPError, kind: str) -> str:
    """An error that is the server's own. The note says at which list it came."""
    for method in getattr(error, "__notes__", ()):
        return f"answered {method} with error {error.code}; see the server's log"
    return f"answered with error {error.code}; expected an MCP server {kind}"


def _phrase(status: int) -> str:
    try:
        said = HTTPStatus(status).phrase.lower()
    except ValueError:
        said = "no status that HTTP knows"
    return f"refuses ({said}); see the server's log"


def _disconnection(error: BaseException) -> str:
    causes = list(_chain(error))
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                why = shown(cause.verify_message or "unknown reason", 120)
                return f"shows a certificate that this machine does not trust: {why}; SSL_CERT_FILE names others"
            case ssl.SSLError():
                return "cannot speak TLS; is it http:// instead of https://?"
            case gaierror():
                return "has a host name that cannot be resolved"
            case OSError() if cause.errno:
                return f"cannot be reached: {os.strerror(cause.errno).lower()}; is the server running there?"
    if isinstance(error, httpx2.ConnectError):
        return "cannot be reached; is the server running there?"
    return f"broke the connection off ({type(error).__name__}); is it an HTTP server?"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield from _leaves(error)
        error = error.__cause__ or error.__context__


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such program; give its path, or a name on PATH"
    if error.errno == errno.EACCES:
        return "this user may not run it; expected an executable file"
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__


def _last_words(said: IO[bytes]) -> str:
    """The end of what a command wrote to stderr."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - 4096))
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f"; its last words: {shown(lines[-1].strip(), _LAST_WORDS)}" if lines else "; it wrote nothing to stderr"
