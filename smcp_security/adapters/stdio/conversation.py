"""Both directions of one connection, without a pipe: lines go in, what each side is to hear comes out.

A request of the client is settled and told to the audit once: when it is answered, given up, or nothing can answer it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

from smcp_security.adapters.account import Account
from smcp_security.adapters.judges import Blocking
from smcp_security.adapters.stdio.labels import ENDS, Id, Label, label, label_at_ends
from smcp_security.adapters.stdio.ledger import Ledger, Open
from smcp_security.adapters.stdio.lines import Line, Part
from smcp_security.adapters.stdio.words import refusal, seeming, stand_in, turned_down, unanswered
from smcp_security.checks import Step
from smcp_security.checks.rung import Context, pure
from smcp_security.contexts import RequestContext, in_process
from smcp_security.decision import CLEAN, Action, Decision, Outcome, denied, finding
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.message import Kind
from smcp_security.settlement import weigh

EDGE: Final = "stdio"
NOTHING: Final = b""

_log: Final = logging.getLogger("smcp_security.stdio")


@dataclass(slots=True)
class Said:
    """What each side is to hear: whole lines with their line feeds, or nothing."""

    client: bytes = NOTHING
    server: bytes = NOTHING


class Conversation:
    """One client and one server. `facts` is what is known of the client: every message counts for the same caller."""

    def __init__(self, framework: SMCPSecurityFramework, facts: RequestContext) -> None:
        self._framework = framework
        self._judge = Blocking(framework)
        self._facts = facts
        self._open = Ledger()
        self._demands = (Step("correlation", pure(self._is_new)),)
        # What the server says of its own accord is said to whom was let through last.
        self._standing = Decision(True, "")
        self._asked, self._told = _Oversize(), _Oversize()
        self.strays = 0
        # Whether the client has heard a line of the server in part, and must hear its end next.
        self.within = False

    # -- from the client ---------------------------------------------------------------------------------------------

    def from_client(self, line: Line) -> Said:
        """What becomes of a line of the client."""
        if line.part is Part.WHOLE:
            return self._message(line.raw) if line.raw.strip() else Said()
        if line.part is Part.CUT:
            _log.warning("the client's last line was cut off after %d bytes and was dropped", len(line.raw))
            return Said()
        ends = self._asked.grow(line)
        if line.part is Part.HEAD:
            _log.warning("a line of the client is over server.max_body; it is refused and skipped to its end")
            return self._too_large(ends)
        return self._too_large(ends) if line.part is Part.END and not ends.told else Said()

    def _message(self, raw: bytes) -> Said:
        decision = self._framework.inspect_sync(in_process(raw, self._facts), edge=EDGE, demands=self._demands)
        if not decision.allowed:
            return self._refused(decision, raw)
        forward, message = decision.message, decision.request
        if not isinstance(forward, bytes) or message is None:
            raise TypeError("an allowed message has its bytes")
        self._standing = Decision(True, decision.id, caller=decision.caller)
        said = Said(server=forward + b"\n")
        if message.kind is Kind.REQUEST and message.id is not None:
            opened = Open(message.id, decision, Account(self._judge, decision), len(forward))
            for oldest in self._open.add(opened):
                said.client += self._given_up(oldest, "Too many requests were open; this one was given up.")
        elif message.method == "notifications/cancelled":
            id = message.params.get("requestId")
            self._open.cancel(id if type(id) in (str, int) else None, time.monotonic())
        return said

    def _refused(self, decision: Decision, raw: bytes) -> Said:
        known = seeming(decision, raw)
        if known is not None and known.answers and (told := stand_in(decision, known.id)):
            return Said(server=told + b"\n")
        if known is not None and known.id is None and _is_notification(decision, raw):
            return Said()
        told = refusal(decision, self._to_tell(known))
        return Said(client=told + b"\n") if told else Said()

    def _to_tell(self, known: Label | None) -> Id | None:
        """The id to tell a refusal by: none of the server's, and none that another request waits by."""
        return None if known is None or known.answers or known.id in self._open else known.id

    def _too_large(self, ends: _Oversize) -> Said:
        """Refuse a line over the cap, once: at its head if that says whose it is, or else at its end."""
        known = ends.label()
        if known is None and not ends.over:
            return Said()
        ends.told = True
        decision = self._framework.refuse("SMCP104", in_process(NOTHING, self._facts), edge=EDGE)
        if known is not None and known.answers:
            return Said(server=stand_in(decision, known.id) + b"\n")
        return Said(client=refusal(decision, self._to_tell(known)) + b"\n")

    def _is_new(self, context: Context) -> Outcome:
        """Two requests of one id without an answer: whose it is that comes first nobody can tell."""
        message = context.message
        if message is None or message.kind is not Kind.REQUEST or message.id is None or self._open.is_new(message.id):
            return CLEAN
        if self._open.worn_out:
            return denied("SMCP121", "/id", hint="a new connection; too many calls of this one were never answered")
        return denied("SMCP121", "/id", hint="an id that no request without an answer has")

    # -- from the server ---------------------------------------------------------------------------------------------

    def from_server(self, line: Line) -> Said:
        """What becomes of a line of the server."""
        if line.part is Part.WHOLE:
            return self._said(line.raw) if line.raw.strip() else Said()
        if line.part is Part.CUT:
            return self._stray("was cut off")
        return self._piece(line)

    def _said(self, raw: bytes) -> Said:
        known = label(raw)
        if known is None:
            return self._stray("is no JSON object")
        if known.called:
            return self._of_its_own(raw, known.id)
        request = self._open.take(known.id)
        return self._stray("answers no open request") if request is None else self._answer(request, raw)

    def _answer(self, request: Open, raw: bytes) -> Said:
        judged = self._framework.inspect_response_sync(raw, request.decision)
        passed = judged.message if isinstance(judged.message, bytes) else NOTHING
        request.account.hear(judged)
        request.account.withheld = not judged.allowed
        request.account.whole = True
        request.account.size = len(passed)
        self._end(request)
        return Said(client=passed + b"\n" if passed else NOTHING)

    def _of_its_own(self, raw: bytes, id: Id | None) -> Said:
        """A request or notification of the server."""
        judged = self._framework.inspect_response_sync(raw, self._standing)
        if judged.allowed and isinstance(judged.message, bytes):
            return Said(client=judged.message + b"\n")
        self._framework.finish(self._standing, result="withheld", findings=judged.findings, beside=True)
        return Said(server=NOTHING if id is None else turned_down(id) + b"\n")

    def _piece(self, line: Line) -> Said:
        """Of a line over the cap nothing passes, unless results are only monitored and no secret can be in it."""
        ends = self._told.grow(line)
        if not self._framework.policy.enforces("results") and self._framework.sought() is None:
            return self._monitored(line, ends)
        known = ends.label()
        if ends.told or (known is None and not ends.over):
            return Said()
        ends.told = True
        if known is not None and known.called and known.id is not None:
            self._stray("is over results.max_size")
            return Said(server=turned_down(known.id) + b"\n")
        request = self._answered_by(known)
        if request is None:
            return self._stray("is over results.max_size, and answers no open request")
        judged, _ = self._framework.too_large(ends.head, ends.tail, request.decision)
        request.account.hear(judged)
        request.account.withheld = request.account.whole = True
        weigh(ends.size, request.decision.context)
        self._end(request)
        return Said(client=judged.message + b"\n" if isinstance(judged.message, bytes) else NOTHING)

    def _monitored(self, line: Line, ends: _Oversize) -> Said:
        """What nobody judges passes piece by piece."""
        self.within = not ends.over
        if not ends.over:
            return Said(client=line.raw)
        request = self._answered_by(ends.label())
        if request is not None:
            request.account.note([finding("SMCP701", action=Action.REPORT)])
            request.account.whole = True
            request.account.size = ends.size
            weigh(ends.size, request.decision.context)
            self._end(request)
        return Said(client=line.raw + b"\n")

    def _answered_by(self, known: Label | None) -> Open | None:
        if known is not None:
            return None if known.called else self._open.take(known.id)
        # Where but one waits, it is that one's: nobody else is told a falsehood.
        return self._open.take_only()

    def _stray(self, what: str) -> Said:
        """Something that is for nobody. The log tells of the first, and then of ever fewer."""
        self.strays += 1
        if self.strays & (self.strays - 1) == 0:
            _log.warning("a line of the server %s and was dropped; dropped so far: %d", what, self.strays)
        return Said()

    # -- without an answer -------------------------------------------------------------------------------------------

    def given_up(self, now: float) -> float | None:
        """End what was cancelled long ago; when there is more to end."""
        for request in self._open.lapsed(now):
            self._end(request, gone=True)
        return self._open.next_lapse()

    def closed(self, reason: str) -> Said:
        """Nothing comes from the server any more: whoever waits is told why."""
        return Said(client=b"".join(self._given_up(request, reason) for request in self._open.close()))

    def hung_up(self) -> None:
        """Nobody listens any more."""
        for request in self._open.close():
            self._end(request, gone=True)

    @property
    def awaited(self) -> bool:
        """Whether the client waits for an answer."""
        return self._open.awaited

    def _given_up(self, request: Open, reason: str) -> bytes:
        self._end(request)
        return NOTHING if request.until is not None else unanswered(reason, request.id) + b"\n"

    def _end(self, request: Open, *, gone: bool = False) -> None:
        self._framework.settle_sync(request.decision)
        request.account.close(gone)


class _Oversize:
    """The ends of a line over the cap. `over` once it has ended, `told` once somebody was told of it."""

    __slots__ = ("head", "over", "size", "tail", "told")

    def __init__(self) -> None:
        self.head = self.tail = NOTHING
        self.size = 0
        self.over = self.told = False

    def grow(self, line: Line) -> _Oversize:
        if line.part is Part.HEAD:
            self.head, self.tail, self.size, self.told = line.raw[:ENDS], NOTHING, 0, False
        self.tail = (self.tail + line.raw[-ENDS:])[-ENDS:]
        self.size += len(line.raw)
        self.over = line.part is Part.END
        return self

    def label(self) -> Label | None:
        """Whose it seems to be; of a line that has not ended, by its head alone."""
        return label_at_ends(self.head, self.tail if self.over else NOTHING)


def _is_notification(decision: Decision, raw: bytes) -> bool:
    """Whether nobody waits for an answer; an id that is none (null, 1.5) says that somebody does."""
    message = decision.request
    if message is not None:
        return "id" not in message.value and "method" in message.value
    return b'"id"' not in raw and b'"method"' in raw
