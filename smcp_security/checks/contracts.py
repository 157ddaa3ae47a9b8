"""The contracts rung: arguments whose meaning is known, held against what they may mean. Pure.

For tools by the policy's contracts and by what their schemas and names let infer; for prompts, resource URIs and
completions by the policy's. What only the outside world knows is asked, and counts as a refusal while it cannot be had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from smcp_security.checks.meanings import ANY, Knowledge, Meaning, Meanings
from smcp_security.checks.rung import Context, Recall, ResolveHost, ResolvePath, Run, Rung
from smcp_security.checks.values import Place, as_text, every, values
from smcp_security.contracts.contract import Contract, Fault, Found, HostLookup, Lookup
from smcp_security.contracts.inference import hostile, infer_argument
from smcp_security.decision import CLEAN, Finding, Outcome, finding
from smcp_security.errors import Unavailable
from smcp_security.message import Message
from smcp_security.pointer import escaped, pointer
from smcp_security.schemas import ToolSchema

_MOST_FINDINGS: Final = 5
_MOST_LOOKUPS: Final = 32
"""Look-ups for one message: each may take as long as its deadline."""

_MOST_WATCHED: Final = 200
"""Resource URIs in one message, where there are contracts for them; the same as for callers with roles."""

_READS: Final = frozenset({"resources/read", "resources/subscribe"})


def build(knowledge: Knowledge) -> Rung:
    """The contracts rung for what a policy knows."""

    def contracts(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None:
            return CLEAN
        method = message.method
        if method == "tools/call":
            schema = yield from Recall(message.target, context.upstream).ask()
            found = yield from _of_arguments(message, knowledge.of_tool(message.target, schema), schema)
        elif method == "prompts/get":
            found = yield from _of_arguments(message, knowledge.of_prompt(message.target), None)
        elif method in _READS:
            found = yield from _of_uri(message.target, knowledge, "/params/uri")
        elif method == "subscriptions/listen":
            found = yield from _of_subscriptions(message, knowledge)
        elif method == "completion/complete":
            found = yield from _of_completion(message, knowledge)
        else:
            return CLEAN
        return Outcome(tuple(found)) if found else CLEAN

    return contracts


def _of_arguments(message: Message, meanings: Meanings, schema: ToolSchema | None) -> Run[list[Finding]]:
    given = message.params.get("arguments")
    if type(given) is not dict or not (given and meanings.any):
        return []
    refused = islice(_faults(meanings, given), _MOST_FINDINGS)
    found = [_finding(fault, f"/params/arguments{_shown(place, meaning, schema)}") for meaning, fault, place in refused]
    if meanings.asking and not found:
        found = yield from _looked_up(meanings, given, schema)
    return found


def _faults(meanings: Meanings, given: dict[str, Any]) -> Iterator[tuple[Meaning, Fault, Place]]:
    plain = meanings.plain(given)
    for meaning in (*meanings.stated, *meanings.guesses(given)):
        contract = meaning.contract
        fault = _fault if contract is not None else _hostile
        judged = every(given, meaning.segments, meaning.kind, plain=plain)
        if (
            contract is not None
            and contract.most
            and sum(len(as_text(value) or "") for value in judged) > contract.most
        ):
            yield meaning, Fault("SMCP518", f"at most {contract.most} characters in one call"), meaning.segments
            continue
        for value in judged:
            if fault(meaning, value) is not None:
                # Nearly always nothing is wrong: only here somebody asks for the places.
                yield from _placed(meaning, fault, given)
                break


def _placed(
    meaning: Meaning, fault: Callable[[Meaning, Any], Fault | None], given: dict[str, Any]
) -> Iterator[tuple[Meaning, Fault, Place]]:
    for place, value in values(given, meaning.segments, meaning.kind):
        found = fault(meaning, value)
        if found is not None:
            yield meaning, found, place


def _fault(meaning: Meaning, value: Any) -> Fault | None:
    text = as_text(value)
    if text is None:
        return _NO_TEXT
    return None if meaning.contract is None else meaning.contract.fault(text)


def _hostile(meaning: Meaning, value: Any) -> Fault | None:
    return hostile(meaning.kind, value) if type(value) is str else None


_NO_TEXT: Final = Fault("SMCP517", "a text, or a list of texts")


def _looked_up(meanings: Meanings, given: dict[str, Any], schema: ToolSchema | None) -> Run[list[Finding]]:
    answers: dict[Lookup, Found] = {}
    for meaning in meanings.asking:
        if meaning.contract is None:
            continue
        for place, value in values(given, meaning.segments, meaning.kind):
            text = as_text(value) or ""
            lookups = meaning.contract.lookups(text)
            if not lookups:
                continue
            many = len(answers.keys() | lookups) > _MOST_LOOKUPS
            fault = _UNASKED if many else (yield from _asked(meaning.contract, text, lookups, answers))
            if fault is not None:
                return [_finding(fault, f"/params/arguments{_shown(place, meaning, schema)}")]
    return []


_UNASKED: Final = Fault("SMCP519", f"at most {_MOST_LOOKUPS} hosts and paths in one call")
_UNWATCHED: Final = Fault("SMCP517", f"at most {_MOST_WATCHED} resource URIs")
_UNANSWERED: Final = Fault("SMCP519", "a host or path that can be looked up")


def _asked(
    contract: Contract, text: str, lookups: Sequence[Lookup], answers: dict[Lookup, Found] | None = None
) -> Run[Fault | None]:
    """What the outside world's answers say of a text. Those in `answers` are not asked for again: a list of paths has
    the same roots.
    """
    known = {} if answers is None else answers
    try:
        for lookup in lookups:
            if lookup in known:
                continue
            if isinstance(lookup, HostLookup):
                known[lookup] = yield from ResolveHost(lookup.host).ask()
            else:
                known[lookup] = yield from ResolvePath(lookup.path).ask()
    except Unavailable:
        return _UNANSWERED
    return contract.fault_found(text, tuple(known[lookup] for lookup in lookups))


def _of_uri(uri: str, knowledge: Knowledge, where: str) -> Run[list[Finding]]:
    known = knowledge.of_uri(uri)
    if known is None:
        return [finding("SMCP304", where)]
    for contract, value in known:
        fault = yield from _judged(contract, value)
        if fault is not None:
            return [_finding(fault, where)]
    return _guessed("path", uri.partition("://")[2], where) if knowledge.infers else []


def _of_subscriptions(message: Message, knowledge: Knowledge) -> Run[list[Finding]]:
    """2026-07-28 asks for updates of resources here; what is no list of texts the envelope has refused."""
    wanted = message.params.get("notifications")
    uris = wanted.get("resourceSubscriptions") if type(wanted) is dict else None
    if type(uris) is not list:
        return []
    if knowledge.rules_uris and len(uris) > _MOST_WATCHED:
        return [_finding(_UNWATCHED, "/params/notifications/resourceSubscriptions")]
    for index, uri in enumerate(uris):
        where = f"/params/notifications/resourceSubscriptions/{index}"
        found = (yield from _of_uri(uri, knowledge, where)) if type(uri) is str else []
        if found:
            return found
    return []


def _of_completion(message: Message, knowledge: Knowledge) -> Run[list[Finding]]:
    argument, ref, context = (message.params.get(key) for key in ("argument", "ref", "context"))
    if type(argument) is not dict or type(ref) is not dict:
        return []
    name, value = argument.get("name"), argument.get("value")
    if type(name) is not str or type(value) is not str:
        return []
    for contract in _completed(ref, message.target, name, knowledge):
        fault = contract.fault_of_beginning(value)
        if fault is not None:
            return [_finding(fault, "/params/argument/value")]
    found = _guessed_by_name(message.target, name, value, "/params/argument/value", knowledge)
    # What was completed before comes along, and is used to look up what may follow.
    before = context.get("arguments") if type(context) is dict else None
    if not found and type(before) is dict:
        found = yield from _of_completed(message, ref, before, knowledge)
    return found


def _of_completed(
    message: Message, ref: Mapping[str, Any], before: Mapping[str, Any], knowledge: Knowledge
) -> Run[list[Finding]]:
    for name, value in before.items():
        text = as_text(value) or ""
        for contract in _completed(ref, message.target, name, knowledge):
            # A form that leaves a field empty sends it empty.
            fault = (yield from _judged(contract, text)) if text else None
            if fault is not None:
                return [_finding(fault, f"/params/context/arguments/{escaped(name)}")]
        found = _guessed_by_name(message.target, name, text, "/params/context/arguments/*", knowledge)
        if found:
            return found
    return []


def _judged(contract: Contract, value: str) -> Run[Fault | None]:
    fault = contract.fault(value)
    if fault is None and (lookups := contract.lookups(value)):
        fault = yield from _asked(contract, value, lookups)
    return fault


def _completed(ref: Mapping[str, Any], target: str, name: str, knowledge: Knowledge) -> list[Contract]:
    if ref.get("type") == "ref/resource":
        return knowledge.of_template(target, name)
    stated = knowledge.of_prompt(target).explicit
    return [meaning.contract for meaning in stated if meaning.contract is not None and meaning.segments == (name,)]


def _guessed(kind: str, value: str, where: str) -> list[Finding]:
    fault = hostile(kind, value)
    return [] if fault is None else [_finding(fault, where)]


def _guessed_by_name(target: str, name: str, value: str, where: str, knowledge: Knowledge) -> list[Finding]:
    inferred = infer_argument(target, name, None) if knowledge.infers else None
    return [] if inferred is None or inferred.pointer != (name,) else _guessed(inferred.kind, value, where)


def _finding(fault: Fault, where: str) -> Finding:
    return finding(fault.code, where, hint=fault.accepted)


def _shown(place: Place, meaning: Meaning, schema: ToolSchema | None) -> str:
    """The pointer as it may be shown: names that neither the contract nor the schema declares are `*`."""
    if meaning.contract is None:
        return pointer(map(_place_only, place)) if schema is None else schema.shown(place)
    return pointer(step if type(step) is int or step in meaning.segments else ANY for step in place)


def _place_only(step: str | int) -> str | int:
    """A name that only the caller knows may be anything: a secret, a line for the log."""
    return step if type(step) is int else ANY
