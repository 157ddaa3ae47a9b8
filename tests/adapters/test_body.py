"""One ASGI body: read once with a cap, given back once, and the real connection afterwards."""

from __future__ import annotations

import pytest

from smcp_security.adapters.body import PEEK, PEEK_JSON, Body, Message

pytestmark = pytest.mark.anyio


class _Client:
    """Sends messages and counts how many were taken."""

    def __init__(self, *bodies: bytes, gone: bool = False) -> None:
        self.messages: list[Message] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
        self.messages[-1]["more_body"] = gone
        if gone:
            self.messages.append({"type": "http.disconnect"})
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        return self.messages[self.taken - 1] if self.taken <= len(self.messages) else {"type": "http.disconnect"}


async def test_a_body_is_read_to_its_end_and_not_further() -> None:
    client = _Client(b"ab", b"", b"cd")
    body = Body(client)
    assert await body.read(100) == b"abcd" and await body.read(100) == b"abcd"
    assert client.taken == 3 and not body.gone


@pytest.mark.parametrize(("limit", "taken"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (100, 3)])
async def test_reading_stops_at_the_first_byte_past_the_limit(limit: int, taken: int) -> None:
    client = _Client(b"ab", b"cd", b"ef")
    read = await Body(client).read(limit)
    assert read is not None and client.taken == taken
    assert len(read) > limit or read == b"abcdef"


async def test_a_message_without_a_body_field_counts_as_empty() -> None:
    client = _Client(b"")
    client.messages = [{"type": "http.request", "more_body": True}, {"type": "http.request", "body": b"x"}]
    assert await Body(client).read(10) == b"x"


async def test_a_client_that_hangs_up_leaves_no_body() -> None:
    body = Body(_Client(b"ab", gone=True))
    assert await body.read(100) is None and body.gone
    assert await body.read(100) is None


async def test_the_replay_gives_the_judged_body_then_the_real_connection() -> None:
    client = _Client(b"ab", b"cd")
    body = Body(client)
    await body.read(100)
    receive = body.replay(b"judged")
    assert await receive() == {"type": "http.request", "body": b"judged", "more_body": False}
    assert not body.gone
    assert await receive() == {"type": "http.disconnect"} and body.gone


async def test_what_was_only_looked_at_is_given_back_whole() -> None:
    client = _Client(b"ab", b"cd")
    body = Body(client)
    await body.peek()
    receive = body.unread()
    whole = {"type": "http.request", "body": b"abcd", "more_body": False}
    assert [await receive() for _ in range(2)] == [whole, {"type": "http.disconnect"}]


async def test_after_a_replay_nothing_of_the_real_body_reaches_the_app() -> None:
    body = Body(_Client(b"ab", b"cd"))
    receive = body.replay(b"judged")
    messages = [await receive() for _ in range(2)]
    assert [message.get("body") for message in messages] == [b"judged", None]
    assert messages[1]["type"] == "http.disconnect"


async def test_a_disconnect_that_was_read_ahead_reaches_the_app_too() -> None:
    body = Body(_Client(b"ab", gone=True))
    await body.peek()
    receive = body.unread()
    assert [(await receive())["type"] for _ in range(2)] == ["http.request", "http.disconnect"]


@pytest.mark.parametrize(
    ("opening", "least"),
    [
        (b"x", PEEK),
        (b"--boundary", PEEK),
        (b"{", PEEK_JSON),
        (b"[", PEEK_JSON),
        (b" \r\n\t{", PEEK_JSON),
        (b"\xef\xbb\xbf{", PEEK_JSON),
        (b"\xff\xfe{\x00", PEEK_JSON),
        (b"\xfe\xff\x00{", PEEK_JSON),
        (b"\x00\x00\x00{", PEEK_JSON),
        (b"{\x00", PEEK_JSON),
        (b" " * 60_000 + b"{", PEEK_JSON),
    ],
)
async def test_what_begins_like_json_is_looked_at_longer(opening: bytes, least: int) -> None:
    size = 32 * 1024
    whole = opening + b"y" * (2 * PEEK_JSON)
    client = _Client(*(whole[start : start + size] for start in range(0, len(whole), size)))
    # What is longer counts as an upload, of which nothing is looked at.
    assert await Body(client).peek() == b""
    assert least <= client.taken * size <= least + 2 * size
