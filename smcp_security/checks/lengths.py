"""The lengths rung: the texts of a result are cut at results.max_tokens, and say so. Pure.

Structured content counts and is never cut: half of it would not be what its schema promises. Texts that repeat it, or
a part of it, count once with it and stay whole, so that the two agree.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from smcp_security.checks.blocks import blocks_of, results_of
from smcp_security.checks.budgets import Tokenizer, tokens_of, tokens_of_size
from smcp_security.checks.edits import all_exchanged, exchanged, with_value
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.decision import CLEAN, Action, Outcome, denied, finding
from smcp_security.leaves import Path
from smcp_security.policy import Policy
from smcp_security.strict_json import Malformed, load, serialise

_BACK: Final = 32
"""Characters that a cut goes back at most, so as not to part what is one sign to its reader."""

_PARTS: Final = 10_000
"""Parts of structured content that texts may repeat; further ones are texts of their own."""

_JOINER: Final = "\u200d"
_FLAGS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Letters of which two are a flag."""

_CANONICAL: Final = msgspec.json.Encoder(order="deterministic").encode


def build(policy: Policy, most: int, count_tokens: Tokenizer | None) -> Rung:
    """The rung for results.max_tokens. In monitor mode it reports and changes nothing."""
    enforced = policy.enforces("results")

    def weight(text: str) -> int:
        return tokens_of(text.encode("utf-8", "replace"), count_tokens)

    def lengths(context: Context) -> Outcome:
        message = context.message
        if message is None or (count_tokens is None and tokens_of_size(len(message.raw)) <= most):
            return CLEAN
        structured = list(_structured(message.value))
        fixed = sum(tokens_of(serialise(each), count_tokens) for each in structured)
        # Each part vouches for as many texts as it stands there: one that is sent a hundred times counts.
        repeated = _vouched(structured)
        texts = [(path, text) for path, text in blocks_of(message.value) if not _repeats(text, repeated)]
        weights = [weight(text) for _, text in texts]
        total = fixed + sum(weights)
        if total <= most:
            return CLEAN
        hint = f"at most {most} tokens, not {total}"
        if fixed > most:
            return denied("SMCP710", "/result/structuredContent", hint=hint)
        cut = _cut(texts, weights, most - fixed, _note(most, total), weight)
        report = finding("SMCP710", "/result", hint=hint, action=Action.REPORT)
        return Outcome((report,), edit=with_value(message, _applied(message.value, cut)) if enforced else None)

    return pure(lengths)


def _structured(value: dict[str, Any]) -> Iterator[Any]:
    for _, result in results_of(value):
        if result.get("structuredContent") is not None:
            yield result["structuredContent"]


def _vouched(structured: Sequence[Any]) -> Counter[bytes]:
    """The canonical JSON of structured content, of its members and of the entries of those: SDKs repeat any of them."""
    levels = [list(structured)]
    for _ in range(2):
        levels.append([part for node in levels[-1] for part in _members(node)][:_PARTS])
    return Counter(_CANONICAL(part) for level in levels for part in level)


def _members(node: Any) -> Iterable[Any]:
    return node.values() if type(node) is dict else node if type(node) is list else ()


def _repeats(text: str, vouched: Counter[bytes]) -> bool:
    """Whether a text is a part of the structured content, as it stands or in JSON, that no other text has repeated."""
    return bool(vouched) and (_taken(text, vouched) or _taken(_read(text), vouched))


def _taken(part: Any, vouched: Counter[bytes]) -> bool:
    key = _CANONICAL(part)
    if vouched[key] < 1:
        return False
    vouched[key] -= 1
    return True


def _read(text: str) -> Any:
    """What a text holds as JSON; itself if it is none."""
    try:
        return load(text.encode("utf-8", "surrogatepass"))[0]
    except Malformed:
        return text


def _note(most: int, total: int) -> str:
    return f"[Cut at {most} of {total} tokens. Ask for less: a page, a range or a narrower query.]"


def _cut(
    texts: Sequence[tuple[Path, str]], weights: Sequence[int], room: int, note: str, weight: Callable[[str], int]
) -> dict[Path, str]:
    """What becomes of the texts that do not fit: one ends in the note, nothing is left of those behind it."""
    note = next((each for each in (f"\n{note}", "[cut]", "") if weight(each) <= room), "")
    room -= weight(note)
    cut: dict[Path, str] = {}
    for (path, text), tokens in zip(texts, weights, strict=True):
        if cut:
            cut[path] = ""
        elif tokens <= room:
            room -= tokens
        else:
            kept = text[: _end(text, tokens, room, weight)]
            cut[path] = kept + note if kept else note.lstrip()
    return cut


def _end(text: str, tokens: int, room: int, weight: Callable[[str], int]) -> int:
    """How many characters of a text have no more tokens than there is room for."""
    end = len(text) * room // tokens
    while end and weight(text[:end]) > room:
        end = end * 15 // 16
    for _ in range(_BACK):
        if not end or not _one_sign(text, end):
            break
        end -= 1
    return end


def _one_sign(text: str, end: int) -> bool:
    """Whether a cut would part what its reader sees as one: a letter and its marks, a line break, an emoji."""
    before, after = text[end - 1], text[end]
    if before == _JOINER or after == _JOINER or (before == "\r" and after == "\n"):
        return True
    if before in _FLAGS and after in _FLAGS:
        return (end - len(text[:end].rstrip(_FLAGS))) % 2 == 1
    return unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff" or after >= "\U000e0000"


def _applied(value: dict[str, Any], cut: Mapping[Path, str]) -> dict[str, Any]:
    """The message with the texts that are left; of content, blocks with nothing left are dropped."""
    value = all_exchanged(value, cut)
    for path, result in results_of(value):
        gone = {way[-2] for way, text in cut.items() if not text and way[:-2] == (*path, "content") and len(cut) > 1}
        if gone:
            left = [block for place, block in enumerate(result["content"]) if place not in gone]
            value = exchanged(value, (*path, "content"), left)
    return value
