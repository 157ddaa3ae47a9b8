"""Masks what a function says: the kinds that its decorator names, and what the vault has handed out.

The rungs are those of `results`, further in. What an edge outside masks by the policy is left to it, so that nothing
is done twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any, Final, get_args

from smcp_security import contexts
from smcp_security.adapters.sdk.refusals import withholding
from smcp_security.adapters.tools.call import Call
from smcp_security.adapters.tools.promised import Promise
from smcp_security.adapters.tools.returned import Untellable, as_result, lasting, remade, told
from smcp_security.checks import Step, redaction, results
from smcp_security.checks.rung import Rung, pure
from smcp_security.decision import Decision, Origin, Outcome
from smcp_security.engine import withheld
from smcp_security.errors import PolicyError, SMCPDenied
from smcp_security.policy import Policy
from smcp_security.policy.globs import matches
from smcp_security.policy.results import Redacted
from smcp_security.redaction.redactor import Redactor

KINDS: Final[tuple[str, ...]] = get_args(Redacted)


def kinds_of(where: str, given: object) -> tuple[str, ...]:
    """The kinds that a decorator names, each once. Raises `PolicyError` for one that there is not."""
    named = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    wrong = [each for each in named if each not in KINDS]
    if wrong:
        shown = repr(wrong[0]) if isinstance(wrong[0], str) else f"a {type(wrong[0]).__name__}"
        raise PolicyError(f"{where}: redact: {shown} is no kind of text; there are: {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in named)


class Masks:
    """The masks of one tool, compiled for the policy in force."""

    def __init__(self, tool: str, kinds: tuple[str, ...], promise: Promise, *, given: bool = False) -> None:
        """`given`: the vault gives the tool secrets. Raises `RulesError` for a rule that is unfit: now, and not at the
        first call.
        """
        self._tool = tool
        self._promise = promise
        self._kinds = kinds
        self._given = given
        self._compiled: dict[tuple[bool, bool], tuple[Policy, tuple[Step, ...]]] = {}
        if kinds:
            _redactor(kinds)

    async def masked(self, call: Call, value: Any, *, error: bool = False) -> Any:
        """What may be handed on of a value: the very same one where nothing is to be masked.

        `error`: it is what was raised. Raises the refusal of a value that may not be handed on.
        """
        if not (steps := self.steps(call, error=error)):
            return value
        try:
            returned = Returned(value, call.asked)
            judged = await call.framework.inspect_response(returned.raw, call.asked, demands=steps)
            return self._after(call, returned, judged)
        except Refused as refused:
            return self._refused(call, refused)

    def masked_sync(self, call: Call, value: Any, *, error: bool = False) -> Any:
        """`masked` without an event loop."""
        if not (steps := self.steps(call, error=error)):
            return value
        try:
            returned = Returned(value, call.asked)
            judged = call.framework.inspect_response_sync(returned.raw, call.asked, demands=steps)
            return self._after(call, returned, judged)
        except Refused as refused:
            return self._refused(call, refused)

    def steps(self, call: Call, *, error: bool = False) -> tuple[Step, ...]:
        """What is climbed for a value; nothing where an edge outside masks all of it anyway."""
        # Servers write down what a tool returns and raises before any edge outside sees it.
        leaks = (error or self._given or not call.watched) and call.framework.sought() is not None
        # Code gets what was raised; what the vault has handed out is in no error all the same.
        if not self._kinds or (error and call.around.host is None):
            return self._alone if leaks else ()
        policy, behind = call.framework.policy, call.earlier is not None
        compiled = self._compiled.get((behind, leaks))
        if compiled is None or compiled[0] is not policy:
            left = self._left(policy) if behind else self._kinds
            compiled = self._compiled[behind, leaks] = (policy, _steps(policy, left, self._tool, leaks=leaks))
        return compiled[1]

    @cached_property
    def _alone(self) -> tuple[Step, ...]:
        return _around(self._tool, (), leaks=True)

    def _after(self, call: Call, returned: Returned, judged: Decision) -> Any:
        try:
            value = returned.after(judged, self._promise)
        except Refused as refused:
            if refused.decision is not None or not self._is_left(call):
                call.found(judged.findings)
            raise
        call.found(judged.findings)
        return value

    def _refused(self, call: Call, refused: Refused) -> Any:
        """What nobody could judge or mask here, where an edge outside looks at it anyway. Raises the refusal."""
        if refused.decision is None and self._is_left(call):
            return refused.value
        raise _withheld(call, refused) from None

    def _is_left(self, call: Call) -> bool:
        return call.watched and not self._kinds

    def _left(self, policy: Policy) -> tuple[str, ...]:
        """The kinds that the policy's own rung does not mask in the results of this tool."""
        asked = policy.results
        if not policy.enforces("results") or any(matches(kept.tool, self._tool) for kept in asked.keep):
            return self._kinds
        return tuple(kind for kind in self._kinds if kind not in asked.redact)


