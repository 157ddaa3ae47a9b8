"""The pages of lint's rules on a terminal: `smcp lint --explain` and `smcp explain`."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Any

from smcp_security.cli.output import Failure, paragraph

if TYPE_CHECKING:
    from smcp_security.lint.registry import Rule


def told(name: str, form: str) -> str:
    """The page of the rule of that code or slug; of `all`, a line for each. Raises `Failure` for no rule."""
    from smcp_security.lint.catalogue import rules
    from smcp_security.lint.finding import LintError
    from smcp_security.lint.selection import named

    every = rules()
    try:
        codes = named(name, every)
    except LintError as error:
        raise Failure("lint", str(error).removeprefix("lint: ")) from None
    if form == "json":
        return json.dumps([_facts(every[code]) for code in codes], indent=2)
    if len(codes) > 1:
        width = max(len(every[code].slug) for code in codes)
        return "\n".join(
            f"{code}  {every[code].slug:<{width}}  {every[code].severity.value:<6}  {every[code].page.what}"
            for code in codes
        )
    return _page(every[codes[0]])


def _page(rule: Rule) -> str:
    page = rule.page
    sure = f"{rule.severity.value}, right with {rule.confidence.value} confidence"
    rows = [paragraph("severity", sure), paragraph("what", page.what), paragraph("why", page.why)]
    rows += ["  bad", indent(page.bad.rstrip(), "    "), "  good", indent(page.good.rstrip(), "    ")]
    rows.append(paragraph("do", page.fix))
    rows += [paragraph("" if number else "see", each) for number, each in enumerate(page.see)]
    if rule.fixes != "no":
        rows.append(paragraph("mended by", "--fix" if rule.fixes == "safe" else "--unsafe-fixes"))
    if rule.persona == "strict":
        rows.append(paragraph("runs with", "--persona strict"))
    return "\n".join([f"{rule.code} {rule.slug}", *rows])


def _facts(rule: Rule) -> dict[str, Any]:
    page = rule.page
    return {
        "code": rule.code, "slug": rule.slug, "severity": rule.severity.value, "confidence": rule.confidence.value,
        "persona": rule.persona, "fix": None if rule.fixes == "no" else rule.fixes, "what": page.what, "why": page.why,
        "bad": page.bad, "good": page.good, "do": page.fix, "see": list(page.see),
    }  # fmt: skip
