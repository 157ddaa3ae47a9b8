"""What each argument of a message is for: its contracts from the policy, and the kinds inferred from names and schemas.

Pure. Put together once for each (method, target, schema) and remembered: the hot path only looks it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from smcp_security.checks.memo import Memo
from smcp_security.checks.uri_templates import UriTemplate, is_template
from smcp_security.checks.uris import canonical, shorter_forms, tidied
from smcp_security.contracts.contract import Contract
from smcp_security.contracts.expected import EXPECTED
from smcp_security.contracts.inference import WHOLE, infer, infer_argument
from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.policy import Policy
from smcp_security.policy.globs import matches
from smcp_security.policy.tools import ToolPolicy, entries_for
from smcp_security.schemas import ToolSchema

_REMEMBERED: Final = 2_048
_LONGEST_NAME: Final = 256
_NOTHING: Final[frozenset[str]] = frozenset()
_ARGUMENTS: Final = ("params", "arguments")
ANY: Final = "*"
_BREAKS: Final = str.maketrans("", "", "\t\r\n")
_BLANKS: Final = "".join(map(chr, range(0x21)))


class Meaning(msgspec.Struct, frozen=True, gc=False):
    """What the values at a place are. `segments` leads from the arguments (or params) to them; `*` is any member.

    `contract` is None where the kind is only inferred. `content` is the categories of detection that are no attack
    here, `actions` what the policy says of others. `whole`: it holds for everything below the place, names included.
    """

    segments: tuple[str, ...]
    kind: str
    contract: Contract | None = None
    content: frozenset[str] = _NOTHING
    actions: Mapping[str, str] = msgspec.field(default_factory=dict)
    whole: bool = False

    def covers(self, segments: Sequence[str | int]) -> bool:
        """Whether a value at `segments` is one of these, or an item of a list that is."""
        if len(segments) < len(self.segments):
            return False
        inside = segments[len(self.segments) :]
        return (self.whole or all(type(step) is int for step in inside)) and all(
            want in (ANY, have) for want, have in zip(self.segments, segments, strict=False)
        )


class Meanings:
    """All that is known of the arguments of one target."""

    __slots__ = (
        "_declared", "_folded", "_guessed", "_names", "_target", "any", "asking", "explicit", "inferred", "stated",
    )  # fmt: skip

    def __init__(
        self,
        target: str,
        stated: Sequence[Meaning],
        inferred: Sequence[Meaning],
        guesses: bool,
        declared: frozenset[str] | None = None,
    ) -> None:
        """`declared` are the arguments that a schema names, None if there is no schema."""
        self._declared = declared
        self.explicit = tuple(stated)
        self.inferred = tuple(inferred)
        self._target = target
        self._guessed = guesses
        self.stated = (*self.explicit, *self.inferred)
        # Of most kinds nothing is ever looked up.
        self.asking = tuple(each for each in self.explicit if each.contract is not None and each.contract.asks)
        self.any = bool(self.stated) or guesses
        self._names = frozenset(each.segments[0] for each in self.explicit if each.segments)
        self._folded = frozenset(map(str.casefold, self._names))

    def plain(self, arguments: Mapping[str, Any]) -> bool:
        """Whether no argument's name differs from one with a contract in case alone."""
        others = arguments.keys() - self._names
        return not others or self._folded.isdisjoint(map(str.casefold, others))

    def guesses(self, arguments: Mapping[str, Any]) -> Iterator[Meaning]:
        """What names alone tell of arguments that no schema declares, to refuse what no honest value needs."""
        if self._guessed and (self._declared is None or not arguments.keys() <= self._declared):
            undeclared = (name for name in arguments if self._declared is None or name not in self._declared)
            yield from filter(None, map(self._guess, undeclared))

    def at(self, segments: Sequence[str | int]) -> Iterator[Meaning]:
        """What is known of the value at a place; contracts before guesses.

        Names count only of arguments themselves and where no schema says which there are: deeper ones, and those
        beside a schema, the caller may have made up to pass an attack off as content.
        """
        yield from (meaning for meaning in self.stated if meaning.covers(segments))
        if self._guessed and self._declared is None and segments and type(segments[0]) is str:
            guess = self._guess(segments[0])
            if guess is not None and guess.covers(segments):
                yield guess

    def _guess(self, name: str) -> Meaning | None:
        if any(_same_place(meaning.segments, (name,)) for meaning in self.explicit):
            return None
        inferred = infer_argument(self._target, name, None)
        return None if inferred is None else _meaning_of(inferred.pointer, inferred.kind)


NO_MEANINGS: Final = Meanings("", (), (), False)


