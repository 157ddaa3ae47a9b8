"""Slow work is done once, on a thread of its own, and nobody waits for it without an end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from smcp_security.errors import Unavailable
from smcp_security.keys.errand import GRACE, Errand


def test_what_the_work_returns_is_everybodys() -> None:
    errand = Errand(lambda: threading.current_thread().name, 5)
    assert errand.wait() == errand.wait()
    assert errand.wait() != threading.current_thread().name
    assert (errand.done, errand.overdue) == (True, False)
    assert asyncio.run(errand.wait_async()) == errand.wait()


def fail() -> None:
    raise Unavailable("why")


def test_what_the_work_raises_is_everybodys() -> None:
    errand = Errand(fail, 5)
    for _ in range(2):
        with pytest.raises(Unavailable, match="why"):
            errand.wait()
        with pytest.raises(Unavailable, match="why"):
            asyncio.run(errand.wait_async())


def late() -> None:
    raise TimeoutError("of the work itself")


def test_a_timeout_of_the_work_itself_is_told_from_one_of_the_waiting() -> None:
    with pytest.raises(TimeoutError, match="itself"):
        Errand(late, 5).wait()


def test_nobody_waits_past_the_end() -> None:
    gate = threading.Event()
    errand = Errand(lambda: gate.wait(20), -GRACE)
    with pytest.raises(Unavailable, match="in time"):
        errand.wait()
    with pytest.raises(Unavailable, match="in time"):
        asyncio.run(errand.wait_async())
    assert (errand.done, errand.overdue) == (False, True)
    gate.set()
    assert errand._future.result(20) is True
    assert errand.overdue is False
    assert errand.wait() is True


def test_no_thread_stays_behind() -> None:
    before = threading.active_count()
    threads = [Errand(threading.current_thread, 5).wait() for _ in range(8)]
    for thread in threads:
        thread.join(20)
    assert threading.active_count() <= before
