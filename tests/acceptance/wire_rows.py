"""Rows 3 to 6: messages that two readers take for two different ones. Only who holds the bytes can tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.acceptance.table import Row, Sees, Sent
from tests.envelopes import call, encoded, headers_of, legacy


def _spelt(name: str, code: str, text: str, message: Mapping[str, Any] | None = None, sees: Sees | None = None) -> Sent:
    fields = tuple(headers_of(message if message is not None else _ECHO))
    return Sent(name, text.encode(), frozenset(code.split()), fields, sees)


_ECHO: Final = call("greet", {"text": "x"})
_MODERN: Final = call("greet", {"text": "x"}, era="modern")
_PLAIN: Final = encoded(_ECHO).decode()
_PLAIN_MODERN: Final = encoded(_MODERN).decode()
_COMPLETION: Final = legacy(
    "completion/complete", {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": "B"}}
)


def _routed(name: str, code: str, **changed: str | None) -> Sent:
    """The modern call with some routing headers changed, or left out where None."""
    given = {key.replace("_", "-"): value for key, value in changed.items()}
    kept = [item for item in headers_of(_MODERN) if item[0] not in given]
    fields = (*kept, *((key, value) for key, value in given.items() if value is not None))
    return Sent(name, _MODERN, frozenset(code.split()), fields)


_SMUGGLED: Final = (
    '"Name":"secretTool","Arguments":{}', '"Name":"secretTool"', '"NAME":"secretTool"', '"Arguments":{"text":"y"}',
    '"_name":"secretTool"', '"n\\u0061me_":"x"', '"\\u004eame":"secretTool"', '"\uff4eame":"secretTool"',
)  # fmt: skip

SMUGGLING: Final = Row(
    3, "GHSA-4gph-2hhr-5mwg: a second spelling of a protocol key", Sees.PARAMS,
    [
        *[
            _spelt(f"{era} {extra!a}", "SMCP123", plain.replace('"arguments":', f'{extra},"arguments":'), message)
            for era, plain, message in (("legacy", _PLAIN, _ECHO), ("modern", _PLAIN_MODERN, _MODERN))
            for extra in _SMUGGLED
        ],
        Sent("the caller's own maps may hold any spelling",
             call("tag", {"labels": {"Name": 1, "name": 2, "NAME": 3, "Arguments": {"arguments": 4}}})),
        Sent("the honest call", _ECHO),
        Sent("the honest modern call", _MODERN),
    ],
)  # fmt: skip

FOLDING: Final = Row(
    4, "CVE-2026-27896: keys that fold to a protocol key", Sees.BYTES,
    [
        *[
            _spelt(f"{key} as {other!a}", "SMCP122 SMCP123", _PLAIN.replace(f'"{key}":', f'"{other}":'))
            for key, other in (
                ("method", "Method"), ("method", "METHOD"), ("params", "param\u017f"), ("params", "Params"),
                ("id", "ID"), ("jsonrpc", "JsonRpc"), ("method", "\uff4dethod"),
            )
        ],
        *[
            _spelt(f"{key} beside {other!a}", "SMCP122 SMCP123",
                   _PLAIN.replace(f'"{key}":', f'"{other}":"x","{key}":'))
            for key, other in (("method", "Method"), ("params", "param\u017f"), ("id", "I\u0064_"))
        ],
        _spelt("a nested protocol object", "SMCP123",
               encoded(_COMPLETION).decode().replace('"type":', '"Type":"x","type":'), _COMPLETION),
        Sent("the honest call", _ECHO),
        Sent("an argument that is named like a protocol key", call("tag", {"Method": "a", "param\u017f": "b"})),
    ],
)  # fmt: skip

DUPLICATES: Final = Row(
    5, "duplicate keys, of which each parser keeps another", Sees.BYTES,
    [
        *[
            _spelt(f"{first}{key} {era}", "SMCP112", plain.replace(key, f"{first}{key}", 1), message)
            for era, plain, message in (("legacy", _PLAIN, _ECHO), ("modern", _PLAIN_MODERN, _MODERN))
            for key, first in (
                ('"method":', '"method":"tools/list",'), ('"id":', '"id":9,'), ('"name":', '"name":"drop",'),
                ('"arguments":', '"arguments":{"text":"z"},'), ('"text":', '"text":"z",'),
                ('"text":', '"te\\u0078t":"z",'), ('"jsonrpc":', '"jsonrpc":"2.0",'),
            )
        ],
        _spelt("deep inside of arguments", "SMCP112",
               encoded(call("greet", {"a": {"b": [{"k": 1}]}})).decode().replace('"k":1', '"k":1,"k":2')),
        Sent("the same key in neighbours", call("tag", {"rows": [{"k": 1}, {"k": 2}], "k": 3})),
    ],
)  # fmt: skip

MISMATCH: Final = Row(
    6, "HeaderMismatch: the routing header and the body name different targets", Sees.HEADERS,
    [
        _routed("another name", "SMCP124", mcp_name="echo"),
        _routed("another case of the name", "SMCP124", mcp_name="Greet"),
        _routed("no name", "SMCP124", mcp_name=None),
        _routed("another method", "SMCP124", mcp_method="tools/list"),
        _routed("no method", "SMCP124", mcp_method=None),
        _routed("another name in Base64", "SMCP124", mcp_name="=?base64?ZWNobw==?="),
        Sent("the name twice", _MODERN, frozenset({"SMCP107", "SMCP124"}), (*headers_of(_MODERN), ("mcp-name", "echo")),
             Sees.FIELDS),
        Sent("the method twice", _MODERN, frozenset({"SMCP107", "SMCP124"}),
             (*headers_of(_MODERN), ("mcp-method", "tools/call")), Sees.FIELDS),
        Sent("the honest modern call", _MODERN),
        _routed("the honest name in Base64", "", mcp_name="=?base64?Z3JlZXQ=?="),
    ],
)  # fmt: skip

WIRE_ROWS: Final = (SMUGGLING, FOLDING, DUPLICATES, MISMATCH)
