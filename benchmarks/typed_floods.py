"""Families of hostile values for arguments with a contract, and for those whose kind is only inferred.

Each kind twice: one value as large as the message under a contract that allows it, and a list of values as large as the
kind allows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from benchmarks.floods import Draw, Family
from benchmarks.messages import encoded

Value: TypeAlias = Callable[[Random, int], str]

_WIDE: Final = 262_144
"""Characters that a contract is made to allow, so that nothing but its own work bounds it."""

CONTRACTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({
    "path": {"kind": "path", "roots": ["/srv/data", "/srv/other"]},
    "url": {"kind": "url", "hosts": ["*.example.com", "*.a.example.org"], "resolve": False},
    "sql": {"kind": "sql", "dialect": "postgres"},
    "command": {"kind": "command", "programs": {"tool": ["*a*a*a*a*a*b", "[a-z]*"]}},
    "argv_token": {"kind": "argv_token"},
    "identifier": {"kind": "identifier", "alphabet": "A-Za-z0-9%._-"},
    "email": {"kind": "email"},
    "hostname": {"kind": "hostname", "addresses": True},
    "cidr": {"kind": "cidr", "within": ["10.0.0.0/8"]},
    "regex": {"kind": "regex", "pattern": "(a+)+"},
    "json": {"kind": "json"},
    "html": {"kind": "html"},
    "template": {"kind": "template", "variables": ["name"]},
    "text": {"kind": "text", "scripts": ["Latin"]},
})  # fmt: skip

_BOUNDED: Final = frozenset({"email", "hostname", "cidr", "sql"})
"""Kinds whose length is their own affair, or that nobody should widen."""

_TYPICAL: Final[Mapping[str, int]] = MappingProxyType({
    "path": 4096, "url": 2048, "sql": 8192, "command": 4096, "argv_token": 1024, "identifier": 128, "email": 254,
    "hostname": 253, "cidr": 64,
})  # fmt: skip


def tools() -> dict[str, Any]:
    """The `tools` section of a policy in which every kind is an argument of a tool of its own."""
    narrow = {f"typed_{kind}": {"arguments": {"value": dict(contract)}} for kind, contract in CONTRACTS.items()}
    wide = {
        f"wide_{kind}": {"arguments": {"value": {**contract, "max_length": _WIDE}}}
        for kind, contract in CONTRACTS.items()
        if kind not in _BOUNDED
    }
    return {**narrow, **wide}


def typed_families() -> tuple[Family, ...]:
    """Every family, kind by kind."""
    found = []
    for kind, values in _VALUES.items():
        for name, value in values.items():
            if kind not in _BOUNDED:
                found.append(Family(f"{kind}: {name}", _one(f"wide_{kind}", value), typed=True))
            if kind in _TYPICAL:
                found.append(
                    Family(f"{kind}, a list: {name}", _many(f"typed_{kind}", value, _TYPICAL[kind]), typed=True)
                )
    for tool, argument, kind in (
        ("read_file", "path", "path"),
        ("fetch", "url", "url"),
        ("query_database", "sql", "sql"),
        ("git_diff", "target", "argv_token"),
    ):
        for name, value in _VALUES[kind].items():
            found.append(Family(f"inferred {kind}: {name}", _one(tool, value, argument)))
    return tuple(found)


def _call(tool: str, argument: str, value: Any) -> bytes:
    params = {"name": tool, "arguments": {argument: value}}
    return encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def _one(tool: str, value: Value, argument: str = "value") -> Draw:
    return lambda random, size: _call(tool, argument, value(random, size))


def _many(tool: str, value: Value, length: int) -> Draw:
    # A little below the bound: closing words and quotes come on top.
    inner = max(8, length - 40)

    def draw(random: Random, size: int) -> bytes:
        texts: list[str] = []
        left = size
        while left > 0:
            texts.append(value(random, min(inner, left)))
            left -= len(encoded(texts[-1])) + 1
        return _call(tool, "value", texts)

    return draw


def _word(random: Random, length: int = 3) -> str:
    return "".join(random.choices(ascii_lowercase, k=length))


def _of(piece: str, opener: str = "", end: str = "") -> Value:
    """A piece over and over between an opener and an end; `¤` in a piece is a fresh word."""

    def value(random: Random, size: int) -> str:
        room = max(1, size - len(opener) - len(end))
        if "¤" not in piece:
            signs = max(1, room * len(piece) // len(piece.encode()) - 3)
            return f"{opener}{_word(random)}{(piece * (signs // len(piece) + 1))[:signs]}{end}"
        pieces: list[str] = []
        while room > 0:
            pieces.append(piece.replace("¤", _word(random)))
            room -= len(pieces[-1].encode())
        return opener + "".join(pieces[:-1]) + end

    return value


_VALUES: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType({
    "path": {
        "climbing": _of("../"), "down and up": _of("¤/../"), "escapes of escapes": _of("%25"),
        "escaped dots": _of("%2e%2e%2f"), "full width": _of("\uff0e\uff0e\uff0f"), "many names": _of("¤/"),
        "parameters": _of("..;/"), "overlong forms": _of("%c0%ae"), "colons": _of(":¤"),
    },
    "url": {
        "labels": _of("¤.", "http://", "example.com/"), "escapes of escapes": _of("%25", "http://example.com/"),
        "at signs": _of("¤a:b@", "http://"), "colons": _of(":", "http://[", "]/"),
        "digits": _of("1.", "http://", "1/"), "letters of other scripts": _of("\u0431\u00fc", "http://", ".example/"),
        "segments": _of("¤/../", "https://www.example.com/"), "ideographic dots": _of("¤\u3002", "http://"),
    },
    "sql": {
        "brackets": _of("(", "SELECT "), "balanced brackets": lambda random, size: (
            "SELECT " + "(" * (size // 2 - 8) + _word(random, 1) + ")" * (size // 2 - 8)),
        "a long sum": _of("¤+", "SELECT ", "1"), "NOT": _of("NOT ", "SELECT * FROM t WHERE ", "a"),
        "many columns": _of("¤,", "SELECT ", "a FROM t"),
        "a long list": _of("'¤',", "SELECT a FROM t WHERE b IN (", "'')"),
        "unions": _of("SELECT ¤ FROM t UNION ALL ", "", "SELECT 1"), "CASE": _of("CASE WHEN ¤ THEN ", "SELECT "),
        "an open string": _of("¤", "SELECT '"), "comments": _of("/*¤*/", "SELECT ", "1"),
        "statements": _of("SELECT ¤;"), "joins": _of(" JOIN ¤ USING (a)", "SELECT a FROM t"),
        "subqueries": _of("(SELECT ¤ FROM ", "SELECT a FROM "), "quotes": _of("''", "SELECT '", "'"),
        "dots": _of("¤.", "SELECT ", "a"), "conditions": _of("a = '¤' OR ", "SELECT a FROM t WHERE ", "b"),
    },
    "command": {
        "words": _of(" ¤", "tool"), "one long word": _of("a", "tool "), "quotes": _of("''", "tool "),
        "backslashes": _of("\\", "tool "), "open quotes": _of('"', "tool "), "quoted words": _of(" '¤'", "tool"),
    },
    "argv_token": {"dashes": _of("-", "a"), "letters": _of("¤"), "unicode dashes": _of("\u2010", "a")},
    "identifier": {"escapes of escapes": _of("%25"), "escapes": _of("%41"), "letters": _of("¤"),
                   "full width": _of("\uff41")},
    "email": {"dots": _of("¤.", "", "x@example.com"), "labels": _of("¤.", "a@", "com")},
    "hostname": {"labels": _of("¤.", "", "com"), "digits": _of("1.", "", "1"), "colons": _of(":"),
                 "letters of other scripts": _of("\u0431\u00fc.", "", "example")},
    "cidr": {"digits": _of("1.", "", "/8"), "colons": _of(":", "", "/8")},
    "regex": {"almost": _of("a", "", "!")},
    "json": {"brackets": _of("["), "objects": _of('{"¤":'), "strings": _of('"¤",', "[", '""]'), "digits": _of("9", "1"),
             "escapes": _of("\\u0041", '"', '"'), "blanks": _of(" ", "[", "]"), "numbers": _of("1e5,", "[", "1]")},
    "html": {
        "openers": _of("<"), "tags": _of("<b>¤"), "closed tags": _of("<i>¤</i>"), "comments": _of("<!--¤"),
        "attributes": _of(" title=¤", "<a", ">x</a>"), "entities": _of("&amp;"), "links": _of('<a href="/¤">x</a>'),
        "entities in links": _of("&#x6a;", '<a href="', '">x</a>'), "quotes": _of('"', "<a title="),
        "open entities": _of("&"), "end tags": _of("</¤"),
    },
    "template": {
        "openers": _of("{{"), "expressions": _of("{{ name }}"), "blocks": _of("{% ¤"), "dollars": _of("${¤"),
        "braces": _of("{"), "closers": _of("}}"), "blanks": _of(" ", "{{", "name }}"),
    },
    "text": {"scripts": _of("a\u0431"), "marks": _of("\u0301"), "controls": _of("\r\n\t"), "letters": _of("¤ ")},
})  # fmt: skip
