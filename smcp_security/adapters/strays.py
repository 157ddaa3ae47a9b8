"""Is this body MCP? Asked of requests to paths that the policy does not name. Pure.

Lenient on purpose, as the parsers behind it are: any encoding that Python's `json` sniffs, batches, duplicate keys,
bodies compressed as web frameworks inflate them.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from smcp_security import revisions
from smcp_security.policy.globs import matches

_INFLATED: Final = 1024 * 1024
COMPRESSED: Final = ("gzip", "x-gzip", "deflate")
# Each member copies what is left: thousands of empty ones cost their square.
_MAX_MEMBERS: Final = 32
# gzip or zlib, told by the first bytes (zlib manual, inflateInit2).
_ANY_HEADER: Final = zlib.MAX_WBITS | 32
# Up to this size a body is read with its duplicates, at half a microsecond a character at worst.
_EXACT: Final = 8 * 1024
# Messages of one batch; what has more is judged by its words.
_MAX_BATCH: Final = 1_000
_LONGEST_METHOD: Final = 200
# Escapes of ASCII characters, which only hide them; a few hundred are looked through.
_ESCAPE: Final = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
_MAX_ESCAPES: Final = 2_000

_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Pairs(list[tuple[str, Any]]):
    """An object with its duplicates: whichever copy a parser behind us keeps, it is seen here."""


def is_mcp(body: bytes, extra_methods: Sequence[str], encoding: str = "") -> bool:
    """Whether the body holds a JSON-RPC message with a method of MCP (or one of `extra_methods`).

    `encoding` is its Content-Encoding.
    """
    if encoding in COMPRESSED:
        inflated = _inflated(body)
        if inflated is None:
            return True
        body = inflated
    # Parsers behind us may replace what is no text, or not look.
    text = body.decode(json.detect_encoding(body), "replace")
    if not _may_be_jsonrpc(text):
        return False
    try:
        messages = _read(text) if len(text) <= _EXACT else _read_quickly(text)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return _has_words_of_mcp(text, extra_methods)
    claims = [message for message in messages if _claims_jsonrpc(message)]
    if any(_is_mcp_method(method, message, extra_methods) for message in claims for method in _methods(message)):
        return True
    # Read quickly, a method may hide behind its duplicate.
    return bool(claims) and len(text) > _EXACT and _has_words_of_mcp(text, extra_methods)


def _inflated(body: bytes) -> bytes | None:
    """The members of a compressed body, as far as a body is looked at; None for more than anybody honest sends."""
    out = b""
    try:
        for _ in range(_MAX_MEMBERS):
            member = zlib.decompressobj(_ANY_HEADER)
            out += member.decompress(body, _INFLATED - len(out))
            body = member.unused_data
            if not body or len(out) >= _INFLATED:
                return out
    except zlib.error:
        return out
    return None


def _may_be_jsonrpc(text: str) -> bool:
    """Whether any reader could find the word in it. Nearly all that is posted to an app ends here."""
    if "\\u" in text or not text.isascii():
        return True
    return "jsonrpc" in text.lower().replace("_", "")


def _read(text: str) -> list[Any]:
    # Numbers do not matter here, and very long ones are an error to Python alone.
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, strict=False)
    value = decoder.decode(text.removeprefix("\ufeff"))
    return value if type(value) is list else [value]


def _read_quickly(text: str) -> list[Any]:
    """What `_read` makes of a text, of the last of duplicates and as far as it matters here."""
    data = text.removeprefix("\ufeff").strip(" \t\r\n").encode("utf-8", "replace")
    messages: list[Any] = _BATCH.decode(data) if data.startswith(b"[") else [data]
    if len(messages) > _MAX_BATCH:
        raise ValueError("a batch that nobody reads one by one")
    return [_members(message) for message in messages]


def _members(raw: msgspec.Raw | bytes) -> Any:
    data = bytes(raw)
    if not data.startswith(b"{"):
        return None
    return _Pairs((key, _value(key, bytes(member))) for key, member in _OBJECT.decode(data).items())


def _value(key: str, data: bytes) -> Any:
    if key == "params":
        return _members(data)
    return msgspec.json.decode(data) if data.startswith(b'"') and len(data) <= _LONGEST_METHOD else None


def _has_words_of_mcp(text: str, extra_methods: Sequence[str]) -> bool:
    """Of what was not read in full and others might read: whether it begins like JSON, with the words of a message."""
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return False
    if text.count("\\u00") > _MAX_ESCAPES:
        return True
    plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text).replace("\\/", "/")
    if not _may_be_jsonrpc(plain):
        return False
    known = revisions.methods() - {"initialize", "ping"} | {"protocolVersion"}
    begun = (glob.partition("*")[0].partition("?")[0] for glob in extra_methods)
    return any(f'"{word}"' in plain for word in known) or any(f'"{word}' in plain for word in begun)


def _claims_jsonrpc(message: Any) -> bool:
    return isinstance(message, _Pairs) and any(_folds_to(key, "jsonrpc") for key, _ in message)


def _methods(message: _Pairs) -> Iterator[str]:
    """Every method of the object, however the keys are spelt."""
    for key, value in message:
        if _folds_to(key, "method") and isinstance(value, str):
            yield value


def _folds_to(key: str, word: str) -> bool:
    """Whether a lenient parser may take `key` for `word`. Most keys are plain, and many: those are not normalised."""
    if key.isascii():
        return len(key) <= 64 and key.replace("_", "").lower() == word
    return len(key) <= 32 and revisions.fold(key) == word


def _is_mcp_method(method: str, message: _Pairs, extra_methods: Sequence[str]) -> bool:
    if method in ("initialize", "ping"):
        # Other protocols over JSON-RPC (LSP among them) have methods of these names: MCP's initialize says so.
        return method == "initialize" and _speaks_mcp(message)
    return method in revisions.methods() or any(matches(glob, method) for glob in extra_methods)


def _speaks_mcp(message: _Pairs) -> bool:
    params = [value for key, value in message if key == "params" and isinstance(value, _Pairs)]
    return any(name == "protocolVersion" for members in params for name, _ in members)
