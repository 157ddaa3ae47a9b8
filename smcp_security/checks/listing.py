"""The listing rung: lists of tools, prompts, resources and templates show a caller what it could use. Pure.

The grants are those of the access rung. What is listed is what some call of this caller could reach by role and
claims; scopes that its issuer could add and conditions on arguments hide nothing. A list that depends on the caller is
`cacheScope: private`; its cursor and everything else in it stay. What is read and announced is held to them as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.checks.contents import announced, readable
from smcp_security.checks.edits import rewritten
from smcp_security.checks.grants import Grants
from smcp_security.checks.origins import asked_method
from smcp_security.checks.rules import Kind
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.checks.uri_search import STEPS_OF_A_LIST
from smcp_security.decision import CLEAN, Action, Caller, Finding, Outcome, finding
from smcp_security.message import Era, Message
from smcp_security.message import Kind as MessageKind
from smcp_security.policy import Policy
from smcp_security.revisions import fold

_LISTS: Final[Mapping[str, tuple[str, Kind, str]]] = {
    "tools/list": ("tools", "tool", "name"),
    "prompts/list": ("prompts", "prompt", "name"),
    "resources/list": ("resources", "resource", "uri"),
    "resources/templates/list": ("resourceTemplates", "template", "uriTemplate"),
}
# By what a lenient reader takes a key for; "" is the method of what is not proven to be the answer to any.
_READ_AS: Final[Mapping[str, Mapping[str, tuple[str, Kind, str]]]] = {
    "": {fold(shape[0]): shape for shape in _LISTS.values()},
    **{method: {fold(shape[0]): shape} for method, shape in _LISTS.items()},
}
# A cache must not share these either: who may read them depends on the caller.
_GUARDED: Final = frozenset({"resources/read", "prompts/get"})


def build(policy: Policy, grants: Grants | None = None) -> Rung:
    """The listing rung for a policy. `grants`: those of the same policy, to share what they remember."""
    shown = Grants(policy) if grants is None else grants

    def listing(context: Context) -> Outcome:
        message = context.message
        if message is not None and message.kind is MessageKind.NOTIFICATION:
            return announced(shown, context, message)
        result = None if message is None or message.kind is not MessageKind.RESPONSE else message.value.get("result")
        if message is None or type(result) is not dict:
            return CLEAN
        edited, reports = result, list[Finding]()
        for key, kind, name in _lists_in(context, message, result):
            entries = result[key]
            kept = _usable(shown, context.caller, kind, name, entries, reports)
            if len(kept) < len(entries):
                edited = {**edited, key: kept}
        contents = readable(shown, context, message, result)
        if contents is not None and len(contents) < len(result["contents"]):
            reports.append(
                finding("SMCP301", "/result/contents", action=Action.REPORT, hint="what the caller may read")
            )
            edited = {**edited, "contents": contents}
        if _to_keep_private(context, message, result):
            edited = {**edited, "cacheScope": "private"}
        edit = None if edited is result else rewritten(message, ("result",), edited)
        return CLEAN if edit is None and not reports else Outcome(tuple(reports), edit=edit)

    return pure(listing if shown.in_force else lambda context: CLEAN)


def _lists_in(context: Context, message: Message, result: Mapping[str, Any]) -> Iterator[tuple[str, Kind, str]]:
    """The lists that a result holds: of the method that was asked, or of any where that is not proven."""
    shapes = _READ_AS.get(asked_method(context, message), {})
    for key, entries in result.items() if shapes else ():
        if type(entries) is list and (shape := shapes.get(fold(key))) is not None:
            yield key, *shape[1:]


def _usable(
    grants: Grants, caller: Caller | None, kind: Kind, key: str, entries: list[Any], reports: list[Finding]
) -> list[Any]:
    kept, cost = [], 0
    for entry in entries:
        name = entry.get(key) if type(entry) is dict else None
        if type(name) is not str:
            continue
        if cost > STEPS_OF_A_LIST:
            reports.append(
                finding("SMCP701", "/result/resourceTemplates", action=Action.REPORT, hint="fewer or plainer templates")
            )
            break
        ruling = grants.ruling(caller, kind, name)
        cost += ruling.cost
        if ruling.listed:
            kept.append(entry)
    return kept


def _to_keep_private(context: Context, message: Message, result: Mapping[str, Any]) -> bool:
    if result.get("cacheScope") == "private":
        return False
    method = context.origin.method if context.origin is not None else ""
    if "cacheScope" in result:
        return method in _LISTS or method in _GUARDED or not method
    return message.era is Era.MODERN and method in _LISTS
