"""How two locks differ, as a person who approves definitions would ask: what can a server now do that it could not?
Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from smcp_security.codes import Severity
from smcp_security.pins.changes import Change, change, excerpt, gains, same, text_changes
from smcp_security.pins.escapes import named, shown
from smcp_security.pins.lock import NAMED_BY, Entry, Lock
from smcp_security.pins.schema_changes import schema_changes

Judge: TypeAlias = Callable[[Any], Iterable[str]]
"""What a definition, or the text of instructions, is found to hold, in a few words each."""

Alike: TypeAlias = Callable[[str, str], bool]
"""Whether a model may mix two names up."""

_INFO, _LOW, _MEDIUM, _HIGH, _CRITICAL = Severity
_ORDER: Final = {risk: place for place, risk in enumerate(reversed(Severity))}
_KINDS: Final = ("instructions", *NAMED_BY, "server")
_SIGNS: Final = dict.fromkeys(map(ord, "_-./: "))
_MAX_NAME: Final = 80
# The less harmless value of each, which is also what the specification takes a tool for that does not say.
_HARMFUL: Final[Mapping[str, bool]] = {
    "readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True,
}  # fmt: skip
_ADDED: Final[Mapping[str, Severity]] = {"tool": _MEDIUM, "prompt": _MEDIUM, "template": _LOW}


class Difference(msgspec.Struct, frozen=True):
    """One way in which two locks differ. `name`, `what`, `before` and `after` are escaped, and short."""

    risk: Severity
    kind: str
    name: str
    what: str
    before: str = ""
    after: str = ""


def same_but_for_signs(name: str, other: str) -> bool:
    """Whether two names are equal without case and without the signs between words."""
    return name.casefold().translate(_SIGNS) == other.casefold().translate(_SIGNS)


def differences(
    before: Lock, after: Lock, judge: Judge | None = None, alike: Alike = same_but_for_signs
) -> list[Difference]:
    """How `after` differs from `before`, the riskiest first; nothing if each definition is the one that was pinned."""
    found = [*_of_instructions(before, after, judge), *_of_server(before, after)]
    for kind in NAMED_BY:
        found += _of_kind(kind, before.of(kind), after.of(kind), judge, alike)
    return sorted(found, key=lambda each: (_ORDER[each.risk], _KINDS.index(each.kind), each.name))


def _of_server(before: Lock, after: Lock) -> Iterator[Difference]:
    if dict(before.server) != dict(after.server):
        told = change(_INFO, "the server calls itself something else", dict(before.server), dict(after.server))
        yield from _told("server", "", [told])


def _of_instructions(before: Lock, after: Lock, judge: Judge | None) -> Iterator[Difference]:
    one, other = (None if lock.instructions is None else lock.instructions.definition for lock in (before, after))
    of = "the instructions"
    yield from _told("instructions", "", [
        *text_changes(of, one, other, _HIGH), *gains(of, one, other), *_judged(judge, one, other)
    ])  # fmt: skip


def _of_kind(
    kind: str, before: Mapping[str, Entry], after: Mapping[str, Entry], judge: Judge | None, alike: Alike
) -> Iterator[Difference]:
    for name in sorted(before.keys() - after.keys()):
        yield from _told(kind, name, [Change(_LOW, f"{kind} removed")])
    names = sorted(before.keys() | after.keys())
    for name in sorted(after.keys() - before.keys()):
        new = after[name].definition
        yield from _told(kind, name, [
            Change(_ADDED[kind], f"{kind} added", after=excerpt(new.get("description"))),
            *gains(f"the {kind}", None, new),
            *_judged(judge, None, new),
            *_mixed_up(name, names, alike),
        ])  # fmt: skip
    for name in sorted(before.keys() & after.keys()):
        if before[name].digest != after[name].digest:
            yield from _told(kind, name, _changes(kind, name, before[name].definition, after[name].definition, judge))


def _told(kind: str, name: str, changes: Iterable[Change]) -> Iterator[Difference]:
    for each in changes:
        yield Difference(each.risk, kind, named(name), each.what, each.before, each.after)


def _judged(judge: Judge | None, before: Any, after: Any) -> Iterator[Change]:
    """What a judge finds in a definition that it did not find before."""
    if judge is None or after is None or (before is not None and same(before, after)):
        return
    known = frozenset() if before is None else frozenset(judge(before))
    if gained := frozenset(judge(after)) - known:
        labels = ", ".join(shown(label, _MAX_NAME) for label in sorted(gained))
        # What was approved without it and has it now is what pins are for.
        yield Change(_HIGH, f"holds: {labels}") if before is None else Change(_CRITICAL, f"gained: {labels}")


def _mixed_up(name: str, among: Iterable[str], alike: Alike) -> Iterator[Change]:
    for other in among:
        if other != name and alike(name, other):
            yield Change(_HIGH, "its name may be mixed up with another's", named(other), named(name))


def _changes(
    kind: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any], judge: Judge | None
) -> Iterator[Change]:
    """How one definition changed; at least one change for two that are not the same."""
    told = False
    for each in _members(kind, name, before, after):
        told = True
        yield each
    yield from gains(f"the {kind}", before, after)
    yield from _judged(judge, before, after)
    if not told:
        yield change(_MEDIUM, f"the {kind} changed", before, after)


def _members(kind: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if same([one, key in before], [other, key in after]):
            continue
        if key == "description":
            yield from text_changes("description", one, other, _MEDIUM)
        elif key in ("title", "mimeType", "name"):
            yield from text_changes(key, one, other, _LOW)
        elif key == "inputSchema":
            yield from schema_changes(name, one, other)
        elif key == "annotations" and type(one or {}) is dict and type(other or {}) is dict:
            yield from _hints(one or {}, other or {})
        elif key == "arguments" and kind == "prompt":
            yield from _arguments(one, other)
        else:
            yield _member(key, one, other)


def _member(key: str, one: Any, other: Any) -> Change:
    risk = _LOW if key in ("outputSchema", "icons", "execution") else _MEDIUM
    verb = "added" if one is None else "removed" if other is None else "changed"
    return change(risk, f"{shown(key, 40)} {verb}", one, other)


def _hints(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key, _HARMFUL.get(key)), after.get(key, _HARMFUL.get(key))
        if key not in _HARMFUL:
            yield from text_changes(f"annotation {shown(key, 40)}", one, other, _LOW)
        elif not same(one, other):
            # Clients ask before what is harmful: a claim that it no longer is takes the question away.
            harmful = other is _HARMFUL[key]
            what = f"{key} flipped{'' if harmful else ': clients may stop asking before they call it'}"
            yield change(_HIGH if harmful else _MEDIUM, what, one, other)
        elif (key in before) != (key in after):
            yield Change(_INFO, f"{key} {'said' if key in after else 'no longer said'}, with the value it has unsaid")


def _arguments(before: Any, after: Any) -> Iterator[Change]:
    """The arguments of a prompt."""
    one, other = _by_name(before), _by_name(after)
    if one is None or other is None:
        yield change(_MEDIUM, "arguments changed", before, after)
        return
    for name in sorted(one.keys() | other.keys()):
        of = f'argument "{shown(name, _MAX_NAME)}"'
        if name not in other:
            yield Change(_LOW, f"{of} removed", excerpt(one[name]))
        elif name not in one:
            required = other[name].get("required") is True
            yield Change(_MEDIUM if required else _LOW, f"{'required ' if required else ''}{of} added",
                         after=excerpt(other[name]))  # fmt: skip
        else:
            yield from text_changes(of, one[name], other[name], _MEDIUM)


def _by_name(arguments: Any) -> dict[str, Any] | None:
    if type(arguments) is not list or not all(type(each) is dict for each in arguments):
        return {} if arguments is None else None
    named = {each["name"]: each for each in arguments if type(each.get("name")) is str}
    return named if len(named) == len(arguments) else None
