"""Which rules run: `--select`, `--ignore`, the persona. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from smcp_security.lint.catalogue import RETIRED, rules
from smcp_security.lint.finding import LintError
from smcp_security.lint.registry import Persona, Rule


def chosen(select: Sequence[str], ignore: Sequence[str], persona: Persona = "regular") -> dict[str, Rule]:
    """Code -> rule, of those that run. Codes, beginnings of codes, slugs and `all` name rules; a rule of the strict
    persona also runs where `select` names it by its code or slug.

    Raises:
        LintError: a name that no rule has, or no rule that is left.
    """
    every = rules()
    left_out = {code for name in ignore for code in named(name, every)}
    wanted = {code for name in select for code in named(name, every)}
    exactly = {code for name in select for code in named(name, every) if len(named(name, every)) == 1}
    left = {
        code: rule
        for code, rule in every.items()
        if code not in left_out
        and (not select or code in wanted)
        and (persona == "strict" or rule.persona == "regular" or code in exactly)
    }
    if not left:
        raise LintError("lint: no rule is left to run, so nothing would count as clean; select more or ignore less")
    return left


def named(name: str, every: Mapping[str, Rule]) -> list[str]:
    """The codes that a name stands for. Raises `LintError` for none."""
    wanted = name.strip()
    if wanted.lower() == "all":
        return list(every)
    found = [code for code, rule in every.items() if rule.slug == wanted.lower()]
    found = found or [code for code in every if wanted and code.startswith(wanted.upper())]
    if not found:
        raise LintError(f"lint: {_unknown(wanted, every)}")
    return found


def _unknown(name: str, every: Mapping[str, Rule]) -> str:
    if name.upper() in RETIRED:
        return f"the rule {name.upper()} is no more: {RETIRED[name.upper()]}; take it out"
    meant = suggested(name, every)
    advice = f"did you mean {meant}?" if meant else "`smcp lint --explain all` lists them"
    return f"no rule {name[:40]!r}; {advice}"


def suggested(name: str, every: Mapping[str, Rule]) -> str:
    """The code or slug that a name was probably meant to be; "" if it is like none."""
    names = {code.lower(): code for code in every} | {rule.slug: rule.slug for rule in every.values()}
    near = get_close_matches(name.lower()[:60], names, n=1, cutoff=0.7)
    return names[near[0]] if near else ""
