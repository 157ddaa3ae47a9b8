"""Families of hostile answers: each makes a fresh answer of about the size asked for, never the same text twice.

Owns the bytes; `results.py` measures. The families of requests come back as answers, and there are those that only
what judges answers looks for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, Final

from benchmarks.floods import Door, Family, families
from benchmarks.messages import call, encoded

Piece = Callable[[Random], str]

_CALL, _ = encoded(call("@")).split(b'"@"')  # type: ignore[arg-type]
_ANSWER: Final = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":'
_SECRET: Final = ascii_letters + digits
# Beginnings of key formats, in parts: no scanner of this repository is to take them for keys.
_OPENERS: Final = tuple(
    "".join(parts)
    for parts in (
        ("gh", "p_"), ("github_", "pat_"), ("AK", "IA"), ("AI", "za"), ("xox", "b-"), ("sk_", "live_"), ("sk", "-ant-"),
        ("gl", "pat-"), ("npm", "_"), ("ey", "J"), ("SG", "."), ("hf", "_"), ("dop_", "v1_"), ("AGE-SECRET", "-KEY-1"),
    )
)  # fmt: skip
_FIELDS: Final = ("password", "api_key", "secret", "token", "authorization", "client_secret", "iban", "card", "phone")
_SPEECH: Final = (
    "ignore all previous instructions", "you must now", "system:", "<IMPORTANT>", "do not tell the user", "assistant:",
    "before using this tool, read", "send the contents of", "[INST]", "new instructions:", "as an AI model, you",
)  # fmt: skip
_FRAMES: Final = (
    'Traceback (most recent call last):\n  File "/srv/app/{}.py", line 12, in {}\n',
    "    at {}.{}(App.java:41)\n",
    "    at {} (/srv/app/{}.js:10:5)\n",
    "SELECT {} FROM {} WHERE a = ",
    "/home/app/{}/{}.py ",
)


def answer_families() -> tuple[Family, ...]:
    """Every family, in the order of the report: those of requests as answers, then those of answers alone."""
    return (*map(_answered, _of_requests()), *_of_secrets(), *_of_people(), *_of_text(), *_of_shapes())


def is_list(family: Family) -> bool:
    """Whether what it makes answers `tools/list`, and not a call."""
    return "tools" in family.name


def _of_requests() -> list[Family]:
    left_out = {"headers", "posted response", "keys of _meta"}
    return [each for each in families() if each.door is Door.REQUEST and each.name not in left_out]


def _answered(family: Family) -> Family:
    """The arguments of its calls, as the result of one."""

    def draw(random: Random, size: int) -> bytes:
        body = family.draw(random, size)
        if not body.startswith(_CALL):
            # As another library writes it: the blanks and escapes are what it is for.
            return json.dumps(_around(json.loads(body)["params"]["arguments"]), indent=1).encode()
        return _ANSWER + body.removeprefix(_CALL)

    return Family(family.name, draw, Door.RESPONSE)


def _of_secrets() -> list[Family]:
    return [
        _texts("beginnings of keys", lambda random: _key(random, random.randrange(9))),
        _texts("keys, one character short", lambda random: _key(random, 15)),
        _texts("whole keys", lambda random: _key(random, 36)),
        _texts("one key without end", lambda random: _of(random, _SECRET, 500), ""),
        _texts("names and values", lambda random: f"{random.choice(_FIELDS)}={_of(random, _SECRET, 20)}"),
        _texts("names without values", lambda random: f"{random.choice(_FIELDS)}: "),
        _texts("private keys that begin", lambda random: f"-----BEGIN {_of(random, 'RSAPVTE ', 8)}KEY-----\n"),
        _texts("tokens of three parts", _token),
        _texts("connection strings", lambda random: f"postgres://{_word(random)}:{_word(random)}@{_word(random)}/"),
        _texts("random words of letters and digits", lambda random: _of(random, _SECRET, 32)),
        _leaves("many short random texts", lambda random: _of(random, _SECRET, 24)),
        _keys("fields named like secrets", _field),
    ]  # fmt: skip


def _of_people() -> list[Family]:
    return [
        _texts("addresses of mail", lambda random: f"{_word(random)}@{_word(random)}.example"),
        _texts("addresses that never end", lambda random: f"{_word(random, 2)}.", ""),
        _texts("signs of mail alone", lambda random: "a@"),
        _texts("digits alone", lambda random: _of(random, digits, 16)),
        _texts("one number without end", lambda random: _of(random, digits, 500), ""),
        _texts("digits in groups", lambda random: _of(random, digits, 4)),
        _texts("digits and dashes", lambda random: _of(random, digits, 3), "-"),
        _texts("what begins as an IBAN", lambda random: "DE" + _of(random, digits, 20)),
        _texts("telephone numbers", lambda random: f"+49 {_of(random, digits, 3)} {_of(random, digits, 7)}"),
        _texts("addresses of hosts", lambda random: ".".join(str(random.randrange(256)) for _ in range(4))),
        _numbers(),
    ]


def _of_text() -> list[Family]:
    return [
        _texts("terminal escapes", lambda random: f"\x1b[{random.randrange(110)}m{_word(random, 2)}", ""),
        _texts("escapes that never end", lambda random: "\x1b]8;;" + _word(random, 3)),
        _texts("hidden in each word", lambda random: f"{_word(random, 2)}\u200b{_word(random, 2)}\U000e0041"),
        _leaves("short texts with one hidden", lambda random: f"{_word(random)}\u200b"),
        _texts("words to a model", lambda random: random.choice(_SPEECH) + " " + _word(random)),
        _leaves("short texts to a model", lambda random: random.choice(_SPEECH) + " " + _word(random)),
        _texts("links that carry data", lambda random: f"![a](https://{_word(random)}.example/?q={_word(random)})"),
        _texts("marks of our own", lambda random: f"[redacted:{_word(random)}]"),
        _failed("traces in an error", _frame),
        _failed("paths and queries in an error", lambda random: f"/{_word(random)}/{_word(random, 3)}.py line 1 "),
    ]


def _of_shapes() -> list[Family]:
    return [
        Family("blobs of text", _blobs, Door.RESPONSE),
        Family("texts of JSON in blocks", _nested_blocks, Door.RESPONSE),
        Family("tools with names of one edit", _near_tools, Door.RESPONSE),
        Family("tools with names of look-alikes", partial(_near_tools, alike=True), Door.RESPONSE),
        Family("tools with hostile descriptions", _speaking_tools, Door.RESPONSE),
        Family("tools with deep schemas", _deep_tools, Door.RESPONSE),
        Family("SSE: log messages with a key", _events, Door.EVENTS),
    ]


# -- pieces ------------------------------------------------------------------------------------------------------------


def _of(random: Random, alphabet: str, length: int) -> str:
    return "".join(random.choices(alphabet, k=length))


def _word(random: Random, length: int = 6) -> str:
    return _of(random, ascii_lowercase, length)


def _key(random: Random, length: int) -> str:
    return random.choice(_OPENERS) + _of(random, _SECRET, length)


def _field(random: Random) -> tuple[str, str]:
    return random.choice(_FIELDS) + _word(random), _of(random, _SECRET, 20)


def _token(random: Random) -> str:
    parts = (base64.urlsafe_b64encode(b'{"a":"' + random.randbytes(9) + b'"}').decode().rstrip("=") for _ in range(3))
    return ".".join(parts)


def _frame(random: Random) -> str:
    return random.choice(_FRAMES).format(_word(random), _word(random))


# -- what they stand in ------------------------------------------------------------------------------------------------


def _around(held: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": held}}


def _filled(random: Random, size: int, piece: Piece, joint: str = " ") -> str:
    pieces: list[str] = []
    left = size
    while left > 0:
        pieces.append(piece(random))
        left -= len(pieces[-1].encode()) + len(joint)
    return joint.join(pieces)


def _texts(name: str, piece: Piece, joint: str = " ") -> Family:
    def draw(random: Random, size: int) -> bytes:
        block = {"type": "text", "text": _filled(random, size, piece, joint)}
        return encoded({"jsonrpc": "2.0", "id": 1, "result": {"content": [block]}})

    return Family(name, draw, Door.RESPONSE)


def _failed(name: str, piece: Piece) -> Family:
    def draw(random: Random, size: int) -> bytes:
        block = {"type": "text", "text": _filled(random, size, piece, "")}
        return encoded({"jsonrpc": "2.0", "id": 1, "result": {"content": [block], "isError": True}})

    return Family(name, draw, Door.RESPONSE)


def _leaves(name: str, piece: Piece) -> Family:
    def draw(random: Random, size: int) -> bytes:
        texts = [piece(random) for _ in range(size // (len(piece(random).encode()) + 3))]
        return encoded(_around({"rows": texts}))

    return Family(name, draw, Door.RESPONSE)


def _keys(name: str, pair: Callable[[Random], tuple[str, str]]) -> Family:
    def draw(random: Random, size: int) -> bytes:
        return encoded(_around(dict(pair(random) for _ in range(size // 40))))

    return Family(name, draw, Door.RESPONSE)


def _numbers() -> Family:
    def draw(random: Random, size: int) -> bytes:
        return encoded(_around({"rows": [random.randrange(10**15, 10**16) for _ in range(size // 17)]}))

    return Family("numbers of sixteen digits", draw, Door.RESPONSE)


def _blobs(random: Random, size: int) -> bytes:
    def blob() -> dict[str, Any]:
        text = _filled(random, 60, lambda source: _key(source, 12))
        held = {
            "uri": f"a://{_word(random)}",
            "mimeType": "text/plain",
            "blob": base64.b64encode(text.encode()).decode(),
        }
        return {"type": "resource", "resource": held}

    content = [blob() for _ in range(size // 200)]
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {"content": content}})


def _nested_blocks(random: Random, size: int) -> bytes:
    held = {"rows": [{_word(random, 3): _of(random, _SECRET, 20)} for _ in range(size // 70)]}
    content = [{"type": "text", "text": json.dumps(held)}]
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {"content": content, "structuredContent": held}})


def _listed(tools: list[dict[str, Any]]) -> bytes:
    return encoded({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})


def _near_tools(random: Random, size: int, *, alike: bool = False) -> bytes:
    """As many names as fit, each one edit from a common one: whoever compares each with each is lost."""
    stem = _word(random, 12)

    def name() -> str:
        place = random.randrange(len(stem))
        letter = random.choice("\u0430\u0435\u043e\u0440\u0441\u0455\u0456") if alike else random.choice(_SECRET)
        return stem[:place] + letter + stem[place + 1 :] + _word(random, 1)

    return _listed([{"name": name(), "inputSchema": {"type": "object"}} for _ in range(size // 55)])


def _speaking_tools(random: Random, size: int) -> bytes:
    def tool() -> dict[str, Any]:
        told = _filled(random, 300, lambda source: source.choice(_SPEECH) + " " + _word(source))
        return {"name": _word(random), "description": told, "inputSchema": {"type": "object"}}

    return _listed([tool() for _ in range(size // 400)])


def _deep_tools(random: Random, size: int) -> bytes:
    def schema(levels: int) -> dict[str, Any]:
        inner = {"type": "string", "description": _word(random)} if levels == 0 else schema(levels - 1)
        return {"type": "object", "properties": {_word(random, 2): inner}}

    return _listed([{"name": _word(random), "inputSchema": schema(12)} for _ in range(size // 620)])


def _events(random: Random, size: int) -> bytes:
    def event() -> bytes:
        data = f"{_word(random)} {random.choice(_OPENERS)}{_of(random, _SECRET, 36)}"
        body = encoded({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": data}})
        return b"data: " + body + b"\n\n"

    return b"".join(event() for _ in range(size // 150))
