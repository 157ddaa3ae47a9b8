"""Families of hostile input: each makes a fresh message of about the size asked for, never the same text twice.

Owns the bytes; `hostile.py` measures. Fresh, because a repeated text finds every automaton built already.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random
from string import ascii_lowercase
from typing import Any

from benchmarks.messages import call, encoded
from smcp_security.rules.catalogue import read_rules

Draw = Callable[[Random, int], bytes]


class Door(StrEnum):
    """Where the input comes in."""

    REQUEST = "request"
    RESPONSE = "response"
    EVENTS = "SSE"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Family:
    """One way to make a message expensive. `draw` takes a source of chance and a size in bytes.

    `excluded` and `typed` say which policy it meets: one with many exclusions, one with contracts of every kind.
    """

    name: str
    draw: Draw
    door: Door = Door.REQUEST
    excluded: bool = False
    typed: bool = False


def text_call(text: str) -> bytes:
    """A call with one long text."""
    return encoded(call({"title": text}))


def _word(random: Random, length: int = 8) -> str:
    return "".join(random.choices(ascii_lowercase, k=length))


def _filled(random: Random, size: int, piece: Callable[[Random], str], joint: str = " ") -> str:
    pieces: list[str] = []
    left = size
    while left > 0:
        pieces.append(piece(random))
        left -= len(pieces[-1].encode("utf-8", "replace")) + len(joint)
    return joint.join(pieces)


def _text(piece: Callable[[Random], str], joint: str = " ") -> Draw:
    return lambda random, size: text_call(_filled(random, size, piece, joint))


# -- text --------------------------------------------------------------------------------------------------------------


def _marks(length: int) -> Callable[[Random], str]:
    return lambda random: _word(random, 2) + "".join(chr(random.randrange(0x300, 0x36F)) for _ in range(length))


def _compatible(random: Random) -> str:
    """Characters that NFKC expands, up to eighteen for one."""
    return chr(random.choice((0xFDFA, 0x1F130 + random.randrange(26), 0xFF21 + random.randrange(26), 0x3392, 0x2A74)))


def _hidden(random: Random) -> str:
    return _word(random, 2) + chr(random.choice((0x200B, 0x2060, 0xFE0F, 0xE0041, 0xAD)))


def _base64(random: Random) -> str:
    return base64.b64encode(
        _filled(random, random.randrange(12, 60), lambda source: _word(source, 5)).encode()
    ).decode()


def _nested_base64(random: Random) -> str:
    return base64.b64encode(base64.b64encode(base64.b64encode(_word(random, 60).encode()))).decode()


def _random_base64(random: Random, size: int) -> bytes:
    return text_call(base64.b64encode(random.randbytes(size * 3 // 4)).decode())


def _percent(layers: int) -> Callable[[Random], str]:
    opener = "%" + "25" * (layers - 1)
    return lambda random: f"{opener}{random.randrange(0x20, 0x7F):02x}"


def _escape(random: Random) -> str:
    code = random.randrange(0x20, 0x7F)
    return random.choice((f"\\u{code:04x}", f"\\x{code:02x}", f"\\u{{{code:x}}}", f"%u{code:04x}", f"&#{code};"))


def _entity(random: Random) -> str:
    return random.choice(("&lt;", "&gt", "&#x3c;", "&#000060;", "&quot;", "&amp;amp;lt;", "&lpar;", "&colon;"))


_MIXED = (0x0430, 0x0435, 0x043E, 0x0440, 0x0441, 0x03BF, 0x0455, 0x0456, 0x217C, 0x1D41A, 0x0391, 0x2C9F, 0x13A0)


def _confusable(random: Random) -> str:
    """A word of several scripts: what looks like Latin and is not."""
    return "".join(chr(random.choice(_MIXED)) if random.random() < 0.5 else _word(random, 1) for _ in range(6))


def _other_script(random: Random) -> str:
    """Honest prose of one other script."""
    return "".join(chr(random.randrange(0x430, 0x450)) for _ in range(7))


def _hex(random: Random) -> str:
    return random.choice(("", "0x", "\\x")) + random.randbytes(random.randrange(8, 24)).hex()


def _hex_text(random: Random) -> str:
    return _word(random, 12).encode().hex()


def _tags(random: Random) -> str:
    return "".join(chr(0xE0000 + random.randrange(0x20, 0x7F)) for _ in range(8))


def _json_text(random: Random, depth: int = 1) -> str:
    text = json.dumps({_word(random, 3): _word(random, 5)})
    for _ in range(depth - 1):
        text = json.dumps({"t": text})
    return text


def _leaves(piece: Callable[[Random], str]) -> Draw:
    """Thousands of short texts, each of which some decoder looks at by itself."""

    def draw(random: Random, size: int) -> bytes:
        texts: list[str] = []
        left = size
        while left > 0:
            texts.append(piece(random))
            left -= len(json.dumps(texts[-1], ensure_ascii=False).encode()) + 1
        return encoded(call({"title": "t", "data": texts}))

    return draw


def _one_json(random: Random, size: int) -> bytes:
    return text_call(json.dumps({_word(random, 6): _word(random, 6) for _ in range(size // 21)}))


def _open_json(random: Random, size: int) -> bytes:
    return text_call('{"' + _word(random) + '":' + "[" * (size - 12))


def _opener(samples: tuple[str, ...]) -> Callable[[Random], str]:
    """Beginnings of what the rules look for: every one wakes the automaton, few are the whole of a match."""

    def cut(random: Random) -> str:
        sample = random.choice(samples)
        return sample[: random.randrange(2, 24)] + _word(random, random.randrange(0, 6))

    return cut


def _whole(samples: tuple[str, ...]) -> Callable[[Random], str]:
    return lambda random: random.choice(samples) + _word(random, 4)


@cache
def samples() -> tuple[str, ...]:
    """What the rules say that they match, the short ones."""
    return tuple(text for rule in read_rules() for text in map(str, rule.match) if len(text) < 400)


# -- structure ---------------------------------------------------------------------------------------------------------


_SQL = (
    "or and xor not like in is union having limit between select from null ' \" ( ) = < > - + * / || && -- # ; /* */ , "
    "1 0x41 a b1 char( sleep( `"
).split()


def _sql_tokens(random: Random) -> str:
    """Tokens of SQL in no order: each may open what the grammar reader has to judge."""
    return random.choice(_SQL)


def _conditions(random: Random) -> str:
    return f"{_word(random, 1)}' or {_word(random, 1)}{random.randrange(99)} {_word(random, 1)}"


def _around(json_text: bytes) -> bytes:
    """A call with this JSON in an argument that the schema leaves open: else the schema would be the end of it."""
    return encoded(call({"title": "t", "data": "@"})).replace(b'"@"', json_text)


def _deep(levels: int) -> Draw:
    def draw(random: Random, size: int) -> bytes:
        depth = min(levels, size // 2)
        return encoded(call({"data": "@", "title": "t"})).replace(
            b'"@"', b"[" * depth + encoded(_word(random)) + b"]" * depth
        )

    return draw


def _nodes(random: Random, size: int) -> bytes:
    return encoded(call({"title": "t", "data": [random.randrange(10) for _ in range(size // 2)]}))


def _small_objects(random: Random, size: int) -> bytes:
    return encoded(call({"title": "t", "data": [{_word(random, 1): {}} for _ in range(min(24_000, size // 9))]}))


def _keys(random: Random, size: int) -> bytes:
    return encoded(call({"title": "t", "data": {_word(random, 6): 1 for _ in range(size // 11)}}))


def _duplicates(random: Random, size: int) -> bytes:
    pairs = ",".join(f'"{_word(random, 6)}":1' for _ in range(size // 11))
    return _around(f'{{{pairs},"k":1,"k":2}}'.encode())


def _big_integers(digits: int) -> Draw:
    def draw(random: Random, size: int) -> bytes:
        numbers = ("".join(random.choices("123456789", k=digits)) for _ in range(max(1, size // (digits + 1))))
        return _around(f"[{','.join(numbers)}]".encode())

    return draw


def _slow_path(random: Random, size: int) -> bytes:
    """Honest JSON as another library writes it: blanks, escapes and 1.0e1 make the fast way give up at the end."""
    items = [{"text": "caf\u00e9 " + _word(random), "value": random.random()} for _ in range(size // 70)]
    return json.dumps(call({"title": "t", "data": items}), indent=1, ensure_ascii=True).encode()


def _violations(random: Random, size: int) -> bytes:
    return encoded(call({"title": "t", "notes": [{"author": random.randrange(99)} for _ in range(size // 15)]}))


def _coercions(random: Random, size: int) -> bytes:
    notes = [{"author": _word(random, 2), "text": random.randrange(9)} for _ in range(size // 25)]
    return encoded(call({"title": "t", "limit": "5", "notes": json.dumps(notes)}))


def _coerced_list(random: Random, size: int) -> bytes:
    notes = [{"author": _word(random, 2), "text": "t"} for _ in range(size // 27)]
    return encoded(call({"title": "t", "limit": str(random.randrange(9)), "notes": notes}))


def _meta(random: Random, size: int) -> bytes:
    message = call({"title": "t"})
    message["params"]["_meta"] = {f"{_word(random, 5)}.example/{_word(random, 5)}": "x" for _ in range(size // 28)}
    return encoded(message)


def _hits(random: Random, size: int) -> bytes:
    """An attack in each of many places, so that every hit needs its pointer and is held against every exclusion."""
    found = samples()
    texts = [random.choice(found) for _ in range(size // 60)]
    return encoded(call({"title": "t", "data": {_word(random): text for text in texts}}))


def _posted(random: Random, size: int) -> bytes:
    result = {"content": {"type": "text", "text": _filled(random, size, _opener(samples()))}, "role": "user"}
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {**result, "model": _word(random)}})


# -- the other doors ---------------------------------------------------------------------------------------------------


def _listed_tools(random: Random, size: int) -> bytes:
    schema: Mapping[str, Any] = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}}}
    tools = [{"name": _word(random), "inputSchema": schema} for _ in range(size // 122)]
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})


def _answered_text(random: Random, size: int) -> bytes:
    text = _filled(random, size, _opener(samples()))
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}})


def _events(random: Random, size: int) -> bytes:
    event = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%s"}}\n\n'
    return b"".join(event % _word(random).encode() for _ in range(size // 100))


def _data_lines(random: Random, size: int) -> bytes:
    return b"data:\r\n" * (size // 7) + f"data: {_word(random)}\r\n\r\n".encode()


def _comments(random: Random, size: int) -> bytes:
    return b"".join(b":" + _word(random, 1).encode() + b"\r\r" for _ in range(size // 4))


def _header_values(random: Random, size: int) -> bytes:
    """A hundred and fifty fields, as large as may be: the value of each, one a line."""
    return "\n".join(_word(random, min(size, 60_000) // 150) for _ in range(150)).encode()


def families() -> tuple[Family, ...]:
    """Every family, in the order of the report."""
    known = samples()
    return (
        Family("plain text", _text(_word)),
        Family("NFKC: long runs of marks", _text(_marks(400))),
        Family("NFKC: runs of 30 marks", _text(_marks(30))),
        Family("NFKC: expanding characters", _text(_compatible, "")),
        Family("hidden characters", _text(_hidden, "")),
        Family("Base64 runs", _text(_base64)),
        Family("Base64 in Base64 in Base64", _text(_nested_base64)),
        Family(
            "one long Base64 run", lambda random, size: text_call(base64.b64encode(random.randbytes(size)).decode())
        ),
        Family("percent", _text(_percent(1), "")),
        Family("percent, five layers", _text(_percent(5), "")),
        Family("escapes of every kind", _text(_escape, "")),
        Family("HTML entities", _text(_entity, "")),
        Family("words of several scripts", _text(_confusable)),
        Family("prose of another script", _text(_other_script)),
        Family("hex runs", _text(_hex)),
        Family("hex of text", _text(_hex_text)),
        Family("tag characters", _text(_tags, "")),
        Family("line breaks in words", _text(lambda random: _word(random, 3), "\n")),
        Family("a text of JSON", _one_json),
        Family("a text of JSON that never ends", _open_json),
        Family("short texts of JSON", _leaves(_json_text)),
        Family("short texts of JSON in JSON in JSON", _leaves(lambda random: _json_text(random, 3))),
        Family("short texts of Base64", _leaves(lambda random: base64.b64encode(_word(random, 9).encode()).decode())),
        Family("short texts of hex", _leaves(_hex_text)),
        Family("short texts of several scripts", _leaves(_confusable)),
        Family("short texts with hidden characters", _leaves(_hidden)),
        Family("short texts, percent", _leaves(lambda random: _percent(1)(random) + _word(random, 3))),
        Family("rule openers", _text(_opener(known))),
        Family("rule openers, escaped", _text(lambda random: _opener(known)(random).replace(" ", "%20"))),
        Family("tokens of SQL", _text(_sql_tokens)),
        Family("conditions of SQL", _text(_conditions)),
        Family("whole attacks", _text(_whole(known))),
        Family("deep nesting, allowed", _deep(50)),
        Family("deep nesting, 50,000", _deep(50_000)),
        Family("50,000 nodes", lambda random, size: _nodes(random, min(size, 99_000))),
        Family("small objects", _small_objects),
        Family("many keys", _keys),
        Family("keys of _meta", _meta),
        Family("duplicate keys", _duplicates),
        Family("integers of 1,000 digits", _big_integers(1_000)),
        Family("one integer of 100,000 digits", _big_integers(100_000)),
        Family("slow-path JSON", _slow_path),
        Family("schema violations", _violations),
        Family("coercions: JSON in a string", _coercions),
        Family("coercions: one number in a large call", _coerced_list),
        Family("hits against 500 exclusions", _hits, excluded=True),
        Family("posted response", _posted),
        Family("headers", _header_values, Door.HEADERS),
        Family("response: rule openers", _answered_text, Door.RESPONSE),
        Family("response: list of tools", _listed_tools, Door.RESPONSE),
        Family("SSE: small events", _events, Door.EVENTS),
        Family("SSE: empty data lines", _data_lines, Door.EVENTS),
        Family("SSE: comments", _comments, Door.EVENTS),
    )
