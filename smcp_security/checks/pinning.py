"""The pinning rungs: definitions are held to the lock file, in lists and in calls. Pure.

Names are compared exactly. A list is judged as it comes, page by page: what is not the pinned definition is taken out,
and a call to it is refused until a list shows the pinned one again. `resources/read` is left alone: which template a
URI belongs to, only the server can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.checks.edits import rewritten
from smcp_security.checks.origins import asked_method
from smcp_security.checks.rung import AskDrift, Context, Drift, Run, Rung
from smcp_security.decision import CLEAN, Action, Finding, Outcome, finding
from smcp_security.message import Kind, Message
from smcp_security.pins.canonical import digest_of, sorted_bytes
from smcp_security.pins.escapes import shown
from smcp_security.pins.lock import NAMED_BY, Entry, Lock
from smcp_security.policy import PinsPolicy
from smcp_security.revisions import fold

_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "tools/list": ("tools", "tool"),
    "prompts/list": ("prompts", "prompt"),
    "resources/templates/list": ("resourceTemplates", "template"),
}
_GREETINGS: Final = frozenset({"initialize", "server/discover"})
_OF_A_GREETING: Final = frozenset({"capabilities", "protocolVersion", "serverInfo", "supportedVersions"})
_JUDGED: Final = frozenset({*_LISTS, *_GREETINGS, ""})
# What lenient readers may take another key for.
_FOLDED: Final[Mapping[str, str]] = {
    **{fold(key): "SMCP803" for key, _ in _LISTS.values()}, fold("instructions"): "SMCP804",
}  # fmt: skip
_PLAIN: Final = frozenset({*(key for key, _ in _LISTS.values()), "instructions"})
_USED: Final[Mapping[str, str]] = {"tools/call": "tool", "prompts/get": "prompt"}
_MAX_REPORTS: Final = 20
_LONGEST_NAME: Final = 80


def build_request(policy: PinsPolicy, lock: Lock) -> Rung:
    """The rung that refuses calls to what drifted or was never pinned."""
    action = _action(policy)
    entries = {kind: lock.of(kind) for kind in NAMED_BY}

    def pinned(context: Context) -> Run[Outcome]:
        message = context.message
        used = None if message is None or message.kind is Kind.RESPONSE else _used(message)
        if used is None:
            return CLEAN
        kind, name, where = used
        if name not in entries[kind]:
            return Outcome((finding("SMCP803", where, action=action),))
        if (yield from AskDrift(kind, name, context.upstream).ask()):
            return Outcome((finding("SMCP802", where, action=action),))
        return CLEAN

    return pinned


def _action(policy: PinsPolicy) -> Action:
    return Action.BLOCK if policy.drift == "block" else Action.REPORT


def _used(message: Message) -> tuple[str, str, str] | None:
    """(kind, name, pointer) of the definition that a message works with; None if it is of no kind that is pinned."""
    if (kind := _USED.get(message.method)) is not None:
        return kind, message.target, "/params/name"
    if message.method != "completion/complete":
        return None
    ref = message.params.get("ref")
    if type(ref) is not dict or ref.get("type") != "ref/resource":
        return "prompt", message.target, "/params/ref/name"
    # Without an expression it is the URI of one resource, which nobody pins.
    return ("template", message.target, "/params/ref/uri") if "{" in message.target else None


def build_response(policy: PinsPolicy, lock: Lock, *, enforced: bool) -> Rung:
    """The rung that takes what drifted or was never pinned out of lists. Unless `enforced` it only reports."""
    pins = {kind: _Pins(kind, lock.of(kind)) for kind in NAMED_BY}
    drops = enforced and policy.drift == "block"

    def listed(context: Context) -> Run[Outcome]:
        message = context.message
        result = None if message is None or message.kind is not Kind.RESPONSE else message.value.get("result")
        if message is None or type(result) is not dict or (asked := asked_method(context, message)) not in _JUDGED:
            return CLEAN
        edited, reports = result, list[Finding]()
        for key, kind in _lists_in(asked, result):
            verdict = pins[kind].judge(result[key])
            for name, drifted in verdict.seen.items():
                yield from Drift(kind, name, drifted, context.upstream).ask()
            if verdict.faults:
                reports += verdict.reports(f"/result/{key}")
                edited = {**edited, key: verdict.kept}
        removed = dict(_strangers(asked, result, lock.instructions))
        if removed:
            reports += [finding(code, where, action=Action.REPORT) for code, where in dict.fromkeys(removed.values())]
            edited = {key: member for key, member in edited.items() if key not in removed}
        if not reports:
            return CLEAN
        return Outcome(tuple(reports), edit=rewritten(message, ("result",), edited) if drops else None)

    return listed


def _lists_in(asked: str, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The lists that a result holds: of the method that was asked, or of any where that is not proven."""
    for method, (key, kind) in _LISTS.items():
        if asked in ("", method) and key in result:
            yield key, kind