@lru_cache(maxsize=16)
def _redactor(kinds: tuple[str, ...]) -> Redactor:
    return Redactor(kinds)


def _steps(policy: Policy, kinds: tuple[str, ...], tool: str, *, leaks: bool) -> tuple[Step, ...]:
    if not kinds:
        return _around(tool, (), leaks=True) if leaks else ()
    asked = policy.results.model_copy(update={"redact": kinds, "keep": ()})
    rung = redaction.build(policy.model_copy(update={"results": asked}), _redactor(kinds))
    return _around(tool, (Step("demanded redaction", rung, "results"),), leaks=leaks)


def _around(tool: str, asked: tuple[Step, ...], *, leaks: bool) -> tuple[Step, ...]:
    """In the order of the ladder: what the vault has handed out goes first, and is looked for again at the end."""
    first: tuple[Step, ...] = (
        Step("parse", results.build_parse()),
        Step("trace", _traced(Origin("tools/call", tool))),
    )
    if not leaks:
        return first + asked
    # Late, like all that only a vault needs.
    from smcp_security.checks.leaks import build, build_last

    return (*first, Step("leaks", build()), *asked, Step("last look", build_last()))


def _traced(origin: Origin) -> Rung:
    """Nobody has to ask whose answer it is, and the edge outside still will."""
    return pure(lambda context: Outcome(origin=origin))


def _withheld(call: Call, refused: Refused) -> SMCPDenied:
    call.withheld = True
    if (decision := refused.decision) is None:
        decision = withheld("SMCP709", call.asked)
        call.found(decision.findings)
    return withholding(decision, call.around.host)


class Refused(Exception):
    """A value that may not be handed on. `decision` is the verdict, None where nobody could judge or mask the value."""

    def __init__(self, value: Any, decision: Decision | None = None) -> None:
        super().__init__()
        self.value = value
        self.decision = decision


class Returned:
    """One value on its way to whoever called, as the answer of its call."""

    __slots__ = ("_json", "_path", "raw", "value")

    def __init__(self, value: Any, decision: Decision) -> None:
        """Raises `Refused` for a value that JSON cannot hold."""
        self.value = value
        try:
            self.value = lasting(value)
            self._json = told(self.value)
            result, path = as_result(self._json)
        except Untellable:
            raise Refused(self.value) from None
        id = None if decision.request is None else decision.request.id
        self.raw = contexts.octets({"jsonrpc": "2.0", "id": 0 if id is None else id, "result": result})
        self._path = ("result", *path)
        if not self.raw:
            raise Refused(self.value)

    def after(self, judged: Decision, promise: Promise) -> Any:
        """The value as the verdict leaves it: the very same one if nothing is to be changed.

        Raises `Refused`, also for what would no longer be what the function promises to return.
        """
        if not judged.allowed:
            raise Refused(self.value, judged)
        if judged.message == self.raw or judged.context is None or judged.context.message is None:
            return self.value
        part: Any = judged.context.message.value
        for step in self._path:
            part = part[step]
        try:
            made = remade(self.value, self._json, part)
            # What a serialiser of its own makes of the parts was looked at; what it makes of the new ones must be it.
            if told(made) == part and not promise.breaks(self._json, part):
                return made
        except Untellable:
            pass
        raise Refused(self.value)
