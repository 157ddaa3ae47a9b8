"""The WSGI middleware and an app's answers: judged as they pass, always closed, held no longer than needed."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.environ import Environ
from smcp_security.adapters.reply import Reply
from smcp_security.adapters.wsgi import SMCPMiddleware
from smcp_security.adapters.wsgi_output import App, Output, StartResponse
from tests.adapters.wsgi_exchange import Exchange, Server, asking, behind, posting, through
from tests.audit.records import read_records
from tests.envelopes import call, encoded, legacy, response

Head = tuple[str, str]
JSON: Head = ("Content-Type", "application/json")
STREAM: Head = ("Content-Type", "text/event-stream")
ANSWER = encoded(response(1, {"content": [{"type": "text", "text": "fine"}]}))
BIG = encoded(response(1, {"content": [{"type": "text", "text": "x" * 4000}]}))
SMALL: dict[str, Any] = {"results": {"max_size": "2KiB"}}


def _app(pieces: Callable[[], Iterable[bytes]], *headers: Head, status: str = "200 OK") -> App:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, list(headers))
        return pieces()

    return app


def _event(message: Any) -> bytes:
    return b"data: " + encoded(message) + b"\n\n"


def test_json_reaches_the_client_as_the_app_said_it_with_its_length() -> None:
    exchange = through(behind(_app(lambda: [ANSWER[:9], b"", ANSWER[9:]], JSON)), posting(call("x")))
    assert exchange.body == ANSWER and exchange.headers["content-length"] == str(len(ANSWER))


def test_a_length_that_the_app_gave_is_not_given_twice() -> None:
    exchange = through(behind(_app(lambda: [ANSWER], JSON, ("Content-Length", str(len(ANSWER))))), posting(call("x")))
    assert exchange.body == ANSWER and exchange.headers["content-length"] == str(len(ANSWER))


@pytest.mark.parametrize("pieces", [1, 7, 500])
def test_a_result_over_the_cap_is_withheld_whatever_its_pieces(pieces: int) -> None:
    for policy, withheld in ((SMALL, True), ({}, False)):
        server = Server(BIG, fields=(("Content-Length", str(len(BIG))),), pieces=pieces)
        exchange = through(behind(server, **policy), posting(call("x")))
        assert exchange.status == 200 and (b"xxx" not in exchange.body) is withheld
        assert exchange.headers["content-length"] == str(len(exchange.body))
        if withheld:
            assert exchange.value["id"] == 1 and exchange.value["error"]["code"] == -31502
        assert server.closed == 1


def test_an_app_that_never_ends_a_withheld_body_is_not_waited_for() -> None:
    closed: list[bool] = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b'{"a": "' + b"x" * 1000
        finally:
            closed.append(True)

    exchange = through(behind(_app(endless, JSON), **SMALL), posting(call("x")))
    assert exchange.value["error"]["code"] == -31502 and closed == [True]


def test_a_stream_is_passed_on_event_by_event_as_it_comes() -> None:
    events = [_event(legacy("notifications/message", {"n": place}, id=None)) for place in range(3)]
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        for place, event in enumerate(events):
            asked.append(place)
            yield event[:9]
            yield event[9:]

    exchange = Exchange().begin(behind(_app(pieces, STREAM)), posting(call("x")))
    for place, event in enumerate(events):
        assert next(exchange.iterable) == event
        # Nothing is asked of the app before the server wants more.
        assert asked == list(range(place + 1)) and exchange.started == 1
    assert list(exchange.iterable) == []
    assert "content-length" not in exchange.headers
    exchange.hang_up()


def test_an_event_over_the_cap_is_an_error_and_the_end_of_the_stream() -> None:
    told: list[int] = []

    def pieces() -> Iterator[bytes]:
        for place in range(9):
            told.append(place)
            yield b"data: " + BIG + b"\n\n"

    exchange = through(behind(_app(pieces, STREAM), **SMALL), posting(call("x")))
    assert b"xxx" not in exchange.body and exchange.body.count(b"-31502") == 1 and told == [0]
    whole = through(behind(_app(lambda: [b"data: " + BIG + b"\n\n"], STREAM)), posting(call("x")))
    assert b"xxx" in whole.body


def test_a_file_handed_over_for_the_server_to_send_is_judged_too() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [JSON])
        return environ.get("wsgi.file_wrapper", FileWrapper)(BytesIO(BIG))

    class Wrapper(FileWrapper):
        """What a server would recognise and send by itself."""

    environ = posting(call("x"), **{"wsgi.file_wrapper": Wrapper})
    exchange = through(behind(app, **SMALL), environ)
    assert exchange.value["error"]["code"] == -31502 and not isinstance(exchange.iterable, Wrapper)
    assert through(behind(app), posting(call("x"))).body == BIG


@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
def test_an_encoded_answer_is_withheld(media: str) -> None:
    head = (("Content-Type", media), ("Content-Encoding", "gzip"))
    exchange = through(behind(_app(lambda: [b"\x1f\x8b..."], *head)), posting(call("x")))
    assert exchange.value["error"]["code"] == -31502 and "content-encoding" not in exchange.headers


def test_what_is_neither_json_nor_a_stream_passes_as_it_comes() -> None:
    exchange = Exchange().begin(
        behind(_app(lambda: iter([b"a", b"b"]), ("Content-Type", "text/plain"))), posting(call("x"))
    )
    assert [*exchange.iterable] == [b"a", b"b"]
    exchange.hang_up()


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "405 Method Not Allowed"])
def test_an_answer_without_a_body_stays_one(method: str, status: str) -> None:
    exchange = through(behind(_app(lambda: [], ("Allow", "POST"), status=status)), asking(method, path="/mcp"))
    assert (exchange.line, exchange.body) == (status, b"")
    assert ("content-length" in exchange.headers) is (status[0] == "4" and method != "HEAD")


# -- start_response ----------------------------------------------------------------------------------------------------


def test_an_app_may_start_its_response_when_it_is_iterated() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [JSON])
        yield ANSWER

    assert through(behind(app), posting(call("x"))).body == ANSWER


def test_an_app_may_push_what_it_says_and_then_return_more() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [STREAM])
        write(_event(legacy("notifications/message", {}, id=None)))
        seen.append(len(exchange.pieces))
        write(b"")
        return [b"data: " + ANSWER + b"\n\n"]

    seen: list[int] = []
    exchange = Exchange()
    exchange.begin(behind(app), posting(call("x"))).finish()
    assert seen == [1] and exchange.body.endswith(b"data: " + ANSWER + b"\n\n") and exchange.started == 1


def test_what_an_app_pushes_is_judged_and_it_is_told_when_nobody_listens_any_more() -> None:
    told: list[type[BaseException]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [JSON])
        try:
            for _ in range(9):
                write(BIG)
        except BaseException as error:
            told.append(type(error))
            raise
        return []

    exchange = through(behind(app, **SMALL), posting(call("x")))
    assert exchange.value["error"]["code"] == -31502 and len(told) == 1 and issubclass(told[0], OSError)


def test_an_app_may_change_its_mind_by_an_error_until_its_first_byte() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [JSON])
        try:
            raise ValueError
        except ValueError:
            start_response("500 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"sorry"]

    exchange = through(behind(app), posting(call("x")))
    assert (exchange.line, exchange.body) == ("500 Sorry", b"sorry")


def test_an_error_after_the_first_byte_is_raised_as_by_any_server() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [STREAM])
        yield _event(legacy("notifications/message", {}, id=None))
        try:
            raise ValueError("late")
        except ValueError:
            start_response("500 Sorry", [], sys.exc_info())
        yield b"never"

    exchange = Exchange().begin(behind(app), posting(call("x")))
    assert next(exchange.iterable).startswith(b"data: ")
    with pytest.raises(ValueError, match="late"):
        next(exchange.iterable)
    exchange.hang_up()


def test_a_response_that_is_started_twice_or_never_is_an_error_of_the_app() -> None:
    def twice(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [JSON])
        start_response("200 OK", [JSON])
        return []

    def never(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return [b"{}"]

    for app in (twice, never):
        with pytest.raises(AssertionError, match="start_response"):
            through(behind(app), posting(call("x")))


# -- ends --------------------------------------------------------------------------------------------------------------


class Broken(Exception):
    """What an app raises."""


class Fragile:
    """An iterable that breaks in the middle, and notes that it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.closed = 0

    def __iter__(self) -> Fragile:
        return self

    def __next__(self) -> bytes:
        if not self._pieces:
            raise Broken
        return self._pieces.pop(0)

    def close(self) -> None:
        """The server is done."""
        self.closed += 1