def _strangers(asked: str, result: Mapping[str, Any], pinned: Entry | None) -> Iterator[tuple[str, tuple[str, str]]]:
    """The keys that must go, with code and place: instructions that drifted, and keys that a lenient reader takes for
    one of those that are judged."""
    if _greets(asked, result) and not _approved(pinned, result.get("instructions")):
        yield "instructions", ("SMCP804", "/result/instructions")
    for key in result.keys() - _PLAIN:
        if (code := _FOLDED.get(fold(key))) is not None:
            yield key, (code, "/result/*")


def _greets(asked: str, result: Mapping[str, Any]) -> bool:
    """Whether a result says what the server is; where that is not proven, by what else stands in it."""
    return asked in _GREETINGS or (asked == "" and not _OF_A_GREETING.isdisjoint(result))


def _approved(entry: Entry | None, instructions: Any) -> bool:
    return not instructions or (entry is not None and type(instructions) is str and instructions == entry.definition)


class _Verdict:
    """What became of one list: what is left of it, what is wrong by place, and which pinned names drifted."""

    __slots__ = ("faults", "kept", "kind", "seen")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.kept: list[Any] = []
        self.seen: dict[str, bool] = {}
        # The pinned name, "" for what was never pinned: what a server calls it is not shown.
        self.faults: dict[int | None, str] = {}

    def reports(self, where: str) -> Iterator[Finding]:
        """The first of the faults; the last of them says how many more there are."""
        more = len(self.faults) - _MAX_REPORTS
        for count, (place, name) in enumerate(self.faults.items(), 1):
            if count > _MAX_REPORTS:
                return
            hint = f'the {self.kind} "{shown(name, _LONGEST_NAME)}" as it was pinned' if name else ""
            if more > 0 and count == _MAX_REPORTS:
                hint += f"{'; ' if hint else ''}{more} more entries are not as pinned"
            at = where if place is None else f"{where}/{place}"
            yield finding("SMCP802" if name else "SMCP803", at, action=Action.REPORT, hint=hint)


class _Pins:
    """The pinned definitions of one kind, ready to be compared."""

    def __init__(self, kind: str, entries: Mapping[str, Entry]) -> None:
        self._kind = kind
        self._key = NAMED_BY[kind]
        self._entries = {name: (entry, sorted_bytes(entry.definition)) for name, entry in entries.items()}

    def judge(self, listed: Any) -> _Verdict:
        """Sort the entries of a list. Of a name that is listed twice, both must be as pinned: a client takes either."""
        verdict = _Verdict(self._kind)
        if type(listed) is not list:
            if listed is not None:
                verdict.faults[None] = ""
            return verdict
        names = [self._name(entry) for entry in listed]
        for name, entry in zip(names, listed, strict=True):
            if name is not None:
                verdict.seen[name] = verdict.seen.get(name, False) or not self._fits(name, entry)
        for place, (name, entry) in enumerate(zip(names, listed, strict=True)):
            if name is None or verdict.seen[name]:
                verdict.faults[place] = name or ""
            else:
                verdict.kept.append(entry)
        return verdict

    def _name(self, entry: Any) -> str | None:
        """The name of an entry, None if nothing was pinned by it."""
        name = entry.get(self._key) if type(entry) is dict else None
        return name if type(name) is str and name in self._entries else None

    def _fits(self, name: str, definition: Any) -> bool:
        entry, plain = self._entries[name]
        # Python finds at once what differs, and takes 1 for True and 1.0.
        return definition == entry.definition and (
            sorted_bytes(definition) == plain or digest_of(definition) == entry.digest
        )
