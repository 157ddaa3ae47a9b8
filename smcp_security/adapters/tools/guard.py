"""Judges the calls of one function: only its demands where an edge outside has judged the message, else everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from msgspec.structs import replace

from smcp_security.adapters.sdk.refusals import refusal
from smcp_security.adapters.sdk.registered import names_of
from smcp_security.adapters.tools.annotations import Parameters
from smcp_security.adapters.tools.arguments import Arguments, Unreadable
from smcp_security.adapters.tools.call import Call
from smcp_security.adapters.tools.surroundings import Surroundings, surroundings
from smcp_security.checks import Step
from smcp_security.checks.demands import Demands
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision
from smcp_security.errors import SMCPDenied
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.message import Message
from smcp_security.policy import Policy

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks
    from smcp_security.adapters.tools.secrets import Secrets

EDGE: Final = "decorator"
HIDDEN: Final = "_smcp_context"
"""The parameter through which SDK 2.x says which request it serves. It is in no signature and in no schema."""
_MOST_OTHERS: Final = 64


class Guard:
    """What stands before one function. `faces` are what is called in its place, once they are made.

    `named`: the tool's name was given, and holds whatever it is registered as.
    """

    def __init__(
        self,
        demands: Demands,
        parameters: Parameters,
        framework: SMCPSecurityFramework | None,
        *,
        named: bool,
        masks: Masks | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self.demands = demands
        self.masks = masks
        self.secrets = secrets
        self.faces: list[ref[Callable[..., Any]]] = []
        self._named = named
        self._arguments = Arguments(parameters)
        self._contexts = parameters.contexts
        self._framework = framework
        # The names under which it is registered, as far as somebody has asked.
        self._names: frozenset[str] | None = None
        self._others: set[str] = set()
        self._compiled: tuple[Policy | None, tuple[Step, ...]] = (None, ())

    @property
    def framework(self) -> SMCPSecurityFramework | None:
        """Who judges, where that was said."""
        return self._framework

    # -- one call ----------------------------------------------------------------------------------------------------

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """What is to be judged about a call. Takes the hidden parameter out of `kwargs`.

        Raises the refusal of an argument that cannot be judged, and `TypeError` for one that the vault gives.
        """
        if self.secrets is not None:
            self.secrets.check(kwargs)
        around = surroundings(self._given(kwargs))
        framework = around.framework(self._framework)
        demands = self._steps(framework.policy)
        try:
            if (earlier := self._judged(around, framework, args, kwargs)) is not None:
                return Call(around, framework, self._again(around, framework, earlier, args, kwargs), demands, earlier)
            context = around.context(self._name(around), self._arguments.read(args, kwargs), framework)
        except Unreadable as error:
            raise self._unreadable(error, around, framework) from None
        return Call(around, framework, context, demands)

    def ready(
        self, call: Call, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Callable[[], Any]:
        """The function behind the guard with the secrets that the vault has opened for it, to be called at once.

        Keep it in no variable: a traceback would show them there.
        """
        call.masks = self._masks(call, function)
        if self.secrets is None:
            return partial(function, *args, **kwargs)
        return self.secrets.call(function, args, kwargs, call.take_given())

    async def judge(self, call: Call) -> None:
        """Raise the refusal, if it is one."""
        if call.context is not None:
            decision = await call.framework.inspect(call.context, edge=EDGE, demands=call.demands, earlier=call.earlier)
            self._take(call, decision)

    def judge_sync(self, call: Call) -> None:
        """`judge` without an event loop."""
        if call.context is not None:
            decision = call.framework.inspect_sync(call.context, edge=EDGE, demands=call.demands, earlier=call.earlier)
            self._take(call, decision)

    async def end(self, call: Call, error: BaseException | None) -> None:
        """The call has ended: note its outcome, and give back what it held. An edge outside does so by itself."""
        if (decision := _noted(call, error)) is not None:
            await call.framework.settle(decision)

    def end_sync(self, call: Call, error: BaseException | None) -> None:
        """`end` without an event loop."""
        if (decision := _noted(call, error)) is not None:
            call.framework.settle_sync(decision)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _given(self, kwargs: dict[str, Any]) -> object:
        given = kwargs.pop(HIDDEN, None)
        for name in self._contexts:
            given = kwargs.get(name, given)
        return given

    def _masks(self, call: Call, function: Callable[..., Any]) -> Masks | None:
        """What is looked for in all that the function says; None where nothing is."""
        if self.masks is None and (call.framework.policy.vault is not None or call.framework.sought() is not None):
            # Late: what a vault has handed out, also under a policy before, may come back from any tool.
            from smcp_security.adapters.tools.masking import Masks
            from smcp_security.adapters.tools.promised import Promise

            self.masks = Masks(self.demands.tool, (), Promise(function), given=self.secrets is not None)
        return self.masks

    def _steps(self, policy: Policy) -> tuple[Step, ...]:
        compiled = self._compiled
        if compiled[0] is not policy:
            compiled = self._compiled = (policy, self.demands.steps(policy))
        return compiled[1]

    def _judged(
        self,
        around: Surroundings,
        framework: SMCPSecurityFramework,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Decision | None:
        """The verdict on the very message that this call serves. A call that a tool makes of another is a new one."""
        exchange = around.exchange
        if exchange is None or not around.own or exchange.framework is not framework:
            return None
        request = exchange.decision.request
        if request is None or not exchange.decision.allowed or request.method != "tools/call":
            return None
        if not self._answers_to(request.target) or not self._says(request, around, args, kwargs):
            return None
        return exchange.decision

    def _says(self, message: Message, around: Surroundings, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether the call is what the message asks for. A server itself may have read a text as JSON, or as a model.

        Code in between may call a function of that name with arguments that nobody has judged.
        """
        hosted = around.host is not None and around.sure
        if hosted and message.target in self._registered():
            return True
        judged = message.params.get("arguments")
        if self._arguments.alike(self._arguments.read(args, kwargs), judged if isinstance(judged, Mapping) else {}):
            return True
        return hosted and message.target in self._registered(again=True)

    def _name(self, around: Surroundings) -> str:
        """What the policy calls the tool: the name by which a server calls it, or its own."""
        if self._named or around.host is None:
            return self.demands.tool
        names = self._registered()
        if around.tool in names and around.tool is not None:
            return around.tool
        return next(iter(names)) if len(names) == 1 else self.demands.tool

    def _answers_to(self, name: str) -> bool:
        """Whether a message that calls a tool of that name may be for this function."""
        if name == self.demands.tool or name in (self._names or ()):
            return True
        if name in self._others:
            return False
        if name in self._registered(again=True):
            return True
        if len(self._others) >= _MOST_OTHERS:
            self._others.clear()
        self._others.add(name)
        return False

    def _registered(self, *, again: bool = False) -> frozenset[str]:
        """The names under which it is registered: looked for once, and again for a name that is not among them."""
        if self._names is None or again:
            faces = [face() for face in self.faces]
            self._names = frozenset(name for face in faces if face is not None for name in names_of(face))
        return self._names

    def _again(
        self,
        around: Surroundings,
        framework: SMCPSecurityFramework,
        earlier: Decision,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Context | None:
        if not self.demands.any or earlier.context is None or earlier.request is None:
            return None
        message = earlier.request
        if self.demands.contracts:
            # As the function gets them: the host may have read a text as JSON.
            message = replace(message, params={**message.params, "arguments": self._arguments.read(args, kwargs)})
        return around.again(earlier.context, message, framework)

    def _take(self, call: Call, decision: Decision) -> None:
        if not decision.allowed:
            raise refusal(decision, call.around.host)
        if call.earlier is None:
            call.decision = call.verdict = decision
            call.began = time.monotonic()

    def _unreadable(self, error: Unreadable, around: Surroundings, framework: SMCPSecurityFramework) -> SMCPDenied:
        context = around.context(self._name(around), {}, framework)
        context.raw = None
        decision = framework.refuse("SMCP128", context, edge=EDGE)
        why = f"The argument {error.parameter!r} holds a {error.kind.__qualname__}, which cannot be told as JSON."
        return refusal(decision, around.host, why)


def _noted(call: Call, error: BaseException | None) -> Decision | None:
    """The decision of a call whose outcome is noted now; None if that was done, or is an edge's outside."""
    decision, call.decision, call.ended = call.decision, None, True
    if decision is None:
        if call.findings and call.earlier is not None:
            # The edge outside cannot know what was masked further in.
            call.framework.finish(call.earlier, result="complete", findings=call.findings, beside=True)
        return None
    # What ends a generator early, or a task from outside, is no fault of the tool.
    ending = "complete" if error is None else "broken" if isinstance(error, Exception) else "cancelled"
    ending = "withheld" if call.withheld else ending
    call.framework.finish(
        decision,
        result=ending,
        seconds=time.monotonic() - call.began,
        error=type(error).__name__ if isinstance(error, Exception) else "",
        findings=call.findings,
    )
    return decision
