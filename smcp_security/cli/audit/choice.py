"""Which records are asked for: the options of search, tail, stats and export, and what they mean."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.output import Failure

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People, Person

_SPAN: Final = re.compile(r"[1-9][0-9]{0,5}[smhd]", re.ASCII)
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?Z?", re.ASCII
)
_WHEN: Final = "expected a time before now such as 2h or 30d, a day such as 2026-11-01, or 2026-11-01T12:00:00Z"
_LOOK_ALIKES: Final = str.maketrans("OIL", "011")
NOTHING_FOUND: Final = 1


def choosing(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that choose records; it gets a `selection` without people, and `caller`, a name."""

    @click.option("--caller", metavar="NAME", help="Records of one person: ann, caller:ann, label:ann or address:...")
    @click.option("--tool", metavar="NAME", help="Calls of one tool; * stands for any characters.")
    @click.option("--code", metavar="CODE", help="Records with this finding, such as SMCP501.")
    @click.option("--kind", help="Records of one kind: decision, outcome, secret, open, ...")
    @click.option("--denied", is_flag=True, help="Refused messages alone.")
    @click.option("--id", "id_", metavar="ID", help="All records of one message.")
    @click.option("--since", metavar="WHEN", help="2h, 30d, 2026-11-01 or 2026-11-01T12:00:00Z (UTC).")
    @click.option("--until", metavar="WHEN", help="The same; what is from then on is left out.")
    @wraps(function)
    def run(
        *arguments: object, tool: str | None, code: str | None, kind: str | None, denied: bool, id_: str | None,
        since: str | None, until: str | None, **options: object,
    ) -> int | None:  # fmt: skip
        from smcp_security.audit.reading.selection import Selection

        now = time.time()
        chosen = Selection(
            tool=tool, code=_code(code), kind=_kind(kind), action="block" if denied else None, id=id_,
            since=_moment("--since", since, now), until=_moment("--until", until, now),
        )  # fmt: skip
        return function(*arguments, selection=chosen, **options)

    return run


def persons(people: People | None, name: str) -> tuple[Person, ...]:
    """Everybody who is meant by `name`. Ends the command with exit code 1 where there is nobody."""
    from smcp_security.audit.reading.plain import plain

    if people is None:
        raise _NotFound("--caller: without the key nobody can tell whose records they are; see --callers and --key-env")
    found = people.find(name)
    if not found:
        near = _near(name, [person.name for person in people.everybody()])
        hint = f"; did you mean {near}?" if near else ""
        raise _NotFound(f"{plain(name)}: nobody of that name has a key in {people.path}: erased, or never seen{hint}")
    return found


def _near(name: str, names: Sequence[str]) -> str:
    """A name that ends as somebody wrote it, as `caller:key:ann` does for `ann`, or one that looks like it."""
    from smcp_security.audit.reading.plain import plain

    ending = [each for each in names if each.endswith(f":{name}")]
    return ", ".join(plain(each) for each in (ending or get_close_matches(name, names, n=1))[:3])


class _NotFound(Failure):
    exit_code = NOTHING_FOUND

    def __init__(self, problem: str) -> None:
        super().__init__(click.get_current_context().command_path.removeprefix("smcp "), problem)


def _code(code: str | None) -> str | None:
    from smcp_security.codes import CODES
    from smcp_security.rules.catalogue import read_rules

    if code is None or code.upper() in CODES:
        return code and code.upper()
    known = {row.code: row.slug for row in CODES.values()} | {rule.id: rule.slug for rule in read_rules()}
    slugs = {slug: found for found, slug in known.items()}
    if code.upper() in known or code.lower() in slugs:
        return slugs.get(code.lower(), code.upper())
    retyped = code.upper().translate(_LOOK_ALIKES)
    near = [retyped] if retyped in known else get_close_matches(code.lower(), slugs, n=1)
    hint = f"did you mean {near[0]}?" if near else "`smcp explain --all` lists them"
    raise click.UsageError(f"--code: there is no finding {code[:40]!r}; {hint}", click.get_current_context())


def _kind(kind: str | None) -> str | None:
    from smcp_security.audit.reading.selection import KINDS

    if kind is None or kind in KINDS:
        return kind
    near = get_close_matches(kind, KINDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(KINDS)}"
    raise click.UsageError(f"--kind: there is no kind {kind[:40]!r}; {hint}", click.get_current_context())


def _moment(option: str, text: str | None, now: float) -> str:
    from smcp_security.audit.record import timestamp
    from smcp_security.keys.api_key import moment
    from smcp_security.policy.units import parse_duration

    if text is None:
        return ""
    try:
        if _SPAN.fullmatch(text):
            return timestamp(now - parse_duration(text))
        if _MOMENT.fullmatch(text):
            return timestamp(moment(text))
    except (ValueError, OverflowError, OSError):
        pass
    raise click.UsageError(f"{option}: {_WHEN}", click.get_current_context())