@pytest.mark.parametrize("head", [JSON, STREAM, ("Content-Type", "text/plain")])
def test_what_the_app_raises_passes_through_and_it_is_closed_all_the_same(head: Head) -> None:
    fragile = Fragile(b"data: ")
    exchange = Exchange().begin(behind(_app(lambda: fragile, head)), posting(call("x")))
    with pytest.raises(Broken):
        exchange.finish()
    assert fragile.closed == 1

    def at_once(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise Broken

    for path in ("/mcp", "/other"):
        with pytest.raises(Broken):
            through(behind(at_once), posting(call("x") if path == "/mcp" else b"x", path=path))


def test_nothing_of_a_broken_json_body_reaches_the_client() -> None:
    exchange = Exchange().begin(behind(_app(lambda: Fragile(ANSWER[:20]), JSON)), posting(call("x")))
    with pytest.raises(Broken):
        exchange.finish()
    assert exchange.started == 0 and exchange.body == b""


def test_a_client_that_hangs_up_closes_the_app_once() -> None:
    server = Server(_event(response(1, {})) * 3, "text/event-stream", pieces=3)
    exchange = Exchange().begin(behind(server), posting(call("x")))
    next(exchange.iterable)
    exchange.hang_up()
    exchange.hang_up()
    assert server.closed == 1


def test_an_app_that_fails_to_close_says_so() -> None:
    class Stuck(list[bytes]):
        def close(self) -> None:
            raise Broken

    with pytest.raises(Broken):
        through(behind(_app(lambda: Stuck([ANSWER]), JSON)), posting(call("x")))


SLOTS = {"concurrency": [{"per": "address", "max": 1}], "limits": [], "server": {"flood": "off"}}


@pytest.mark.parametrize("head", [JSON, STREAM])
def test_a_slot_is_given_back_before_the_last_byte_goes_out(head: Head) -> None:
    body = ANSWER if head is JSON else b"data: " + ANSWER + b"\n\n"
    guard = SMCPMiddleware(_app(lambda: [body], head), framework=SMCPSecurityFramework(SLOTS))
    for _ in range(2):
        exchange = Exchange().begin(guard, posting(call("x")))
        pieces = list(exchange.iterable)
        # The server has not closed it yet.
        assert b"".join(pieces) == body
        again = through(guard, posting(call("x")))
        assert b"SMCP4" not in again.body
        exchange.hang_up()


@pytest.mark.parametrize("ending", ["hang up", "break"])
def test_a_slot_is_given_back_however_the_exchange_ends(ending: str) -> None:
    first = _event(legacy("notifications/message", {}, id=None))
    guard = SMCPMiddleware(_app(lambda: Fragile(first), STREAM), framework=SMCPSecurityFramework(SLOTS))
    exchange = Exchange().begin(guard, posting(call("x")))
    assert next(exchange.iterable) == first
    assert b"SMCP4" in through(guard, posting(call("x"))).body
    if ending == "hang up":
        exchange.hang_up()
    else:
        with pytest.raises(Broken):
            next(exchange.iterable)
    later = Exchange().begin(guard, posting(call("x")))
    assert next(later.iterable) == first
    later.hang_up()


@pytest.mark.parametrize("ending", [Exchange.finish, lambda exchange: (next(exchange.iterable), exchange.hang_up())])
def test_an_exchange_that_is_over_does_not_wait_for_the_collector(ending: Callable[[Exchange], Any]) -> None:
    gc.collect()
    gc.disable()
    try:
        before = _alive()
        for head in (JSON, STREAM):
            ending(Exchange().begin(behind(_app(lambda: [b"data: " + ANSWER + b"\n\n"], head)), posting(call("x"))))
        assert _alive() == before
    finally:
        gc.enable()


def _alive() -> int:
    return sum(type(each) in (Output, Reply) for each in gc.get_objects())


def _outcomes(folder: Path, app: App, ending: Callable[[Exchange], Any], **policy: Any) -> list[Any]:
    """What the audit says of one exchange."""
    file = folder / "audit.jsonl"
    audit = {"file": str(file)}
    settings = {"limits": [], "server": {"flood": "off"}, "audit": audit, **policy}
    with SMCPSecurityFramework(settings) as framework:
        ending(Exchange().begin(SMCPMiddleware(app, framework=framework), posting(call("x"))))
    return [(record.get("edge"), record.get("result"), record.get("status")) for record in read_records(file)]


def _breaks(exchange: Exchange) -> None:
    with pytest.raises(Broken):
        exchange.finish()


@pytest.mark.parametrize(
    ("pieces", "ending", "result"),
    [
        (lambda: [b"data: " + ANSWER + b"\n\n"], Exchange.finish, "complete"),
        (lambda: [b"data: " + BIG + b"\n\n"], Exchange.finish, "withheld"),
        (lambda: Fragile(b": x\n\n"), _breaks, "broken"),
        (lambda: iter([b": x\n\n"] * 9), lambda exchange: (next(exchange.iterable), exchange.hang_up()), "cancelled"),
    ],
)
def test_what_became_of_an_exchange_is_written_down_once(
    tmp_path: Path, pieces: Callable[[], Iterable[bytes]], ending: Callable[[Exchange], Any], result: str
) -> None:
    records = _outcomes(tmp_path, _app(pieces, STREAM), ending, **SMALL)
    assert records == [("wsgi", None, None), (None, result, 200)]


def test_many_threads_with_one_id_get_their_own_answers() -> None:
    # CVE-2026-25536: two clients with the same JSON-RPC id must never see each other's results.
    crowd = Barrier(12)

    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        who = json.loads(environ["wsgi.input"].read())["params"]["arguments"]["who"]
        crowd.wait(10)
        stream = int(who) % 2 == 0
        body = encoded(response(0, {"content": [{"type": "text", "text": who}]}))
        start_response("200 OK", [STREAM if stream else JSON])
        whole = b"data: " + body + b"\n\n" if stream else body
        for at in range(0, len(whole), 11):
            yield whole[at : at + 11]

    guard = behind(app)
    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(lambda who: through(guard, posting(call("x", {"who": str(who)}, id=0))), range(12)))
    for who, exchange in enumerate(done):
        value = json.loads(exchange.body.removeprefix(b"data: "))
        assert value["result"]["content"][0]["text"] == str(who) and value["id"] == 0
