"""Text that is an attack, in every place of a message and in spellings that a scan may miss."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from tests.real.hostile.row import Row, Said
from tests.real.messages import Request, call, legacy, modern, posted

SHELL: Final = "a; cat /etc/passwd | sh"
_ROOMY: Final = "word " * 20_000
ERAS: Final = ("modern", "legacy")


def places() -> Iterable[Row]:
    """One attack in each place of a message that a caller fills."""
    for era in ERAS:
        build = modern if era == "modern" else legacy
        plain = build("tools/call", {"name": "tag", "arguments": {"labels": {"a": "b; c"}}})
        for name, params in _PLACES.items():
            meta = params.get("_meta", {}) if era == "modern" else {}
            yield _told(f"{era}: an attack in {name}", build("tools/call", params, **meta), plain)
        yield _told(f"{era}: an attack in the id", plain.respelled('"id":1', f'"id":"{SHELL}"'), plain)
        for method, params in _OTHERS.items():
            yield _told(f"{era}: an attack in {method}", build(method, params), plain, rpc=-31422)
    client = {"io.modelcontextprotocol/clientInfo": {"name": SHELL, "version": "1"}}
    yield _told("an attack in clientInfo", modern("tools/list", **client), modern("tools/list"), rpc=-31422)
    state = {"name": "tag", "arguments": {"labels": {}}, "requestState": SHELL}
    yield _told("an attack in requestState", modern("tools/call", state), modern("tools/list"))
    answer = {"jsonrpc": "2.0", "id": 4, "result": {"action": "accept", "content": {"day": SHELL}}}
    yield Row(
        "an attack in a posted response",
        posted(answer).raw(),
        Said(202),
        reaches=1,
        source="middleware: the server gets an error",
    )


_PLACES: Final[dict[str, dict[str, Any]]] = {
    "a value": {"name": "tag", "arguments": {"labels": {"a": SHELL}}},
    "a key": {"name": "tag", "arguments": {"labels": {SHELL: "a"}}},
    "a list in a list": {"name": "tag", "arguments": {"labels": {"a": [[[SHELL]]]}}},
    "a value after 100 KB of words": {"name": "tag", "arguments": {"labels": {"a": _ROOMY, "b": SHELL}}},
    "one text after 100 KB of words": {"name": "tag", "arguments": {"labels": {"a": _ROOMY + SHELL}}},
    "an argument nobody declared": {"name": "add", "arguments": {"a": 1, "b": 2, "c": SHELL}},
    "the name of the tool": {"name": SHELL, "arguments": {}},
    "an unknown key of params": {"name": "tag", "arguments": {"labels": {}}, "vendor": SHELL},
    "the key of params itself": {"name": "tag", "arguments": {"labels": {}}, SHELL: 1},
    "a vendor's key of _meta": {"name": "tag", "arguments": {"labels": {}}, "_meta": {"example.com/a": SHELL}},
    "the progress token": {"name": "tag", "arguments": {"labels": {}}, "_meta": {"progressToken": SHELL}},
}
_OTHERS: Final[dict[str, dict[str, Any]]] = {
    "prompts/get": {"name": "greet", "arguments": {"name": SHELL}},
    "resources/read": {"uri": f"book://{SHELL}"},
    "tools/list": {"cursor": SHELL},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": SHELL}, "argument": {"name": "a", "value": "b"}},
}


def spellings() -> Iterable[Row]:
    """One attack as encoders write it."""
    plain = call("modern", "echo", {"text": "costs 5%; see notes"})
    for name, text in _SPELLINGS.items():
        code = "SMCP682" if "\u200b" in text else "SMCP610"
        yield _told(f"an attack {name}", call("modern", "echo", {"text": text}), plain, code=code)
    escaped = call("modern", "echo", {"text": "X"}).respelled('"X"', _escaped(SHELL))
    yield _told("an attack in JSON escapes", escaped, plain)


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'


_SPELLINGS: Final = {
    "in percent escapes": quote(SHELL, safe=""),
    "in percent escapes twice": quote(quote(SHELL, safe="")),
    "in HTML references": "".join(f"&#{ord(letter)};" for letter in SHELL),
    "in base64": base64.b64encode(SHELL.encode()).decode(),
    "in full width": "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in SHELL),
    "with zero-width spaces": "\u200b".join(SHELL),
    "in a JSON text": json.dumps({"a": {"b": SHELL}}),
    "in a JSON text in a JSON text": json.dumps({"a": json.dumps({"b": SHELL})}),
    "in capitals": SHELL.upper(),
    "with a NUL before it": "\0" + SHELL,
    "after a line end": "hello\n" + SHELL,
}


def _told(name: str, request: Request, twin: Request, *, code: str = "SMCP610", rpc: int | None = None) -> Row:
    """A refusal in words that a model can read, or an error where no model reads."""
    return Row(name, _whole(request), Said(200, code, rpc), twin.raw())


def _whole(request: Request) -> bytes:
    """The bytes with the name wrapped where a header cannot hold it."""
    params = json.loads(request.body).get("params", {})
    named = params.get("name") or params.get("uri")
    if isinstance(named, str) and any(field[0] == "mcp-name" for field in request.headers):
        spelt = named if named.isascii() else "=?base64?" + base64.b64encode(named.encode()).decode() + "?="
        request = request.setting("mcp-name", spelt)
    return request.raw()
