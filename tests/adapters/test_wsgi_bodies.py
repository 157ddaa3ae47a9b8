"""What the WSGI middleware reads of a request: never past what was announced, and everything it read is given back."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from smcp_security.adapters.body import PEEK, PEEK_JSON
from smcp_security.adapters.environ import Environ
from smcp_security.adapters.wsgi_output import StartResponse
from tests.adapters.wsgi_exchange import Server, behind, environ_of, posting, through
from tests.envelopes import PLAIN, call, encoded, headers_of

MESSAGE = encoded(call("echo"))


class Wire:
    """A connection that stays open: it gives a few bytes at a time, and to read past them is to hang."""

    def __init__(self, data: bytes, most: int = 7, *, open: bool = True) -> None:
        self._data = data
        self._most = most
        self._open = open
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes."""
        if self.taken == len(self._data) and self._open and size:
            raise AssertionError("a server would wait here for ever")
        end = len(self._data) if size < 0 else self.taken + min(size, self._most)
        piece = self._data[self.taken : end]
        self.taken += len(piece)
        return piece


class Broken(Wire):
    """A connection that breaks."""

    def read(self, size: int = -1) -> bytes:
        """As far as it goes."""
        if self.taken == len(self._data):
            raise OSError("reset")
        return super().read(size)


def _posting(source: Any, length: str | None, *fields: tuple[str, str], path: str = "/mcp", **more: Any) -> Environ:
    announced = [] if length is None else [("content-length", length)]
    return environ_of([*headers_of(call("echo")), *fields, *announced], path=path, **{"wsgi.input": source, **more})


@pytest.mark.parametrize("path", ["/mcp", "/other"])
@pytest.mark.parametrize("ends", [False, True])
def test_an_announced_body_is_read_to_its_length_and_no_further(path: str, ends: bool) -> None:
    body = MESSAGE if path == "/mcp" else b'{"a": 1}'
    server, wire = Server(), Wire(body + b"POST /next", open=False)
    length = len(body)
    if ends:  # such a server stops by itself
        wire = Wire(body, open=False)
    done = through(behind(server), _posting(wire, str(length), path=path, **{"wsgi.input_terminated": ends}))
    assert done.status == 200 and server.body == body and wire.taken == length


def test_a_body_that_was_not_announced_is_not_read() -> None:
    # wsgiref and others hand over the bare connection.
    server = Server()
    refused = through(behind(server), _posting(Wire(MESSAGE), None))
    assert refused.status == 400 and refused.value["error"]["data"]["code"] == "SMCP114"
    chunked = through(behind(server), _posting(Wire(b"5\r\nhello"), None, ("transfer-encoding", "chunked")))
    assert chunked.status == 400 and server.calls == []
    environ = _posting(Wire(MESSAGE), None, path="/other")
    assert through(behind(server), environ).status == 200
    assert server.seen is environ


def test_a_chunked_body_reaches_the_app_with_a_length() -> None:
    server = Server()
    environ = _posting(
        Wire(MESSAGE, open=False), None, ("transfer-encoding", "chunked"), **{"wsgi.input_terminated": True}
    )
    assert through(behind(server), environ).status == 200
    assert server.body == MESSAGE and "HTTP_TRANSFER_ENCODING" not in server.seen
    assert server.seen["CONTENT_LENGTH"] == str(len(MESSAGE))


def test_a_chunked_body_is_read_no_further_than_the_limit() -> None:
    wire = Wire(b'{"a":"' + b"x" * 5_000_000, 60_000, open=False)
    environ = _posting(wire, None, ("transfer-encoding", "chunked"), **{"wsgi.input_terminated": True})
    assert through(behind(Server(), server={"max_body": 5000}), environ).status == 413
    assert wire.taken <= 120_000


def test_a_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    wire = Wire(MESSAGE)
    assert through(behind(Server()), _posting(wire, "99999999")).status == 413
    assert wire.taken == 0


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("kind", [Wire, Broken])
def test_a_client_that_hangs_up_in_the_body_never_reaches_the_app(kind: type[Wire], ends: bool) -> None:
    server, wire = Server(), kind(MESSAGE[:20], open=False)
    done = through(behind(server), _posting(wire, str(len(MESSAGE)), **{"wsgi.input_terminated": ends}))
    assert server.calls == []
    assert done.status == 400 and done.value["error"]["data"]["code"] == "SMCP003"


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "x", "\u0665", "9" * 30])
def test_a_length_that_is_no_plain_number_is_refused(length: str) -> None:
    server = Server()
    assert through(behind(server), _posting(BytesIO(MESSAGE), length)).status in (400, 413)
    assert server.calls == []


