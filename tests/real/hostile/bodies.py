"""What a body holds: encodings, JSON that parsers read differently, envelopes, ids, methods and params."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.real.attacks import MARK, of_envelopes, of_parsing
from tests.real.hostile.row import Row, of_attacks, served, spoiled
from tests.real.messages import call, legacy, modern, posted

ERAS: Final = ("modern", "legacy")


def encodings() -> Iterable[Row]:
    """UTF-8 or nothing, in either era."""
    for era in ERAS:
        one = call(era, "echo", {"text": MARK})
        text = one.body.decode()
        for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"):
            code = "SMCP114" if coding.endswith(("le", "be")) else "SMCP113"
            yield spoiled(f"{era}: a body in {coding}", one.carrying(text.encode(coding)), code, one)
        for name, raw in _NO_UTF8.items():
            spelt = one.carrying(one.body.replace(MARK.encode(), raw))
            yield spoiled(f"{era}: {name}", spelt, "SMCP113", one.respelled(MARK, "é\U0001f600\u2028"))
    one = call("modern", "echo", {"text": MARK})
    yield spoiled("a body in UTF-7", one.carrying(b"+AHs-" + one.body[1:]), "SMCP114", one)
    yield spoiled("a NUL before the body", one.carrying(b"\0" + one.body), "SMCP114", one)
    yield spoiled("a NUL after the body", one.carrying(one.body + b"\0"), "SMCP114", one)
    yield spoiled("a BOM after the body", one.carrying(one.body + b"\xef\xbb\xbf"), "SMCP114", one)
    yield spoiled("two BOMs", one.carrying(b"\xef\xbb\xbf" * 2 + one.body), "SMCP113", one)


_NO_UTF8: Final = {
    "a slash in two bytes": b"\xc0\xaf",
    "a NUL in two bytes": b"\xc0\x80",
    "a surrogate as UTF-8": b"\xed\xa0\x80",
    "a code point past the last": b"\xf4\x90\x80\x80",
    "a sequence cut short": b"\xe2\x82",
    "a continuation alone": b"\x80",
    "a byte that never occurs": b"\xff",
}


def json_texts() -> Iterable[Row]:
    """What is no JSON, what lenient parsers take all the same, and what has no bounds."""
    for era in ERAS:
        yield from of_attacks(of_parsing(era), f"{era}: ")
    one = call("modern", "tag", {"labels": {"n": "N"}})
    for name, spelling in _NO_JSON.items():
        yield spoiled(f"{name} for a value", one.respelled('"N"', spelling), "SMCP114", one)
    for name, body in _NO_MESSAGE.items():
        yield spoiled(f"a body that is {name}", one.carrying(body), "SMCP114", one)
    for name, (spelling, code) in _UNBOUNDED.items():
        yield spoiled(f"{name} for a value", one.respelled('"N"', spelling), code, one.respelled('"N"', "[[{}]]"))
    yield spoiled("JSON after the message", one.carrying(one.body + b"\n" + one.body), "SMCP114", one)
    yield served(
        "whitespace around and inside", one.carrying(b"\r\n\t " + one.body.replace(b",", b" ,\n") + b"\n" * 1000)
    )
    yield served(
        "escapes in keys and the method",
        one.respelled("tools/call", "tools\\u002fcall").respelled('"params"', '"p\\u0061rams"'),
    )
    deep = "[" * 60 + "]" * 60
    yield served("sixty levels", one.respelled('"N"', deep))


_NO_JSON: Final = {
    "a comment": "/**/1", "a line comment": "1//x\n", "single quotes": "'a'", "no quotes": "a",
    "a trailing comma": "[1,]", "two commas": "[1,,2]", "a missing comma": "[1 2]", "a leading zero": "01",
    "a plus": "+1", "no digit before the point": ".5", "no digit after the point": "1.", "hexadecimal": "0x10",
    "an exponent without digits": "1e", "a line break in a string": '"a\nb"', "a tab in a string": '"a\tb"',
    "a NUL in a string": '"a\0b"', "an unknown escape": '"\\x41"', "half an escape": '"\\u12"',
    "an escape of a line end": '"\\\n"', "True": "True", "undefined": "undefined", "a non-breaking space": "\u00a01",
    "digits outside ASCII": "１", "a form feed": "\f1", "a minus alone": "-", "two minus": "--1",
    "a wide quote": "“a”", "an underscore in a number": "1_0", "a colon too many": '{"a"::1}',
    "a key without quotes": "{a:1}", "a number for a key": "{1:1}",
}  # fmt: skip
_NO_MESSAGE: Final = {
    "blank": " \r\n\t" * 100, "one brace": "{", "half a message": '{"jsonrpc":"2.0","id":1',
    "form data": "jsonrpc=2.0&method=tools/call", "YAML": "jsonrpc: '2.0'\nid: 1",
    "XML": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
    "a JSON sequence": '\x1e{"jsonrpc":"2.0"}\n', "a guarded JSON": ")]}',\n{}",
    "an event": 'data: {"jsonrpc":"2.0"}\n\n', "a length-prefixed message": "Content-Length: 2\r\n\r\n{}",
    "100,000 quotes": '"' * 100_000,
}  # fmt: skip
_UNBOUNDED: Final = {
    "100,000 open brackets": ("[" * 100_000, "SMCP117"),
    "500 levels of objects": ('{"a":' * 500 + "1" + "}" * 500, "SMCP117"),
    "60,000 nulls": ("[" + "null," * 60_000 + "1]", "SMCP118"),
    "60,000 keys": ("{" + ",".join(f'"{n}":1' for n in range(60_000)) + "}", "SMCP118"),
    "5,000 digits": ("9" * 5000, "SMCP115"),
    "minus 1,001 digits": ("-" + "9" * 1001, "SMCP115"),
    "100,000 digits after the point": ("1e" + "9" * 100_000, "SMCP115"),
    "minus infinity": ("-Infinity", "SMCP115"),
    "minus 1e999": ("-1e999", "SMCP115"),
    "the second half of a pair": ('"\\ude00"', "SMCP116"),
    "a pair the wrong way round": ('"\\ude00\\ud83d"', "SMCP116"),
}


def envelopes() -> Iterable[Row]:
    """JSON that is no JSON-RPC message of MCP."""
    for era in ERAS:
        yield from of_attacks(of_envelopes(era), f"{era}: ")
        one = call(era, "echo", {"text": MARK})
        for id in _NO_IDS:
            yield spoiled(f"{era}: id {id}", one.respelled('"id":1', f'"id":{id}'), "SMCP121", one)
        for id in _IDS:
            yield served(f"{era}: id {_short(id)}", one.respelled('"id":1', f'"id":{id}'))
    one = call("modern", "echo", {"text": MARK})
    for version in ("2.0 ", "2", "2.00", "", "²"):
        yield spoiled(f"version {version!a}", one.respelled('"2.0"', f'"{version}"'), "SMCP120", one)
    for version in ("2.0", "2", "null", '["2.0"]', '{"2.0":1}'):
        yield spoiled(f"version {version} without quotes", one.respelled('"2.0"', version), "SMCP120", one)
    for name, (message, code) in _NO_MESSAGES.items():
        yield spoiled(name, posted(message), code, call("legacy", "echo", {"text": "a"}))


_NO_IDS: Final = ("null", "1.0", "1e2", "-0.0", "true", "false", "[1]", '{"a":1}', "[]", "1.5")
_IDS: Final = (
    '"1"',
    "0",
    "-1",
    '""',
    str(2**64),
    "9" * 1000,
    '"' + "i" * 10_000 + '"',
    '"\\u0000"',
    '"\U0001f600"',
    "-0",
)
_NO_MESSAGES: Final = {
    "an empty object": ({}, "SMCP120"),
    "an empty batch": ([], "SMCP119"),
    "a batch of batches": ([[legacy("ping").body.decode()]], "SMCP119"),
    "null for a message": (None, "SMCP120"),
    "a method and a result": ({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}}, "SMCP120"),
    "a method and an error": ({"jsonrpc": "2.0", "id": 1, "method": "ping", "error": {}}, "SMCP120"),
    "a result and an error": (
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": ""}},
        "SMCP120",
    ),
    "a result and params": ({"jsonrpc": "2.0", "id": 1, "result": {}, "params": {}}, "SMCP120"),
    "a result without an id": ({"jsonrpc": "2.0", "result": {}}, "SMCP121"),
    "an error that is a text": ({"jsonrpc": "2.0", "id": 1, "error": "no"}, "SMCP120"),
    "an error code that is a text": ({"jsonrpc": "2.0", "id": 1, "error": {"code": "1", "message": ""}}, "SMCP120"),
    "an error code that is true": ({"jsonrpc": "2.0", "id": 1, "error": {"code": True, "message": ""}}, "SMCP120"),
    "a twin key in an error": ({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "", "Data": 1}}, "SMCP123"),
    "a method that is a number": ({"jsonrpc": "2.0", "id": 1, "method": 1}, "SMCP120"),
    "a method that is null": ({"jsonrpc": "2.0", "id": 1, "method": None}, "SMCP120"),
    "only a version": ({"jsonrpc": "2.0"}, "SMCP120"),
    "a key of another protocol": ({"jsonrpc": "2.0", "id": 1, "method": "ping", "auth": "x"}, "SMCP122"),
}


def methods() -> Iterable[Row]:
    """Methods that no revision defines, and spellings of those it does."""
    for method in _NO_METHODS:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": "echo", "arguments": {"text": MARK}}}
        honest = call("legacy", "echo", {"text": "a"})
        yield spoiled(f"legacy: method {_short(method)!a}", posted(message), "SMCP127", honest, status=200)
    for method in ("tools/delete", "initialize", "ping", "logging/setLevel", "notifications/initialized"):
        yield spoiled(f"modern: method {method!a}", modern(method, {}), "SMCP127", modern("tools/list"), status=404)
    for name, params in _NO_PARAMS.items():
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        yield spoiled(
            f"params that are {name}", posted(message), "SMCP128", call("legacy", "add", {"a": 1, "b": 2}), status=200
        )


_NO_METHODS: Final = (
    "", " tools/call", "tools/call ", "tools/call\n", "tools/call\0", "Tools/Call", "TOOLS/CALL", "tools//call",
    "/tools/call", "tools/call/", "tools\\call", "tools.call", "tools\u2044call", "tools\uff0fcall",
    "\u200btools/call", "t\u043eols/call", "tools/ca\u017fl", "tools/../tools/call", "rpc.discover", "__proto__",
    "constructor", "sampling/createMessage", "elicitation/create", "roots/list", "notifications/tools/call",
    "x/" * 30_000,
)  # fmt: skip
_NO_PARAMS: Final = {
    "a list": ["echo", {}],
    "a text": "echo",
    "null": None,
    "empty": {},
    "without a name": {"arguments": {}},
    "a name of null": {"name": None, "arguments": {}},
    "a name in a list": {"name": ["echo"], "arguments": {}},
    "arguments in a list": {"name": "echo", "arguments": ["a"]},
    "arguments in a text": {"name": "echo", "arguments": '{"text":"a"}'},
    "a _meta of text": {"name": "echo", "arguments": {}, "_meta": "x"},
    "a progress token in a list": {"name": "echo", "arguments": {}, "_meta": {"progressToken": [1]}},
}


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:10]}... ({len(text):,} characters)"
