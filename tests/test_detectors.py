"""Detectors of the operator's own: sync and async, their findings, their time limit, and their failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from smcp_security import Action, Decision, Detected, Detector, SMCPSecurityFramework
from tests.envelopes import call, response

MARKED = "the word zebra"


class Plain:
    """Finds a word."""

    name = "plain"

    def __init__(self, category: str = "prompt") -> None:
        self.category = category
        self.seen: list[str] = []

    def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
        """One finding for each text with the word in it."""
        self.seen.append(tool)
        return [Detected(leaf, self.category) for leaf, text in enumerate(texts) if "zebra" in text]


class Later(Plain):
    """The same as a coroutine."""

    async def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:  # type: ignore[override]
        """After a turn of the event loop."""
        await asyncio.sleep(0)
        return super().detect(texts, tool)


@contextmanager
def framework(*detectors: Detector, **injection: Any) -> Iterator[SMCPSecurityFramework]:
    """A framework with these and no rates."""
    section = {"detectors": {"budget": 5_000}, **injection}
    with SMCPSecurityFramework({"limits": [], "injection": section}, detectors=detectors) as made:
        yield made


def judged(made: SMCPSecurityFramework, text: str, *, later: bool) -> Decision:
    """The verdict on a call with this text, with or without an event loop."""
    request = call("save_note", {"note": text})
    return asyncio.run(made.process_request(request)) if later else made.process_request_sync(request)


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("kind", [Plain, Later])
def test_what_a_detector_finds_takes_the_action_of_its_category(kind: type[Plain], later: bool) -> None:
    with framework(kind("prompt")) as made:
        assert judged(made, MARKED, later=later).allowed
        (found,) = judged(made, MARKED, later=later).findings
        assert (found.code, found.action) == ("SMCP604", Action.REPORT)
    with framework(kind("command")) as made:
        decision = judged(made, MARKED, later=later)
        assert not decision.allowed and decision.findings[0].where == "/params/arguments/*"
        assert judged(made, "the word horse", later=later).allowed


def test_a_category_that_is_off_is_off_for_detectors_too() -> None:
    with framework(Plain("command"), action={"command": "off"}) as made:
        decision = judged(made, MARKED, later=False)
        assert decision.allowed and decision.findings == ()


def test_a_detector_is_told_the_tool_and_sees_answers_of_clients() -> None:
    detector = Plain("command")
    with framework(detector) as made:
        judged(made, "x", later=False)
        assert detector.seen == ["save_note"]
        assert not made.process_request_sync(response(1, {"content": {"a": MARKED}})).allowed


@pytest.mark.parametrize("later", [False, True])
def test_a_detector_that_is_late_denies_unless_the_policy_lets_it_pass(later: bool) -> None:
    held = Event()

    class Slow(Plain):
        def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
            held.wait(30)
            return []

    try:
        with framework(Slow(), detectors={"budget": 1}) as made:
            decision = judged(made, "x", later=later)
            assert not decision.allowed and decision.findings[0].code == "SMCP605"
        with framework(Slow(), detectors={"budget": 1, "on_failure": "allow"}) as made:
            decision = judged(made, "x", later=later)
            assert decision.allowed and decision.findings[0].code == "SMCP605"
    finally:
        held.set()


class Broken(Plain):
    """Fails, with what it looked at in its message."""

    def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
        """Never answers."""
        raise ValueError(f"cannot read {texts}")


class Nonsense(Plain):
    """Names a text that is not there."""

    def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected] | Awaitable[Any]:  # type: ignore[override]
        """An index too high."""
        return [Detected(len(texts))]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("detector", [Broken(), Nonsense()])
def test_a_detector_that_fails_denies_and_its_words_stay_out_of_the_log(
    detector: Plain, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with framework(detector) as made:
        decision = judged(made, MARKED, later=later)
        assert not decision.allowed and decision.findings[0].code == "SMCP605"
    assert "zebra" not in caplog.text and "plain" in caplog.text


def test_detectors_that_hang_pile_up_no_threads() -> None:
    held = Event()

    class Slow(Plain):
        def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
            held.wait(30)
            return []

    try:
        with framework(Slow(), detectors={"budget": 1}) as made:
            assert not any(judged(made, "x", later=False).allowed for _ in range(100))
    finally:
        held.set()


def test_a_detector_holds_after_a_reload() -> None:
    with framework(Plain("command")) as made:
        made.reload({"limits": [], "injection": {"detectors": {"budget": 5_000}}})
        assert not judged(made, MARKED, later=False).allowed


def test_the_findings_that_block_come_before_those_that_report() -> None:
    class Many(Plain):
        def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
            return [*[Detected(0, "prompt")] * 500, Detected(0, "command")]

    with framework(Many()) as made:
        decision = judged(made, "x", later=False)
        assert not decision.allowed and len(decision.findings) == 64


class Ends(Plain):
    """Ends the program, or the task, as far as it can."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
        """Never answers."""
        raise self.error


class EndsLater(Ends):
    """The same as a coroutine."""

    async def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:  # type: ignore[override]
        """Never answers."""
        raise self.error


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("kind", [Ends, EndsLater])
@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
def test_a_detector_that_ends_things_fails_like_any_other(
    kind: type[Ends], error: type[BaseException], later: bool
) -> None:
    with framework(kind(error)) as made:
        decision = judged(made, MARKED, later=later)
        assert not decision.allowed and decision.findings[0].code == "SMCP605"


def test_a_caller_that_gives_up_is_cancelled_and_not_refused() -> None:
    begun = asyncio.Event()

    class Waits(Plain):
        async def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:  # type: ignore[override]
            begun.set()
            await asyncio.Event().wait()
            return []

    async def giving_up(made: SMCPSecurityFramework) -> None:
        asking = asyncio.create_task(made.process_request(call("save_note", {"note": "x"})))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with framework(Waits()) as made:
        asyncio.run(giving_up(made))


def test_messages_that_wait_for_a_thread_outlive_a_reload() -> None:
    held = Event()

    class Slow(Plain):
        def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
            held.wait(30)
            return []

    async def reloading(made: SMCPSecurityFramework) -> list[Decision]:
        asking = [asyncio.create_task(made.process_request(call("save_note", {"note": "x"}))) for _ in range(12)]
        await asyncio.sleep(0)
        made.reload({"limits": [], "infer": False, "injection": {"detectors": {"budget": 5_000}}})
        held.set()
        return await asyncio.gather(*asking)

    try:
        with framework(Slow()) as made:
            assert all(decision.allowed for decision in asyncio.run(reloading(made)))
    finally:
        held.set()
