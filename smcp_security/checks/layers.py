"""The texts of a message layer by layer: its own, those of the JSON and the Base64 in them, and so on. Pure.

JSON inside a text is masked as the structure it is, so that it stays JSON and agrees with the same value elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, TypeAlias

import msgspec

from smcp_security.checks.blobs import FIELDS, Packed
from smcp_security.checks.embedded import Embedded, opened
from smcp_security.checks.said import ESCAPES
from smcp_security.redaction.redactor import Span

Find: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[Span]]
Masks: TypeAlias = "Counter[tuple[str, str]]"
"""How often each (mask, kind) was set."""

DEPTH: Final = 4
"""How deep JSON may lie in texts: an API's answer in a log line in a report in a tool's result."""

MAX_PARTS: Final = 16
"""In so many places a text is masked of what only the text that holds it shows; after that, as a whole."""

_OPENS: Final = frozenset('{[" \n\r\t')


def mask_of(span: Span) -> str:
    """What stands in the place of a span."""
    return f"[redacted:{span.mask}]"


def cover(text: str, spans: Sequence[Span]) -> str:
    """A text with spans masked that stand in order and do not overlap."""
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += (text[at : span.start], mask_of(span))
        at = span.end
    return "".join((*pieces, text[at:]))


class Change(msgspec.Struct, frozen=True):
    """What becomes of one text, and what was masked in it."""

    text: str
    masks: Masks


class Layer:
    """Texts of one depth, and what was found in them."""

    __slots__ = ("_begins", "_between", "_inside", "_opened", "names", "spans", "texts")

    def __init__(self, texts: list[str], names: list[str], find: Find) -> None:
        self.texts, self.names = texts, names
        self.spans: dict[int, list[Span]] = {}
        for span in find(texts, names):
            self.spans.setdefault(span.leaf, []).append(span)
        # The texts that were opened, in order, and where the texts of each begin in the layer below.
        self._opened: list[int] = []
        self._inside: dict[int, Embedded | Packed] = {}
        self._begins: list[int] = []
        # What was found between the texts that a text holds: numbers too short to be texts.
        self._between: dict[int, list[Span]] = {}

    def add(self, further: Sequence[Span]) -> None:
        """Take in spans that overlap none that are known."""
        for span in further:
            self.spans.setdefault(span.leaf, []).append(span)
        for leaf in {span.leaf for span in further}:
            self.spans[leaf].sort(key=lambda span: span.start)

    def below(self, find: Find, *, every: bool, packed: bool) -> Layer | None:
        """The texts of what the texts of this layer hold, None if they hold nothing. Of JSON without `every` only what
        has escapes; of Base64 only if `packed`."""
        texts: list[str] = []
        names: list[str] = []
        for leaf, inside in self._openings(every=every, packed=packed):
            self._opened.append(leaf)
            self._inside[leaf] = inside
            self._begins.append(len(texts))
            texts += inside.fields.texts
            names += inside.fields.names
        return Layer(texts, names, find) if texts else None

    def _openings(self, *, every: bool, packed: bool) -> Iterator[tuple[int, Embedded | Packed]]:
        # Most texts are prose: telling them apart first takes half the time.
        opening = [(leaf, text) for leaf, text in enumerate(self.texts) if packed or text[:1] in _OPENS]
        for leaf, text in opening:
            inside: Embedded | Packed | None = None
            if text[:1] in _OPENS and (every or any(escape in text for escape in ESCAPES)):
                inside = opened(text)
            elif packed and self.names[leaf] in FIELDS:
                inside = Packed.of(text)
            if inside is not None:
                yield leaf, inside

    def changes(self, below: Mapping[int, Change]) -> dict[int, Change]:
        """What becomes of the texts of this layer, given what becomes of those of the layer below."""
        inner = self.inner(below)
        return {leaf: self.changed(leaf, self.spans.get(leaf, ()), inner.get(leaf))
                for leaf in sorted(self.spans.keys() | inner.keys())}  # fmt: skip

    def inner(self, below: Mapping[int, Change]) -> dict[int, dict[int, Change]]:
        """What becomes of the texts in each text that was opened."""
        inner: dict[int, dict[int, Change]] = {leaf: {} for leaf in self._between}
        for index, change in below.items():
            number = self._holder(index)
            inner.setdefault(self._opened[number], {})[index - self._begins[number]] = change
        return inner

    def changed(self, leaf: int, spans: Sequence[Span], inner: Mapping[int, Change] | None) -> Change:
        """One text masked: as it stands, or in what it holds. None: it holds nothing."""
        if spans or inner is None:
            return Change(cover(self.texts[leaf], spans), Counter((span.mask, span.kind) for span in spans))
        between = self._between.get(leaf, ())
        masks: Masks = Counter((span.mask, span.kind) for span in between)
        for change in inner.values():
            masks.update(change.masks)
        text = self._inside[leaf].with_texts(
            {index: change.text for index, change in inner.items()},
            [(span.start, span.end, mask_of(span)) for span in between],
        )
        return Change(text, masks)

    def holding(self, below: Iterable[int]) -> set[int]:
        """The texts in which something was found, given those of the layer below."""
        return self.spans.keys() | {self._opened[self._holder(index)] for index in below}

    def sink(self, below: Layer, holding: Set[int]) -> None:
        """What was found in a text that was opened is found in what it holds, where nothing was found there yet."""
        for number, leaf in enumerate(self._opened):
            spans, text = self.spans.get(leaf, ()), self.texts[leaf]
            first, last = len(text) - len(text.lstrip()), len(text.rstrip())
            if any(span.start <= first and span.end >= last for span in spans):
                continue
            for span in spans:
                touched = self._inside[leaf].touched(span.start, span.end)
                if not touched:
                    self._between.setdefault(leaf, []).append(span)
                for each in touched:
                    index = self._begins[number] + each
                    # Where only what lies deeper was found, it is what was found here.
                    if (index not in holding or index in below.spans) and not below.settled(index, index in holding):
                        part = self._inside[leaf].part(each, span.start, span.end)
                        below.take(index, part, span, held=index in holding)
            self.spans.pop(leaf, None)

    def settled(self, leaf: int, held: bool) -> bool:
        """Whether `take` would change nothing: looking where something is in a long text takes long."""
        spans = self.spans.get(leaf, ())
        if len(spans) == 1:
            return spans[0].start == 0 and spans[0].end == len(self.texts[leaf])
        return held and len(spans) >= MAX_PARTS

    def take(self, leaf: int, part: tuple[int, int], like: Span, *, held: bool) -> None:
        """Take in a span that the layer above found; `held`: this one found something in the text by itself."""
        start, end = part
        spans = self.spans.setdefault(leaf, [])
        known = len(spans) >= MAX_PARTS or any(span.start < end and span.end > start for span in spans)
        if known and held:
            return
        if known:
            # Escapes hide what is where, or so much was found that looking where takes longer than it is worth.
            start, end = 0, len(self.texts[leaf])
            spans.clear()
        spans.append(Span(leaf, start, end, like.mask, like.kind))
        spans.sort(key=lambda span: span.start)

    def unopened(self) -> list[str]:
        """The texts, "" for those whose parts are texts of the layer below."""
        texts = self.texts.copy() if self._opened else self.texts
        for leaf in self._opened:
            if leaf not in self.spans:
                texts[leaf] = ""
        return texts

    def _holder(self, index: int) -> int:
        return bisect_right(self._begins, index) - 1


def _sink(layers: Sequence[Layer]) -> None:
    holding: list[set[int]] = []
    for layer in reversed(layers):
        holding.append(layer.holding(holding[-1] if holding else ()))
    for layer, below, held in zip(layers, layers[1:], holding[-2::-1], strict=False):
        layer.sink(below, held)


def layers_of(top: Layer, find: Find, *, every: bool) -> list[Layer]:
    """The layers from `top` down, what was found sunk to where it lies. `every` is as for `Layer.below`."""
    # Where one text had to be opened, what lies in it may be JSON again: its escapes are gone. What the message itself
    # has in Base64 stands among the texts on top.
    layers = [top]
    while len(layers) <= DEPTH:
        layer = layers[-1].below(find, every=every, packed=len(layers) > 1)
        if layer is None:
            break
        layers.append(layer)
        every = True
    _sink(layers)
    return layers
