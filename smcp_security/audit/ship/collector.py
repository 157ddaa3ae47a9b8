"""Lines to an HTTP collector by POST: as JSON Lines, or as OTLP (`otlp.py`). The only module that speaks HTTP.

It follows no redirects, keeps no cookies and reads no proxy from the environment: nothing goes where the policy does
not say.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

from smcp_security.audit.ship.carrier import Undelivered
from smcp_security.audit.ship.wire import Wire, connect, fault
from smcp_security.version import VERSION

_LINES: Final = 500
_BYTES: Final = 1024 * 1024
_ANSWER_MAX: Final = 64 * 1024
_LONGEST_WAIT: Final = 3600.0
_TOO_LARGE: Final = 413
_PATIENT: Final = frozenset({408, 425, 429})
"""Of 4xx, those that say "later" and not "never"."""


class Content(Protocol):
    """What the lines are put into."""

    @property
    def kind(self) -> str:
        """The content type."""
        ...

    def body(self, lines: Sequence[bytes]) -> bytes:
        """The body of one request."""
        ...

    def refused(self, answer: bytes) -> int:
        """How many of the lines the collector will never take, by its answer to a request that it took."""
        ...


class JsonLines:
    """application/x-ndjson: the lines as they are in the file."""

    kind = "application/x-ndjson"

    def body(self, lines: Sequence[bytes]) -> bytes:
        """The lines, each with its line break."""
        return b"".join(line + b"\n" for line in lines if line)

    def refused(self, answer: bytes) -> int:
        """None: there is no common way to say so."""
        return 0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


class Collector:
    """An address that takes POST requests. The connection is kept while it lasts."""

    most_bytes = _BYTES
    doubt = 0.0

    def __init__(
        self,
        url: str,
        content: Content,
        token: str | None,
        open_wire: Callable[[str, int, bool, float], Wire] | None = None,
    ) -> None:
        split = urlsplit(url)
        self._tls = split.scheme == "https"
        self._host = split.hostname or ""
        self._port = split.port or (443 if self._tls else 80)
        self._path = (split.path or "/") + (f"?{split.query}" if split.query else "")
        self._content = content
        self._headers = _headers(split.netloc, content.kind, token)
        self._open_wire = open_wire or _open
        self._wire: Wire | None = None
        self._most = _LINES

    @property
    def most_lines(self) -> int:
        """Fewer after the collector has said that a request was too large."""
        return self._most

    def send(self, lines: Sequence[bytes], ends: float) -> int:
        """One request; how many lines the collector has refused for good."""
        body = self._content.body(lines)
        if not body:
            return 0
        answer = self._exchange(body, ends)
        if 200 <= answer.status < 300:
            # It may say any number.
            return min(self._content.refused(answer.body), sum(map(bool, lines)))
        raise self._refusal(answer, len(lines))

    def check(self) -> None:
        """A connection that the collector has closed is simply opened again."""

    def abort(self) -> None:
        """Cut the connection under a request that hangs."""
        if (wire := self._wire) is not None:
            wire.abort()

    def abandon(self) -> None:
        """Let the connection go."""
        self.close(0.0)

    def close(self, ends: float) -> None:
        """Close the connection; every answer has been read."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    # -- one exchange ------------------------------------------------------------------------------------------------

    def _exchange(self, body: bytes, ends: float) -> _Answer:
        try:
            if self._wire is not None and self._wire.ended(silent=True):
                self.close(ends)
            if self._wire is None:
                self._wire = self._open_wire(self._host, self._port, self._tls, ends)
            self._wire.ends = ends
            return self._ask(self._wire, body, ends)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close(ends)
            raise Undelivered(fault(error)) from None

    def _ask(self, wire: Wire, body: bytes, ends: float) -> _Answer:
        connection = _Connection(self._host, self._port)
        connection.sock = wire
        connection.request("POST", self._path, body, self._headers)
        response = connection.getresponse()
        answer = _Answer(response.status, response.getheader("Retry-After"), response.read(_ANSWER_MAX))
        if response.will_close or not response.isclosed():
            self.close(ends)
        return answer

    def _refusal(self, answer: _Answer, lines: int) -> Undelivered:
        status = answer.status
        reason = f"answers with status {status}"
        if status == _TOO_LARGE and lines > 1:
            self._most = lines // 2
            return Undelivered(f"{reason}: a request is too large for it", smaller=True)
        if 300 <= status < 400:
            return Undelivered(f"{reason}: redirects are not followed; name the address itself", hopeless=True)
        if 400 <= status < 500 and status not in _PATIENT:
            return Undelivered(f"{reason}: {_advice(status)}", hopeless=True)
        return Undelivered(reason, wait=_wait(answer.retry_after))


class _Connection(http.client.HTTPConnection):
    auto_open = 0  # the socket is ours, or there is none
    sock: Wire | None

    def close(self) -> None:
        """Not here: an answer that ends with the connection is still to be read then. The collector closes it."""


def _open(host: str, port: int, tls: bool, ends: float) -> Wire:
    return connect(host, port, tls=tls, ends=ends)


def _headers(host: str, kind: str, token: str | None) -> Mapping[str, str]:
    fields = {
        "Host": host,
        "Accept": "application/json, */*;q=0.1",
        "Accept-Encoding": "identity",
        "Content-Type": kind,
        "User-Agent": f"smcp-security/{VERSION}",
    }
    return fields if token is None else {**fields, "Authorization": f"Bearer {token}"}


def _advice(status: int) -> str:
    match status:
        case 401 | 403:
            return "it does not take the token"
        case 404 | 405 | 410:
            return "nothing takes lines at that path"
        case 413:
            return "one line alone is too large for it"
        case 415:
            return "it takes another kind of content"
        case _:
            return "it does not take what is sent"


def _wait(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After asks for (RFC 9110, 10.2.3), at most an hour; None if it says nothing."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(moment - time.time(), 0.0), _LONGEST_WAIT)
