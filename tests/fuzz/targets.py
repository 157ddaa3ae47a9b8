"""The table of what is fuzzed. A target is a module with `judge`, `seeds` and `WORDS`, imported only when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol


class Harness(Protocol):
    """What a module of a target offers."""

    WORDS: tuple[bytes, ...]
    judge: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Target:
    """One thing that is fuzzed. `instrumented` are the top-level packages whose coverage guides the fuzzer.

    C extensions (msgspec, RE2, the `json` scanner) give no coverage: there the references in Python guide it.
    """

    module: str
    instrumented: tuple[str, ...] = ("smcp_security", "tests")
    longest: int = 2_048

    def harness(self) -> Harness:
        """The module, imported now."""
        return import_module(self.module)  # type: ignore[return-value]


TARGETS: Final[dict[str, Target]] = {
    "message": Target("tests.fuzz.message"),
    "text": Target("tests.fuzz.text"),
    "rulebook": Target("tests.fuzz.rulebook"),
    "sse": Target("tests.fuzz.sse", longest=512),
    "policy": Target("tests.fuzz.policy", ("smcp_security", "tests", "ruamel")),
    "engine": Target("tests.fuzz.engine"),
    "answer": Target("tests.fuzz.answer"),
    "reply": Target("tests.fuzz.reply", longest=512),
    "stray": Target("tests.fuzz.stray"),
}
