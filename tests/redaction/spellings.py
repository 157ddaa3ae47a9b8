"""Texts spelled in the ways that the search for handed out values reads: for its tests."""

from __future__ import annotations

import json
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SIGNS = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "/": "\\/", "\\": "\\\\"}


def percent(text: str, *, nested: int = 0, upper: bool = True) -> str:
    """Every byte as %XX, its sign escaped again some times."""
    digits = "%02X" if upper else "%02x"
    return "".join("%" + "25" * nested + digits % byte for byte in text.encode())


def units(text: str, *, slashes: int = 1) -> str:
    r"""Every character as \uXXXX, astral ones as two."""
    escaped = json.dumps(text + "\x7f", ensure_ascii=True)[1:-2]
    plain = "".join(f"\\u{ord(sign):04x}" for sign in escaped) if escaped == text else ""
    whole = text.encode("utf-16-be", "surrogatepass")
    marked = "".join(f"\\u{whole[at]:02x}{whole[at + 1]:02x}" for at in range(0, len(whole), 2))
    return "\\" * (slashes - 1) + (plain or marked).replace("\\", "\\" * slashes).lstrip("\\").join(("\\", ""))


def references(text: str, *, zeros: int = 0, hexadecimal: bool = False) -> str:
    """Every character as a numeric reference of HTML."""
    mark, form = ("x", "x") if hexadecimal else ("", "d")
    return "".join(f"&#{mark}{'0' * zeros}{ord(sign):{form}};" for sign in text)


OF_TEXT: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "percent": percent,
    "percent in small letters": lambda text: percent(text, upper=False),
    "percent twice": lambda text: percent(text, nested=1),
    "percent four times": lambda text: percent(text, nested=3),
    "quoted for a URL": lambda text: quote(text, safe=""),
    "quoted for a form": quote_plus,
    "quoted for a form twice": lambda text: quote_plus(quote_plus(text)),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps(text)[1:-1])[1:-1])[1:-1],
    "units": units,
    "HTML": escape,
    "decimal references": references,
    "decimal references with zeros": lambda text: references(text, zeros=5),
    "hexadecimal references": lambda text: references(text, hexadecimal=True),
    "hexadecimal references with zeros": lambda text: references(text, hexadecimal=True, zeros=3),
    "references of references": lambda text: escape(references(text)),
}
"""Ways to spell a text sign by sign; each can be read back."""

OF_BYTES: Mapping[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "hex in capitals": lambda data: data.hex().upper(),
    "hex with colons": lambda data: data.hex(":"),
    "hex with hyphens": lambda data: data.hex("-"),
    "hex with blanks": lambda data: data.hex(" ").upper(),
    "hex with marks": lambda data: ", ".join(f"0x{byte:02x}" for byte in data),
    "escapes of C": lambda data: "".join(f"\\x{byte:02x}" for byte in data),
    "numbers": lambda data: ", ".join(map(str, data)),
    "Base64": lambda data: b64encode(data).decode(),
    "Base64 behind one byte": lambda data: b64encode(b"\xf1" + data + b"rest").decode(),
    "Base64 behind two bytes": lambda data: b64encode(b"ab" + data + b"the rest").decode(),
    "Base64 for URLs": lambda data: urlsafe_b64encode(data).decode().rstrip("="),
    "Base64 in lines": lambda data: encodebytes(data + bytes(80)).decode(),
    "Base64 in a URL": lambda data: quote(b64encode(data).decode(), safe=""),
    "Base64 in JSON": lambda data: b64encode(data).decode().replace("/", "\\/"),
    "Base64 of Base64": lambda data: b64encode(b"x" + b64encode(b"yz" + data + b"end")).decode(),
    "Base64 of Base64 for URLs": lambda data: b64encode(urlsafe_b64encode(data)).decode(),
    "Base64 of hex": lambda data: b64encode(b"=" + data.hex().encode()).decode(),
}
"""Ways to spell bytes as a whole."""


@st.composite
def mixed(draw: st.DrawFn, text: str) -> str:
    """The text with each sign spelled in a way of its own."""
    return "".join(draw(st.sampled_from(_ways(sign))) for sign in text)


def _ways(sign: str) -> list[str]:
    octets = sign.encode()
    ways = [
        *("".join("%" + "25" * nested + f"{byte:02{kind}}" for byte in octets) for nested in range(4) for kind in "xX"),
        references(sign), references(sign, hexadecimal=True), references(sign, zeros=4),
        "".join(f"\\x{byte:02x}" for byte in octets),
        "".join(f"\\u{unit:04x}" for unit in _units(sign)),
        "".join(f"\\\\\\u{unit:04X}" for unit in _units(sign)),
        f"\\u{{{ord(sign):x}}}",
    ]  # fmt: skip
    return [sign, *ways, *filter(None, (_NAMED.get(sign), _SHORT.get(sign), "+" if sign == " " else None))]


def _units(sign: str) -> list[int]:
    whole = sign.encode("utf-16-be", "surrogatepass")
    return [whole[at] * 256 + whole[at + 1] for at in range(0, len(whole), 2)]
