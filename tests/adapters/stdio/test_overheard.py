"""What a server with secrets says on stderr is passed on by the line, with the secrets masked, and holds nobody up."""

from __future__ import annotations

import os
import select
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha512

import pytest

from smcp_security.adapters.stdio.overheard import LEFT_OUT, LONGEST, UNSEARCHED, Overheard, overhearing
from smcp_security.errors import SMCPError
from smcp_security.redaction.sought import Sought, Value

TOKEN = b"tok-" + b"Zq8x" * 6
LINES = [b64encode(sha512(b"line %d" % number).digest()[:48]) for number in range(24)]
KEY = b"\n".join((b"-----BEGIN KEY-----", *LINES, b"-----END KEY-----", b""))
SOUGHT = Sought([Value("github", TOKEN), Value("key", KEY)])


@pytest.fixture
def screen() -> Iterator[tuple[int, int]]:
    """(what is shown, our stderr)"""
    reads, writes = os.pipe()
    yield reads, writes
    for fd in (reads, writes):
        os.close(fd)


def heard(screen: tuple[int, int], *said: bytes, sought: Sought | None = SOUGHT) -> bytes:
    """What is shown of what a server says before it ends."""
    shown = b""
    with overhearing(screen[1], lambda: sought, needed=True) as ear:
        assert ear is not None
        mouth = os.dup(ear.writes)
        ear.begin()
        for each in said:
            os.write(mouth, each)
        os.close(mouth)
        ear._thread.join(20)
    while select.select([screen[0]], [], [], 0)[0]:
        shown += os.read(screen[0], 2**20)
    return shown


def test_words_without_a_secret_are_passed_on_as_they_are(screen: tuple[int, int]) -> None:
    said = b"started\n\xff\xfe\x1b[1mbold\x1b[0m\r\nlast words"
    assert heard(screen, said) == said
    assert heard(screen, b"tok", sought=None) == b"tok"


@pytest.mark.parametrize("secret", [TOKEN, TOKEN.hex().encode(), b"dG9rLVpxOHhacTh4WnE4eFpxOHhacTh4WnE4eA=="])
def test_a_secret_is_masked_in_any_spelling(screen: tuple[int, int], secret: bytes) -> None:
    shown = heard(screen, b"token=" + secret + b" ok\xff\nnext\n")
    assert secret not in shown
    assert shown.startswith(b"token=[redacted:vault-secret]") and shown.endswith(b"\nnext\n")


def test_a_secret_that_comes_in_pieces_is_masked_as_a_whole(screen: tuple[int, int]) -> None:
    assert heard(screen, TOKEN[:7], TOKEN[7:] + b"\n") == b"[redacted:vault-secret]\n"
    assert heard(screen, b"it is " + TOKEN) == b"it is [redacted:vault-secret]"


def test_the_lines_of_a_key_are_masked_whether_they_come_at_once_or_not(screen: tuple[int, int]) -> None:
    for said in ([KEY], KEY.splitlines(keepends=True)):
        shown = heard(screen, *said)
        assert b"vault-secret" in shown and not any(line in shown for line in LINES)


def test_a_line_that_is_too_long_to_be_held_is_left_out_and_the_next_one_is_not(screen: tuple[int, int]) -> None:
    # A pipe holds no more than that at once.
    os.set_blocking(screen[1], True)
    said = b"x" * (LONGEST // 2) + TOKEN
    shown = heard(screen, b"first\n", said, said, said, b"\nnext\n")
    assert shown == b"first\n" + LEFT_OUT + b"next\n"


def test_what_cannot_be_searched_is_left_out(screen: tuple[int, int]) -> None:
    class Broken:
        def find(self, *_: object) -> None:
            raise SMCPError("no proof")

    assert heard(screen, TOKEN + b"\n", sought=Broken()) == UNSEARCHED  # type: ignore[arg-type]


def test_where_nobody_reads_any_more_the_server_is_told_so(screen: tuple[int, int]) -> None:
    gone, writes = os.pipe()
    os.close(gone)
    ear = Overheard(writes, lambda: SOUGHT)
    mouth = os.dup(ear.writes)
    ear.begin()
    os.write(mouth, b"a word\n")
    broken = select.poll()
    broken.register(mouth, select.POLLERR)
    assert broken.poll(20_000)
    ear.end()
    for fd in (mouth, writes):
        os.close(fd)


def test_a_server_that_did_not_start_leaves_nothing_open(screen: tuple[int, int]) -> None:
    with overhearing(screen[1], lambda: SOUGHT, needed=True) as ear:
        assert ear is not None
        kept = ear.writes
    with pytest.raises(OSError):
        os.fstat(kept)
    with overhearing(screen[1], lambda: SOUGHT, needed=False) as none:
        assert none is None