class Knowledge:
    """What a policy says and lets guess of arguments, compiled once when it loads."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.infers = policy.infer
        self._tools = {glob: _stated(entry.arguments) for glob, entry in policy.tools.items()}
        self._prompts = {glob: _stated(entry.arguments) for glob, entry in policy.prompts.items()}
        self._resources = tuple(_Resource(key, entry) for key, entry in policy.resources.items())
        self._schemes = frozenset(_scheme(key) for key in policy.resources)
        self._any_scheme = any("*" in scheme or "{" in scheme for scheme in self._schemes)
        self._known: Memo[tuple[str, str, str], Meanings] = Memo(_REMEMBERED)

    def of_tool(self, name: str, schema: ToolSchema | None) -> Meanings:
        """The meanings of a tool's arguments; `schema` is None while it is not known."""
        key = ("tools/call", name, "" if schema is None else schema.digest)
        known = self._known.get(key)
        if known is None:
            known = self._tool(name, schema)
            self._remember(key, known)
        return known

    def of_prompt(self, name: str) -> Meanings:
        """The meanings of a prompt's arguments."""
        key = ("prompts/get", name, "")
        known = self._known.get(key)
        if known is None:
            stated = [
                meaning for glob, meanings in self._prompts.items() if matches(glob, name) for meaning in meanings
            ]
            known = Meanings(name, stated, (), self.infers)
            self._remember(key, known)
        return known

    def _remember(self, key: tuple[str, str, str], known: Meanings) -> None:
        # Callers choose names; no tool has one that fills the memory.
        if len(key[1]) <= _LONGEST_NAME:
            self._known.put(key, known)

    @property
    def rules_uris(self) -> bool:
        """Whether there are contracts for resources at all."""
        return bool(self._resources)

    def of_uri(self, uri: str) -> list[tuple[Contract, str]] | None:
        """(contract, value) for a resource URI and the variables of its template.

        None for a URI that readers take differently, where there are contracts for its scheme: each of them might hold.
        """
        if not self._resources:
            return []
        known = canonical(uri)
        if known is None:
            return None if self._any_scheme or _scheme(uri) in self._schemes else []
        return [found for resource in self._resources for found in resource.values(uri, known)]

    def of_template(self, template: str, name: str) -> list[Contract]:
        """The contracts of one variable of a resource template, for completions."""
        return [contract for resource in self._resources for contract in resource.variable(template, name)]

    def _tool(self, name: str, schema: ToolSchema | None) -> Meanings:
        entries = entries_for(self._policy.tools, name)
        stated = [
            meaning
            for glob, entry in self._policy.tools.items()
            if any(entry is each for each in entries)
            for meaning in self._tools[glob]
        ]
        if not self._infers(entries):
            return Meanings(name, stated, (), False)
        if schema is None:
            return Meanings(name, stated, (), True)
        taken = {meaning.segments for meaning in stated}
        inferred = [
            _meaning_of(each.pointer, each.kind)
            for each in infer(name, schema.schema)
            if not any(_same_place(each.pointer, place) for place in taken)
        ]
        return Meanings(name, stated, inferred, True, schema.declared)

    def _infers(self, entries: Sequence[ToolPolicy]) -> bool:
        said = [entry.infer for entry in entries if entry.infer is not None]
        return all(said) if said else self.infers


class _Resource:
    """One entry of the policy's resources."""

    def __init__(self, key: str, entry: Any) -> None:
        from smcp_security.contracts.compile import compiled

        self.key = key
        self.uri = None if entry.uri is None else compiled(entry.uri)
        self.variables = {name: compiled(contract) for name, contract in entry.arguments.items()}
        self._glob = tidied(key)
        self._template = UriTemplate(tidied(key)) if is_template(key) else None

    def values(self, uri: str, known: str) -> Iterator[tuple[Contract, str]]:
        """`known` is the canonical form, which is compared; the contracts are about the text as sent, too."""
        for form in shorter_forms(known):
            found = self._read(form)
            if found is None:
                continue
            if self.uri is not None:
                yield self.uri, uri
            yield from ((self.variables[name], value) for name, value in found if name in self.variables)

    def _read(self, uri: str) -> list[tuple[str, str]] | None:
        if self._template is not None:
            return self._template.read(uri)
        return [] if matches(self._glob, uri) else None

    def variable(self, template: str, name: str) -> Iterator[Contract]:
        if template == self.key and name in self.variables:
            yield self.variables[name]


def _scheme(uri: str) -> str:
    """The scheme as lenient readers find it: blanks around the URI, and tabs and line breaks in it, fall out."""
    return uri.translate(_BREAKS).lstrip(_BLANKS).partition(":")[0].lower()


def _stated(arguments: Mapping[str, Any]) -> tuple[Meaning, ...]:
    if not arguments:
        return ()
    # Late: who writes no contract pays for none.
    from smcp_security.contracts.compile import compiled

    meanings = []
    for place, policy in arguments.items():
        contract = compiled(policy)
        segments = tuple(part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:])
        meanings.append(Meaning(segments, contract.kind, contract, contract.expects, policy.detect or {}))
    return tuple(meanings)


def _meaning_of(segments: tuple[str, ...], kind: str) -> Meaning:
    return Meaning(segments, kind, None, EXPECTED.get(kind, _NOTHING), whole=kind in WHOLE)


def _same_place(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two pointers may lead to one value; what is inferred for the items of a list has a `*` more."""
    shorter = min(len(one), len(other))
    rest = (*one[shorter:], *other[shorter:])
    return all(part == ANY for part in rest) and all(
        ANY in (left, right) or left == right for left, right in zip(one, other, strict=False)
    )


def arguments_path(path: Path, message: Message) -> tuple[str | int, ...] | None:
    """The place of a text inside the arguments of a call; None if it is elsewhere in the message."""
    if message.method in ("tools/call", "prompts/get") and path[:2] == _ARGUMENTS:
        return path[2:]
    return None
