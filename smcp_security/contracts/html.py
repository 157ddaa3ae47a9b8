"""HTML of some elements without anything that runs: read strictly, refused where readers could differ. Pure.

Nothing is rewritten. What a browser repairs (unclosed and crossed tags, attributes without quotes, a bare `<`) is
refused, because repairs are where filters and browsers come apart. `attributes.py` judges what a tag carries.
"""

from __future__ import annotations

import re
from typing import Final

from smcp_security.contracts.attributes import Attributes, read
from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.errors import PolicyError
from smcp_security.policy.contract_values import RUNNING
from smcp_security.policy.contracts import HtmlContract

FORMATTING: Final = tuple(
    "a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure "
    "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub summary sup "
    "table tbody td tfoot th thead time tr u ul var wbr".split()
)
"""The elements allowed where the policy names none: formatting, links, lists, tables, images."""

_NEVER: Final = RUNNING | {"basefont", "body", "head", "html", "isindex"}
"""A second gate behind the policy's own: what runs, loads, sends or changes how the rest is read."""

_VOID: Final = frozenset("area br col hr img source track wbr".split())
# Browsers flatten from 512 levels on, which moves elements out of each other.
_MAX_DEPTH: Final = 100
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_CONTROLS: Final = tuple(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r")
_MAX_TOLD: Final = 400


class HtmlRule(Contract):
    """A fragment of HTML: text, and closed tags with quoted attributes."""

    kind = "html"
    expects = JUDGED["html"]

    def __init__(self, policy: HtmlContract) -> None:
        names = policy.elements if policy.elements is not None else FORMATTING
        self._elements = frozenset(map(str.lower, names))
        if not self._elements.isdisjoint(_NEVER):
            raise PolicyError(
                f"html contract: elements: {', '.join(sorted(self._elements & _NEVER))} run code, load a page or "
                f"change how the rest is read; leave them out"
            )
        self._plain = self._elements - _VOID
        self._max_length = policy.max_length
        named = " ".join(sorted(self._elements))
        self._fault = Fault(
            "SMCP518",
            f"HTML of at most {policy.max_length} characters and the elements {named[:_MAX_TOLD]}: every tag closed, "
            "attributes in quotes, a bare < as &lt;, no handlers, styles, comments or data: URLs",
        )

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        if len(value) > self._max_length or any(control in value for control in _CONTROLS):
            return self._fault
        return None if self._closed(value) else self._fault

    def _closed(self, value: str) -> bool:
        """Whether every `<` begins an allowed tag, and all are closed in their order."""
        within: list[str] = []
        _, *pieces = value.split("<")
        for piece in pieces:
            inside, bracket, _ = piece.partition(">")
            # Most tags are bare names, open or closing what is open.
            if bracket and inside in self._plain and len(within) < _MAX_DEPTH:
                within.append(inside)
            elif not bracket or not self._tag(inside, within):
                return False
        return not within

    def _tag(self, inside: str, within: list[str]) -> bool:
        """Whether the text between `<` and `>` is an allowed tag here; `within` are the elements that are open."""
        if inside.startswith("/"):
            if not within:
                return False
            name, wanted = inside[1:], within.pop()
            # Some letters outside of ASCII have small forms inside: a browser knows no such tags.
            return name == wanted or (name.isascii() and name.rstrip(" \t\n\r").lower() == wanted)
        name, attributes = _parted(inside.removesuffix("/"))
        if name not in self._elements or attributes is None or not attributes.harmless(name):
            return False
        if name in _VOID:
            return True
        within.append(name)
        return len(within) <= _MAX_DEPTH and not inside.endswith("/")


def _parted(inside: str) -> tuple[str, Attributes | None]:
    """The name of a tag in small letters, and what it carries; None for attributes that are not plainly written."""
    match = _NAME.match(inside)
    return ("", None) if match is None else (match[0].lower(), read(inside[match.end() :]))
