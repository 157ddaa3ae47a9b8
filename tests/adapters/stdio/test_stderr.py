"""The proxy's own words: one line each, good news only once there is a server, and nothing that waits for a reader."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from smcp_security.adapters.stdio.stderr import words_to

LOG = logging.getLogger("smcp_security.stdio")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(the reading end, the writing end)"""
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    yield reads, writes
    os.close(reads)
    os.close(writes)


def _read(fd: int) -> str:
    try:
        return os.read(fd, 2**20).decode()
    except BlockingIOError:
        return ""


def test_good_news_wait_for_the_server_and_bad_news_do_not(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    with words_to(writes) as words:
        LOG.info("on")
        LOG.warning("bad")
        assert _read(reads) == "smcp proxy: bad\n"
        words.begin()
        LOG.info("more")
        assert _read(reads) == "smcp proxy: on\nsmcp proxy: more\n"
    LOG.warning("afterwards")
    assert _read(reads) == ""


def test_of_the_audit_only_refusals_are_written(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    with words_to(writes) as words:
        words.begin()
        logging.getLogger("smcp_security.audit").info("allowed")
        logging.getLogger("smcp_security.audit").warning("refused")
    assert _read(reads) == "smcp proxy: refused\n"


def test_what_nobody_reads_is_dropped_and_counted(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    with words_to(writes):
        for _ in range(100):
            LOG.warning("x" * 4_000)
        written = _read(reads)
        LOG.warning("again")
        assert _read(reads) == f"smcp proxy: {100 - written.count('smcp proxy')} lines could not be written here\n" + (
            "smcp proxy: again\n"
        )


def test_a_stderr_that_is_gone_is_no_reason_to_stop() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with words_to(writes):
        LOG.warning("nobody")
    os.close(writes)
