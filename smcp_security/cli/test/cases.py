"""The file of cases of `smcp test`: who sends what, and what the policy should make of it. Read strictly, by line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationError, model_validator

from smcp_security.errors import PolicyError
from smcp_security.policy.faults import policy_error
from smcp_security.policy.keys import known_keys
from smcp_security.policy.section import Section, at_key
from smcp_security.policy.source import read

ASKS: Final = ("call", "prompt", "resource", "method", "message")
_MOST: Final = 10_000
_MOST_OPEN: Final = 1_000
_MOST_MESSAGES: Final = 200_000
"""Of all cases together: about half a minute."""

# What the reader of policies says, in the words that fit this file.
_WORDS: Final = {
    ": policy: ": ": ",
    " in a policy;": " in a file of cases;",
    "a policy is one document": "a file of cases is one document",
    "a policy is a few hundred lines, is this the right file?": "make several files of it",
    "name the policy file in it": "name the file of cases in it",
}

Text = Annotated[str, Strict(), Field(min_length=1, max_length=1024)]
Words = Annotated[tuple[Text, ...], Field(max_length=100)]


def _codes(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise ValueError("expected an IP address, such as 203.0.113.7") from None
    return value


Codes = Annotated[
    tuple[Annotated[str, Field(pattern=r"^SMCP[0-9]{3}$")], ...], BeforeValidator(_codes), Field(max_length=20)
]


class CallerCase(Section):
    """Who calls, as if a credential had vouched for it."""

    id: Text = "key:test"
    roles: Words = ()
    scopes: Words = ()
    tenant: Annotated[str, Strict()] = ""
    claims: Mapping[str, Any] = Field(default_factory=dict)


class Case(Section):
    """One message and what should become of it. Exactly one of `call`, `prompt`, `resource`, `method`, `message`."""

    name: Text
    caller: CallerCase | None = None
    address: Annotated[Text, AfterValidator(_address)] = "127.0.0.1"
    headers: Mapping[str, str] = Field(default_factory=dict)
    call: Text | None = None
    prompt: Text | None = None
    resource: Text | None = None
    method: Text | None = None
    message: Mapping[str, Any] | None = None
    params: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] | None = None
    times: Annotated[int, Strict(), Field(ge=1, le=_MOST)] = 1
    at_once: Annotated[int, Strict(), Field(ge=1, le=_MOST_OPEN)] = 1
    result: Mapping[str, Any] | str | None = None
    expect: Literal["allow", "deny", "report", "withhold", "change"]
    code: Codes = ()
    where: Text | None = None

    @property
    def messages(self) -> int:
        """How many messages it sends."""
        return self.times + self.at_once - 1

    @model_validator(mode="after")
    def _fits(self) -> Case:
        asked = [name for name in ASKS if getattr(self, name) is not None]
        if len(asked) != 1:
            raise at_key("name", self.name, f"expected exactly one of {', '.join(ASKS)} in the case")
        if self.arguments is not None and asked[0] not in ("call", "prompt"):
            raise at_key("arguments", self.arguments, "expected call or prompt in the case, which arguments belong to")
        if self.params is not None and asked[0] != "method":
            raise at_key("params", self.params, "expected method in the case, which params belong to")
        if self.expect in ("withhold", "change") and self.result is None:
            raise at_key("expect", self.expect, "expected result in the case, what the server answers, to be judged")
        if self.result is not None and not _answered(asked[0], self.method, self.message):
            raise at_key(
                "result", self.result, "expected a request in the case, with an id and a method, that is answered"
            )
        if self.where is not None and not self.code:
            raise at_key("where", self.where, "expected code in the case, the finding whose place this is")
        return self


def _answered(asked: str, method: str | None, message: Mapping[str, Any] | None) -> bool:
    if message is not None:
        return "id" in message and "method" in message
    return asked != "method" or method is None or not method.startswith("notifications/")


class Cases(Section):
    """A file of cases. `tools` is a list of tools as the server shows it, by its file, beside this one.

    `hosts` is what names resolve to, each to a list of addresses; no other name has any.
    """

    version: Literal[1]
    tools: Text | None = None
    hosts: Mapping[Text, Words] = Field(default_factory=dict)
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=_MOST)]

    @model_validator(mode="after")
    def _named(self) -> Cases:
        seen: set[str] = set()
        for case in self.cases:
            if case.name in seen:
                raise at_key("cases", None, f"two cases are called {case.name[:80]!r}; give each a name of its own")
            seen.add(case.name)
        if (sent := sum(case.messages for case in self.cases)) > _MOST_MESSAGES:
            raise at_key("cases", None, f"expected at most {_MOST_MESSAGES} messages of all cases, these send {sent}")
        return self


def read_cases(path: str) -> tuple[Cases, Mapping[str, int]]:
    """The cases in the file at `path`, and the line of each by its name.

    Raises:
        PolicyError: unreadable, not YAML, or not a file of cases; every mistake with its line.
    """
    try:
        raw, places = read(os.fsdecode(path))
    except PolicyError as error:
        raise _in_words(error) from None
    try:
        cases = Cases.model_validate(raw, by_name=False, by_alias=True)
    except ValidationError as error:
        raise _in_words(policy_error(error, places, known_keys(Cases))) from None
    lines = {}
    for index, case in enumerate(cases.cases):
        place = places.of_value(("cases", index))
        lines[case.name] = place[0] if isinstance(place, tuple) else 1
    return cases, lines


def _in_words(error: PolicyError) -> PolicyError:
    told = str(error)
    for said, meant in _WORDS.items():
        told = told.replace(said, meant)
    return PolicyError(told)
