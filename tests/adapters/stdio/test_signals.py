"""Signals in a pipe: those that are passed on, in their order, and none that this process was started to ignore."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest

from smcp_security.adapters.stdio.signals import Signals


@pytest.fixture
def ignoring_hangups() -> Iterator[None]:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_signals_wait_until_somebody_looks() -> None:
    with Signals() as signals:
        assert signals.read() == []
        for number in (signal.SIGTERM, signal.SIGUSR1):
            os.kill(os.getpid(), number)
        assert select.select([signals.fd], [], [], 5)[0]
        assert signals.read() == [signal.SIGTERM, signal.SIGUSR1]


def test_the_end_of_a_child_wakes_and_is_not_passed_on() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGCHLD)
        assert select.select([signals.fd], [], [], 5)[0]
        assert signals.read() == []


@pytest.mark.usefixtures("ignoring_hangups")
def test_what_is_ignored_is_ignored_still() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR2)
        assert signals.read() == [signal.SIGUSR2]


def test_afterwards_everything_is_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)]
    with Signals():
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)] != before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)] == before