@pytest.mark.parametrize("length", ["+{}", "0{}", " {} ", "{}"])
def test_lengths_that_lenient_apps_read_hide_nothing_elsewhere(length: str) -> None:
    server = Server()
    environ = _posting(BytesIO(MESSAGE), length.format(len(MESSAGE)), path="/other")
    assert through(behind(server), environ).status == 403 and server.calls == []


def test_a_length_below_the_chunked_body_hides_nothing_elsewhere() -> None:
    # An app that trusts the server to end the input reads all of it, whatever was announced.
    server = Server()
    environ = _posting(
        Wire(MESSAGE, open=False),
        "1",
        ("transfer-encoding", "chunked"),
        path="/other",
        **{"wsgi.input_terminated": True},
    )
    assert through(behind(server), environ).status == 403 and server.calls == []


def test_what_was_not_announced_to_a_trusting_app_does_not_reach_it() -> None:
    got: list[bytes] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        got.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    for length, seen in (("0", b""), ("4", MESSAGE[:4])):
        environ = _posting(BytesIO(MESSAGE), length, path="/other", **{"wsgi.input_terminated": True})
        assert through(behind(app), environ).status == 200
        assert got.pop() == seen


@pytest.mark.parametrize("size", [10, PEEK, PEEK + 1, PEEK_JSON + 1, 3 * PEEK_JSON])
@pytest.mark.parametrize("begins", [b"{", b"x"])
@pytest.mark.parametrize("ends", [False, True])
def test_an_upload_reaches_the_app_whole_and_in_order(size: int, begins: bytes, ends: bool) -> None:
    data = begins + bytes(range(256)) * (size // 256) + b"\nlast line"
    got: list[bytes] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        source = environ["wsgi.input"]
        got.extend((source.read(3), source.readline(), *source.readlines(40), source.read()))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    wire = Wire(data, 50_000, open=False)
    fields = [("content-type", "application/octet-stream"), ("content-length", str(len(data)))]
    environ = environ_of(fields, path="/upload", **{"wsgi.input": wire, "wsgi.input_terminated": ends})
    assert through(behind(app), environ).body == b"ok"
    assert b"".join(got) == data


def test_an_upload_is_not_held_in_memory() -> None:
    data = b"x" * (4 * 1024 * 1024)
    wire = Wire(data, 16_384, open=False)
    before: list[int] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        before.append(wire.taken)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(sum(map(len, iter(lambda: environ["wsgi.input"].read(1000), b"")))).encode()]

    fields = [("content-length", str(len(data)))]
    done = through(behind(app), environ_of(fields, path="/upload", **{"wsgi.input": wire}))
    assert done.body == str(len(data)).encode()
    assert before[0] <= PEEK + 16_384


def test_an_upload_that_breaks_off_ends_for_the_app_too() -> None:
    got: list[bytes] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        got.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    fields = [("content-length", "1000000")]
    through(behind(app), environ_of(fields, path="/upload", **{"wsgi.input": Broken(b"x" * 100, open=False)}))
    assert got == [b"x" * 100]


def test_compressed_mcp_elsewhere_is_seen_as_the_app_may_read_it() -> None:
    import gzip

    server = Server()
    packed = gzip.compress(MESSAGE)
    refused = through(behind(server), posting(packed, [*PLAIN, ("content-encoding", "gzip")], path="/other"))
    assert refused.status == 403 and server.calls == []
    harmless = gzip.compress(b'{"title":"Emma"}')
    assert (
        through(behind(server), posting(harmless, [*PLAIN, ("content-encoding", "gzip")], path="/other")).status == 200
    )
    assert server.body == harmless


@pytest.mark.parametrize(("setting", "status"), [("refuse", 403), ("check", 400)])
def test_mcp_elsewhere_is_seen_though_less_came_than_was_announced(setting: str, status: int) -> None:
    server, wire = Server(), Wire(MESSAGE, open=False)
    cut = _posting(wire, str(len(MESSAGE) + 50), path="/sibling")
    assert through(behind(server, server={"unlisted_mcp": setting}), cut).status == status
    assert server.calls == []


def test_an_upload_that_was_cut_off_reaches_the_app_as_it_came() -> None:
    server = Server()
    through(behind(server), posting(Wire(b"half of", open=False).read(9), path="/upload", CONTENT_LENGTH="50"))
    [(_, body)] = server.calls
    assert body == b"half of"


def test_chunks_that_the_server_does_not_decode_reach_no_app() -> None:
    server = Server()
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(MESSAGE), MESSAGE)
    through(behind(server), _posting(BytesIO(framed), None, ("transfer-encoding", "chunked"), path="/sibling"))
    [(environ, body)] = server.calls
    assert body == b"" and "HTTP_TRANSFER_ENCODING" not in environ
