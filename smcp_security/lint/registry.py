"""What a rule is, and how a function becomes one. Which rules there are says `catalogue.py`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from smcp_security.lint.finding import Confidence, Found, Severity
from smcp_security.lint.page import Page, page_of

Reads = Literal["text", "policy", "raw policy", "lock", "tools", "client", "comments"]
"""What a rule looks at: any text; a policy that the loader takes; what a policy file says, taken or not; a lock file;
definitions of tools (of a lock file as well); a client's configuration; the comments of lint itself."""

Fixes = Literal["no", "safe", "unsafe"]
Persona = Literal["regular", "strict"]
Look = Callable[[Any], Iterator[Found]]

_CODE: Final = re.compile(r"(POL|LCK|CFG|LNT)[0-9]{3}", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `look` is given a `Document` and yields what it finds; its docstring is the rule's page."""

    code: str
    slug: str
    severity: Severity
    confidence: Confidence
    reads: Reads
    fixes: Fixes
    persona: Persona
    look: Look

    @property
    def page(self) -> Page:
        """What people read about it."""
        return page_of(self.look.__doc__)


def rule(
    code: str,
    slug: str,
    severity: Literal["info", "low", "medium", "high"],
    confidence: Literal["low", "medium", "high"] = "high",
    *,
    reads: Reads = "policy",
    fixes: Fixes = "no",
    persona: Persona = "regular",
) -> Callable[[Look], Rule]:
    """Makes the function below it a rule. Raises `ValueError` for a code or slug of another form."""
    if _CODE.fullmatch(code) is None or _SLUG.fullmatch(slug) is None:
        raise ValueError(f"{code} {slug}: expected a code such as POL201 and a slug such as unreachable-rule")

    def made(look: Look) -> Rule:
        return Rule(
            code=code, slug=slug, severity=Severity(severity), confidence=Confidence(confidence), reads=reads,
            fixes=fixes, persona=persona, look=look,
        )  # fmt: skip

    return made
