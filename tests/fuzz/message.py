"""`message.py` under fuzz: whatever it accepts means the same to two other readers, and nothing hides in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from smcp_security.leaves import MAX_NODES, PROTOCOL_KEYS, pointers
from smcp_security.message import Message, parse, typed
from smcp_security.strict_json import Malformed, deserialise, faithful, load, serialise
from tests.fuzz import rfc8259, samples
from tests.fuzz.oracle import expect

DEPTH: Final = 64
CODES: Final = frozenset(f"SMCP{number}" for number in range(112, 121))
WORDS: Final = (
    *(f'"{name}"'.encode() for name in "jsonrpc method params id _meta result error arguments inputResponses".split()),
    *(word.encode() for word in r'{ } [ ] : , true false null NaN Infinity "2.0" 1e999 -0 -0.0 1e-400 1E22'.split()),
    *(word.encode() for word in r"\ud83d\ude39 \ud800 \u0061 \u0000 \" \\ \/".split()),
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f\x98\xb9", b'{"a":1,"a":1}',
)  # fmt: skip


def judge(data: bytes) -> None:
    """Load and parse `data` and hold both against the references."""
    meant, sound = _meant(data)
    try:
        value, canonical = load(data)
    except Malformed as refused:
        _check_refusal(refused.code, data, sound)
        expect(_parsed(data) is None, "what cannot be loaded cannot be parsed")
        return
    if sound is not None:
        expect(sound or _oversized(value), "what is accepted is JSON by the letter of RFC 8259")
        if sound:
            expect(same(value, meant), "what is accepted means what RFC 8259 says")
    _check_canonical(value, canonical)
    _check_message(data, value, canonical)


def seeds() -> Iterator[bytes]:
    """Messages of both eras, and JSON in many spellings."""
    yield from samples.messages()
    for text in (
        '{"a":[1,2.5,-0.0,1e22,null,true]}',
        r'{"a":"\ud83d\ude39\u0000","\u0061b":""}',
        "[[[[]]]]",
        ' {"a" : 1}\n',
    ):
        yield text.encode()
    for text in ('{"a":1,"a":2}', '{"a":NaN}', '{"a":"\\ud800"}', "\ufeff{}", '{"a":01}', "{'a':1}", '{"a":1e999}'):
        yield text.encode()


def same(left: Any, right: Any) -> bool:
    """Equal and of the same types all the way down, in the same order: 1 is not 1.0, and 0.0 is not -0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right)


def strictly(raw: bytes) -> Any:
    """What the standard library reads, once everything lenient about it is off. Raises `ValueError`."""
    text = raw.decode("utf-8")
    value = json.loads(
        text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_short_enough
    )
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair has no UTF-8
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(literal: str) -> float:
    number = float(literal)
    if number - number != 0.0:
        raise ValueError("not finite")
    return number


def _short_enough(literal: str) -> int:
    if len(literal.removeprefix("-")) > rfc8259.DIGITS:
        raise ValueError("too many digits")
    return int(literal)


def _meant(data: bytes) -> tuple[Any, bool | None]:
    """(what the references read, whether they accept it); None where they cannot tell."""
    try:
        value, sound = rfc8259.read(data), True
    except rfc8259.TooDeep:
        return None, None
    except rfc8259.NotJson:
        value, sound = None, False
    try:
        other = strictly(data)
    except (ValueError, RecursionError):
        expect(not sound, "the references agree on what is no JSON")
        return None, False
    expect(sound and same(value, other), "the references agree on what JSON means")
    return value, True


def _check_refusal(code: str, data: bytes, sound: bool | None) -> None:
    expect(code in CODES, "a refusal has one of the codes of malformed bodies")
    expect(not sound, "what both references accept is not refused")
    if code == "SMCP117":
        expect(data.count(b"[") + data.count(b"{") > DEPTH, "only deep nesting is called deep")


def _oversized(value: Any) -> bool:
    """Whether it holds an integer of more digits than the references take; `parse` bounds those, `load` does not."""
    if isinstance(value, dict):
        return any(map(_oversized, value.values()))
    if isinstance(value, list):
        return any(map(_oversized, value))
    return type(value) is int and abs(value) >= 10**rfc8259.DIGITS


def _check_canonical(value: Any, canonical: bytes) -> None:
    again, bytes_again = load(canonical)
    expect(same(again, value), "canonical bytes mean the same")
    expect(bytes_again is canonical, "canonical bytes stay as they are")
    expect(serialise(value) == canonical, "canonical bytes are what the value is written as")
    expect(same(deserialise(canonical), value), "canonical bytes are read back the cheap way")
    if not _oversized(value):
        expect(same(json.loads(canonical), value), "a lenient reader of the canonical bytes reads the same")


def _parsed(data: bytes) -> Message | None:
    try:
        return parse(data, max_depth=DEPTH)
    except Malformed as refused:
        expect(refused.code in CODES, "a refusal has one of the codes of malformed bodies")
        return None


def _check_message(data: bytes, value: Any, canonical: bytes) -> None:
    message = _parsed(data)
    bounded = (
        isinstance(value, dict) and _depth(value) <= DEPTH and not _oversized(value) and _nodes(value) <= MAX_NODES
    )
    expect((message is not None) == bounded, "an object within the bounds is a message, and nothing else is")
    if message is None:
        return
    expect(message.raw == canonical and same(message.value, value), "a message is what was loaded")
    expect(faithful(value) == canonical, "a value that came as bytes can be handed over in process")
    parse(canonical, max_depth=DEPTH)
    read = typed(message)
    expect(read.raw is message.raw and isinstance(read.target, str), "an envelope is read off without a change")
    _check_texts(message)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _nodes(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(inner) + sum(map(_nodes, inner))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(member)
    if isinstance(value, str):
        yield value


def _check_texts(message: Message) -> None:
    gathered = [*message.texts.request, *message.texts.answer]
    counted = sorted(text for text in gathered if text not in PROTOCOL_KEYS)
    present = sorted(text for text in _strings(message.value) if text not in PROTOCOL_KEYS)
    expect(sorted([*counted, *_constants(message.value)]) == present, "every text of the caller is gathered")
    for answer, texts in ((False, message.texts.request), (True, message.texts.answer)):
        found = pointers(message.value, range(len(texts)), answer=answer)
        expect(len(found) == len(texts), "every text has a pointer")


def _constants(value: dict[str, Any]) -> Iterator[str]:
    """What the walk leaves out: the version, and a method of letters and slashes."""
    if value.get("jsonrpc") == "2.0":
        yield "2.0"
    method = value.get("method")
    if (
        isinstance(method, str)
        and method.isascii()
        and method.replace("/", "").isalpha()
        and method not in PROTOCOL_KEYS
    ):
        yield method
