"""The access rung: whether the caller's roles allow the tool, prompt, resource or vendor method. Pure.

With `roles` in the policy, no match is a denial; without, everybody may use everything but tools that
`unlisted_tools: deny` closes out. Nobody needs a rule for what keeps a session going (initialize, ping, lists,
notifications, answers); tasks are their owner's (see `ownership.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from smcp_security.checks.grants import Grants, Ruling, Verdict
from smcp_security.checks.metadata import challenge
from smcp_security.checks.rules import Kind
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.decision import CLEAN, Caller, Outcome, denied
from smcp_security.message import Kind as MessageKind
from smcp_security.message import Message
from smcp_security.policy import Policy

# What the protocol itself needs, or what is filtered on the way back.
_PLUMBING: Final = frozenset(
    "initialize ping server/discover logging/setLevel tools/list prompts/list resources/list resources/templates/list"
    " tasks/list tasks/get tasks/result tasks/update tasks/cancel".split()
)
_NAMED: Final[Mapping[str, tuple[Kind, str]]] = {
    "tools/call": ("tool", "name"),
    "prompts/get": ("prompt", "name"),
    "resources/read": ("resource", "uri"),
    "resources/subscribe": ("resource", "uri"),
    "resources/unsubscribe": ("resource", "uri"),
}
_REFERENCES: Final[Mapping[str, tuple[Kind, str]]] = {
    "ref/prompt": ("prompt", "name"),
    "ref/resource": ("resource", "uri"),
}
# A client that watches more than this is asking one by one for a whole server.
_MAX_WATCHED: Final = 200
_MAX_WATCHED_SIZE: Final = 16_384

_CODES: Final = {
    Verdict.DENIED: "SMCP301",
    Verdict.SCOPES: "SMCP302",
    Verdict.UNKNOWN: "SMCP303",
    Verdict.CROOKED: "SMCP304",
}


def build(policy: Policy, grants: Grants | None = None) -> Rung:
    """The access rung for a policy. `grants`: those of the same policy, to share what they remember."""
    guard = _Guard(policy, Grants(policy) if grants is None else grants)
    return pure(guard.check if guard.grants.in_force else lambda context: CLEAN)


class _Guard:
    """Finds what a message works on, and asks the grants."""

    def __init__(self, policy: Policy, grants: Grants) -> None:
        self.grants = grants
        self._policy = policy
        self._special: Mapping[str, Callable[[Message, Caller | None], Outcome]] = {
            "completion/complete": self._completion,
            "subscriptions/listen": self._subscriptions,
        }

    def check(self, context: Context) -> Outcome:
        """Judge one message."""
        message = context.message
        if message is None or message.kind is MessageKind.RESPONSE:
            return CLEAN
        method = message.method
        named = _NAMED.get(method)
        if named is not None:
            kind, key = named
            name = message.params.get(key)
            if type(name) is not str:
                return denied("SMCP301", f"/params/{key}", hint="a string")
            ruling = self.grants.ruling(context.caller, kind, name)
            return CLEAN if ruling.verdict is Verdict.ALLOWED else self._call(message, ruling, key)
        # One that wants an answer is none, whatever it is called.
        announced = message.kind is MessageKind.NOTIFICATION and method.startswith("notifications/")
        if announced or method in _PLUMBING or not self.grants.by_role:
            return CLEAN
        if (special := self._special.get(method)) is not None:
            return special(message, context.caller)
        return self._outcome(self.grants.ruling(context.caller, "method", method), "/method")

    def _call(self, message: Message, ruling: Ruling, key: str) -> Outcome:
        if ruling.offers:
            return self._outcome(ruling.on(message.params.get("arguments", {})), "/params/arguments")
        return self._outcome(ruling, f"/params/{key}")

    def _completion(self, message: Message, caller: Caller | None) -> Outcome:
        """What may be asked of a prompt or template is what could be used; its arguments are not there yet."""
        ref: Any = message.params.get("ref")
        kind, key = _REFERENCES.get(str(ref.get("type")), ("prompt", "")) if type(ref) is dict else ("prompt", "")
        name = ref.get(key) if type(ref) is dict else None
        if type(name) is not str:
            return denied("SMCP301", "/params/ref", hint="a prompt or a resource by its name")
        if kind == "resource" and "{" in name:
            kind = "template"
        return self._outcome(self.grants.ruling(caller, kind, name).on(None), f"/params/ref/{key}")

    def _subscriptions(self, message: Message, caller: Caller | None) -> Outcome:
        wanted: Any = message.params.get("notifications")
        uris = (wanted.get("resourceSubscriptions") if type(wanted) is dict else None) or []
        where = "/params/notifications/resourceSubscriptions"
        if type(uris) is not list or len(uris) > _MAX_WATCHED:
            return denied("SMCP301", where, hint=f"at most {_MAX_WATCHED} resource URIs")
        size = 0
        for place, uri in enumerate(uris):
            if type(uri) is not str:
                return denied("SMCP301", f"{where}/{place}", hint="a string")
            size += len(uri)
            if size > _MAX_WATCHED_SIZE:
                return denied("SMCP301", where, hint=f"at most {_MAX_WATCHED_SIZE} characters of resource URIs")
            ruling = self.grants.ruling(caller, "resource", uri)
            if ruling.verdict is not Verdict.ALLOWED:
                return self._outcome(ruling, f"{where}/{place}")
        return CLEAN

    def _outcome(self, ruling: Ruling, where: str) -> Outcome:
        verdict = ruling.verdict
        if verdict is Verdict.ALLOWED:
            return CLEAN
        if verdict is not Verdict.SCOPES:
            return denied(_CODES[verdict], where)
        header = challenge(self._policy, error="insufficient_scope", scopes=ruling.scopes)
        return denied("SMCP302", where, data={"scopes": list(ruling.scopes)}, challenge=header)
