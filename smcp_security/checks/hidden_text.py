"""The hidden text rung: terminal escapes and characters that nobody sees are taken out of answers. Pure.

One look at the bytes of the message says whether any may be there. All texts that may hold some are judged at once,
those in JSON texts and in Base64 too. Protocol identifiers and addresses stay: an exchange would break by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from smcp_security.checks import invisible, terminal
from smcp_security.checks.blobs import FIELDS, is_text, packed, unpacked
from smcp_security.checks.edits import all_exchanged, exchanged, with_value
from smcp_security.checks.embedded import opened, renamed
from smcp_security.checks.legible import SUSPICIOUS, legible
from smcp_security.checks.protocol_places import covers
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.checks.said import fields
from smcp_security.checks.shown import shown
from smcp_security.decision import CLEAN, Action, Outcome, finding
from smcp_security.decoding import pattern
from smcp_security.fields import Fields, places
from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.policy import Policy
from smcp_security.text import Joined

_CODE: Final = (
    r"(?i:00[01][0-9a-f]|00[789a][0-9a-f]|034f|061c|115f|1160|17b[45]|180[b-f]|20[026][0-9a-f]|3164|fe0[0-9a-f]|feff|"
    r"ffa0|fff[0-9ab]|fd[de][0-9a-f]|db40|d82f|d834)"
)
_ESCAPED: Final = pattern(rf"\\(?:u{_CODE}|b|r[^\\]|r\\[^n])")
"""A character that may be hidden, as JSON writes it that is kept to ASCII."""

_IN_JSON: Final = pattern(
    rf"[^\\](?:\\\\)*\\(?:u00[01]|b|r[^\\\"]|r\\[^n])|[^\\](?:\\\\)+(?:u{_CODE}|b|r[^\\]|r\\[^\\]|r\\\\[^n])|[\x01-\x08\x0e-\x1b\x7f]|"
    rf"{terminal.SET}|{invisible.SUSPICIOUS}"
)
"""The same for JSON as it is sent, in which control characters are escapes, and those of JSON texts are so twice."""

_MANY: Final = 300
"""Suspicious texts that are told from the others; with more it is cheaper to judge every text."""


def build(policy: Policy) -> Rung:
    """The rung for results.strip. In monitor mode it reports and changes nothing."""
    enforced = policy.enforces("results")

    def hidden_text(context: Context) -> Outcome:
        message = context.message
        if message is None:
            return CLEAN
        said = fields(message)
        if not said.packed and not _suspected(message.raw):
            return CLEAN
        counts: Counter[str] = Counter()
        changed = _changed(message, said, counts)
        if not changed:
            return CLEAN
        report = finding("SMCP707", _where(changed), hint=_told(counts, len(changed)), action=Action.REPORT)
        return Outcome((report,), edit=with_value(message, _applied(message.value, changed)) if enforced else None)

    return pure(hidden_text)


def _suspected(raw: bytes) -> bool:
    """Whether a message may hold hidden text, by its JSON. Most hold none and cost no more than this."""
    return (b"\\" in raw or not raw.isascii() or b"\x7f" in raw) and _IN_JSON.search(raw) is not None


def _changed(message: Message, said: Fields, counts: Counter[str]) -> dict[tuple[Path, bool], str]:
    """(path, whether it is the key there) -> the text without what was hidden in it, for texts that had something."""
    suspects, bases = {*_suspects(said.texts), *_with_escapes(message, said.texts)}, _packed(said)
    asked = _Covered()
    wanted = places(message.value, {*suspects, *bases})
    wanted = {leaf: place for leaf, place in wanted.items() if asked(*place)}
    left = _without_hidden({leaf: said.texts[leaf] for leaf in suspects if leaf in wanted}, counts)
    for leaf, text in left.items():
        # What was hidden may have kept a text from being Base64.
        if said.names[leaf] in FIELDS and (inside := unpacked(text)) is not None and is_text(inside):
            bases[leaf] = inside
    for leaf, text in _without_hidden({leaf: text for leaf, text in bases.items() if leaf in wanted}, counts).items():
        left[leaf] = packed(text)
    return {wanted[leaf]: text for leaf, text in sorted(left.items())}


def _packed(said: Fields) -> dict[int, str]:
    return {leaf: text for leaf, text in said.packed or () if is_text(text)}


def _without_hidden(texts: Mapping[int, str], counts: Counter[str]) -> dict[int, str]:
    """Those of some texts that had something hidden, without it. JSON is judged by the texts in it, and stays JSON."""
    inside = {leaf: found for leaf, text in texts.items() if (found := opened(text)) is not None}
    left = legible({leaf: text for leaf, text in texts.items() if leaf not in inside}, counts)
    inside |= {leaf: found for leaf, text in left.items() if (found := opened(text)) is not None}
    said = {(leaf, place): text for leaf, found in inside.items() for place, text in enumerate(found.fields.texts)}
    parts: dict[int, dict[int, str]] = {}
    for (leaf, place), text in legible(said, counts).items():
        parts.setdefault(leaf, {})[place] = text
    return left | {leaf: inside[leaf].with_texts(changed) for leaf, changed in parts.items()}


class _Covered:
    """Whether a place is looked at. Thousands of texts stand in a few kinds of places."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[Path, bool], bool] = {}

    def __call__(self, path: Path, is_key: bool) -> bool:
        # To the protocol, the entries of a list are one place.
        kind = tuple([0 if type(step) is int else step for step in path]), is_key
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = covers(path, is_key, "")
        return known


