"""Text that no template engine finds an expression in, but for some plain names in `{{ }}`. Pure.

Knows the marks of engines that mark their expressions. Languages in which every line is code (Haml, Pug, Slim) have no
marks to look for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.decoding import Budget, in_utf8, pattern, without_percent, without_references
from smcp_security.policy.contracts import TemplateContract

_NAMED: Final = re.compile(r"\{\{ {0,4}([A-Za-z_][A-Za-z0-9_.]{0,127}) {0,4}\}\}", re.ASCII)
_BEFORE: Final = frozenset("$#*@~!%{\\")
_AFTER: Final = frozenset("}")
_ROUNDS: Final = 4
_MAX_DECODED: Final = 65_536

_EXPRESSION: Final[Any] = pattern("|".join((
    # Jinja, Twig, Liquid, Handlebars, Angular, Vue, Go, Smarty, Latte, Python's format; a lone brace is text.
    r"\{[^\s]", r"\}\}", r"[%#]\}",
    # Freemarker, Mako, EL, SpEL, OGNL, Thymeleaf, Groovy, shell-like strings, Velocity, Ruby, Pug.
    r"[$#*@~!%]!?\{", r"\$!?[A-Za-z_]", r"\$\(",
    r"#(?:set|if|elseif|foreach|for|while|macro|parse|include|evaluate|define|import|from|extends|try|raw)\s*\(",
    # ERB, EJS, JSP, ASP, Mako, PHP; Freemarker's tags and both of its square ones; Thymeleaf's inlining.
    r"<[%?]", r"%>", r"</?[#@]", r"\[[\[(=@%]", r"\[/?[#@][A-Za-z]", r"<jsp:",
    # Attributes that hold code: TAL, Genshi, Thymeleaf, XSLT, and on pages Vue, Angular and Alpine.
    r"(?i)(?:^|[\s\"'/])(?:(?:tal|metal|py|th|xsl):[a-z]|(?:v|ng|x)-[a-z])[a-z:.-]*\s*=", r"(?i)</?xsl:",
    # Mako and bottle: lines of code.
    r"(?m)^[ \t]*%",
    # Razor: an expression behind @, but not an address or a name that somebody is called by.
    r"(?:^|[^A-Za-z0-9])@(?:\(|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_]|\(|\[)"
    r"|(?:if|for|foreach|while|switch|do|try|lock|using|section|model|inherits|functions|code|inject|await)\b)",
)))  # fmt: skip
"""RE2."""


class TemplateRule(Contract):
    """Text for a template: nothing that an engine would evaluate, as written or behind HTML or percent escapes."""

    kind = "template"
    expects = JUDGED["template"]

    def __init__(self, policy: TemplateContract) -> None:
        self._variables = frozenset(policy.variables)
        self._max_length = policy.max_length
        named = ", ".join(f"{{{{ {name} }}}}" for name in policy.variables[:20])
        self._fault = Fault(
            "SMCP518",
            f"text of at most {policy.max_length} characters without template expressions"
            + (f" but {named}" if named else ""),
        )

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        if len(value) > self._max_length:
            return self._fault
        for reading in _readings(value):
            if reading is None or _EXPRESSION.search(self._plain(reading)) is not None:
                return self._fault
        return None

    def _plain(self, value: str) -> str:
        """The text without the names that are allowed, where they stand for themselves."""
        if not self._variables or "{{" not in value:
            return value
        kept: list[str] = []
        place = 0
        for match in _NAMED.finditer(value):
            start, end = match.span()
            alone = value[start - 1 : start] not in _BEFORE and value[end : end + 1] not in _AFTER
            if alone and match[1] in self._variables:
                kept.append(value[place:start])
                place = end
        return "_".join([*kept, value[place:]])


def _readings(value: str) -> Iterator[str | None]:
    """The text, and what pages and forms make of it; None for more layers or references than anybody means."""
    yield value
    if "&" not in value and "%" not in value:
        return
    data, budget = in_utf8(value), Budget(_MAX_DECODED)
    for _ in range(_ROUNDS):
        plain = without_percent(without_references(data, budget), budget)
        if budget.spent:
            break
        if plain == data:
            return
        yield plain.decode("utf-8", "replace")
        data = plain
    yield None
