"""What the caller asked with, where an error says it again. Pure.

An error goes to logs and to models that the arguments were not meant for, and input that comes back word for word is
how an attacker finds out what is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from smcp_security.checks.repeats import TooManyRepeats
from smcp_security.message import Message
from smcp_security.redaction.redactor import Span

LEAST: Final = 12
"""Characters: what is shorter is a word that any error may say."""

MOST: Final = 64
"""How many arguments are looked for, the longest first."""

MAX_ECHOES: Final = 4_000
_MASK: Final = "input"
_KIND: Final = "internals"


class Echoes:
    """The long texts of a request's arguments."""

    __slots__ = ("_arguments",)

    def __init__(self, request: Message | None) -> None:
        arguments = None if request is None else request.params.get("arguments")
        texts = {text for text in _texts(arguments) if len(text) >= LEAST}
        self._arguments = sorted(texts, key=lambda text: (-len(text), text))[:MOST]

    def added(self, texts: Sequence[str], spans: Sequence[Span]) -> list[Span]:
        """The spans, and those of echoes; where two overlap they are one, under the name of the first."""
        if not self._arguments:
            return list(spans)
        found = [*spans, *(span for leaf, text in enumerate(texts) for span in self._in(leaf, text))]
        return list(_merged(found))

    def _in(self, leaf: int, text: str) -> Iterator[Span]:
        count = 0
        for argument in self._arguments:
            at = text.find(argument)
            while at >= 0:
                count += 1
                if count > MAX_ECHOES:
                    raise TooManyRepeats("an error repeats what was asked too often; it is withheld")
                yield Span(leaf, at, at + len(argument), _MASK, _KIND)
                at = text.find(argument, at + len(argument))


def _texts(arguments: Any) -> Iterator[str]:
    waiting = [arguments]
    while waiting:
        node = waiting.pop()
        if type(node) is str:
            yield node
        elif type(node) is dict:
            waiting += node.values()
        elif type(node) is list:
            waiting += node


def _merged(spans: list[Span]) -> Iterator[Span]:
    held: Span | None = None
    for span in sorted(spans, key=lambda span: (span.leaf, span.start, -span.end)):
        if held is None:
            held = span
        elif held.leaf == span.leaf and span.start < held.end:
            held = Span(held.leaf, held.start, max(held.end, span.end), held.mask, held.kind)
        else:
            yield held
            held = span
    if held is not None:
        yield held