def _suspects(texts: Sequence[str]) -> Sequence[int]:
    """The texts that may hold something hidden; all of them where many do."""
    joined = Joined(texts)
    leaves = (
        {leaf for leaf, text in enumerate(texts) if "\0" in text} if joined.data.count(0) > len(texts) + 1 else set()
    )
    match = SUSPICIOUS.search(joined.data)
    while match is not None and match.start() < joined.starts[-1]:
        leaf = joined.leaf_at(match.end() - 1)
        leaves.add(leaf)
        if len(leaves) > _MANY:
            return range(len(texts))
        # The line break and the NUL before a text belong to what its first character is judged by.
        match = SUSPICIOUS.search(joined.data, joined.starts[leaf + 1] - 2)
    return sorted(leaves)


def _with_escapes(message: Message, texts: Sequence[str]) -> list[int]:
    """The texts that may be JSON in which something hidden is written as an escape."""
    if b"\\\\" not in message.raw:
        return []
    return [leaf for leaf, text in enumerate(texts) if "\\" in text and _ESCAPED.search(text.encode()) is not None]


def _applied(value: dict[str, Any], changed: Mapping[tuple[Path, bool], str]) -> dict[str, Any]:
    keys: dict[Path, dict[str, str]] = {}
    for (path, is_key), text in changed.items():
        if is_key:
            keys.setdefault(path[:-1], {})[str(path[-1])] = text
    value = all_exchanged(value, {path: text for (path, is_key), text in changed.items() if not is_key})
    # The deepest first: the paths have the old keys.
    for path in sorted(keys, key=len, reverse=True):
        node: Any = value
        for step in path:
            node = node[step]
        # What the rungs before took for no key of the protocol must not become one.
        reserved = {} if _of_users(path) else dict.fromkeys(keys[path].values())
        names = renamed({**node, **reserved}, keys[path])
        value = exchanged(value, path, {names.get(key, key): member for key, member in node.items()})
    return value


def _of_users(path: Path) -> bool:
    """Whether the keys of an object there are a tool's or a program's own, and none of the protocol's."""
    return path[1:2] == ("structuredContent",) or "_meta" in path


def _where(changed: Mapping[tuple[Path, bool], str]) -> str:
    """The place of the text, or the last one that leads to all of them."""
    (first, is_key), *others = changed
    if len(others) > _MANY:
        return shown(first[:1])
    for path, _ in others:
        same = sum(1 for _ in _same(first, path))
        first, is_key = first[:same], False
    return shown(first, is_key=is_key)


def _same(one: Path, other: Path) -> Iterator[str | int]:
    for step, against in zip(one, other, strict=False):
        if step != against:
            return
        yield step


def _told(counts: Counter[str], texts: int) -> str:
    kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))
    return kinds if texts == 1 else f"{kinds}, in {texts} texts"
