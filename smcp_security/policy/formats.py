"""The kinds of contracts that are a format or a kind of text, and what every kind may say. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, Strict, model_validator

from smcp_security.policy.contract_values import Control, Element, HostGlob, LinearPattern, Network, Script, Variable
from smcp_security.policy.injection import WrittenActions
from smcp_security.policy.section import Section, Truth, at_key

Length: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=1_048_576)]
Least: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=1_048_576)]

TEXT_MAX: Final = 65_536

_CLOCK: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], Callable[[str], Any], str]]] = {
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), date.fromisoformat, "2027-06-01"),
    "date-time": (
        re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}"), datetime.fromisoformat, "2027-06-01T12:00:00Z"
    ),
    "time": (re.compile(_CLOCK), time.fromisoformat, "12:00:00Z"),
}  # fmt: skip


class ContractPolicy(Section):
    """What every kind may say."""

    detect: WrittenActions | None = Field(
        default=None, description="Actions of detection categories for this argument. Left out: what the kind expects."
    )


def check_lengths(least: int, most: int) -> None:
    """Raises `ValidationError` where no text could be both long and short enough."""
    if least > most:
        raise at_key("min_length", least, "more than max_length, so no text would be accepted")


class EmailContract(ContractPolicy):
    """One mail address (RFC 5321, without quotes and comments)."""

    kind: Literal["email"] = "email"
    domains: tuple[HostGlob, ...] | None = Field(
        default=None, description="Domains, or globs such as *.example.com. null: any."
    )


class HostnameContract(ContractPolicy):
    """One host name (RFC 1123), or an address if `addresses`."""

    kind: Literal["hostname"] = "hostname"
    hosts: tuple[HostGlob, ...] | None = Field(
        default=None, description="Host names, globs such as *.example.com, or addresses. null: any."
    )
    addresses: Truth = Field(default=False, description="IP addresses are allowed too.")
    public_only: Truth = Field(
        default=True, description="Refuse addresses that are not public, as written and as resolved."
    )
    resolve: Truth = Field(default=False, description="With public_only, ask which addresses the host has.")


class CidrContract(ContractPolicy):
    """One network in CIDR notation, or one address."""

    kind: Literal["cidr"] = "cidr"
    within: tuple[Network, ...] | None = Field(default=None, description="Networks that it must lie in. null: any.")
    version: Literal[4, 6] | None = Field(default=None, description="4 or 6. null: either.")

    @model_validator(mode="after")
    def _consistent(self) -> CidrContract:
        versions = {ip_network(network).version for network in self.within or ()}
        if self.version is not None and versions and self.version not in versions:
            raise at_key("within", [*(self.within or ())], f"holds no network of version {self.version}")
        return self


class UuidContract(ContractPolicy):
    """One UUID (RFC 9562) in its usual form."""

    kind: Literal["uuid"] = "uuid"
    versions: tuple[Annotated[int, Strict(), Field(ge=1, le=8)], ...] | None = Field(
        default=None, description="Versions of RFC 9562, such as 4. null: any."
    )


class DateContract(ContractPolicy):
    """A date, a time or both (RFC 3339)."""

    kind: Literal["date"] = "date"
    form: Literal["date", "date-time", "time"] = Field(default="date", description="Which of them.")
    earliest: str | None = Field(default=None, description="First one that is accepted, in the same form. null: any.")
    latest: str | None = Field(default=None, description="Last one that is accepted, in the same form. null: any.")

    @model_validator(mode="after")
    def _consistent(self) -> DateContract:
        earliest, latest = self._end("earliest"), self._end("latest")
        if earliest is not None and latest is not None and earliest > latest:
            raise at_key("latest", self.latest, "earlier than earliest, so no value would be accepted")
        return self

    def _end(self, key: str) -> Any:
        written: str | None = getattr(self, key)
        if written is None:
            return None
        pattern, read, example = _FORMS[self.form]
        try:
            if pattern.fullmatch(written) is not None:
                return read(written)
        except ValueError:
            pass
        raise at_key(key, written, f"expected a {self.form} such as {example}")


class EnumContract(ContractPolicy):
    """One of some texts, exactly."""

    kind: Literal["enum"] = "enum"
    values: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)] = Field(description="The texts.")


class RegexContract(ContractPolicy):
    """A text that an RE2 pattern matches as a whole."""

    kind: Literal["regex"] = "regex"
    pattern: LinearPattern = Field(
        description="RE2 syntax; it must match the whole text. A short one is told to callers."
    )
    # A pattern whose automaton grows too large is run in time that is its own size times that of the text.
    max_length: Length = Field(default=1024, description="Characters.")


class JsonContract(ContractPolicy):
    """A text that is one strict JSON value."""

    kind: Literal["json"] = "json"
    max_depth: Annotated[int, Strict(), Field(ge=1, le=64)] = Field(default=16, description="Levels.")
    max_length: Length = Field(default=TEXT_MAX, description="Characters.")


class HtmlContract(ContractPolicy):
    """HTML of some elements, without anything that runs."""

    kind: Literal["html"] = "html"
    elements: tuple[Element, ...] | None = Field(
        default=None, description="Allowed elements. null: formatting, links, lists, tables, images."
    )
    max_length: Length = Field(default=TEXT_MAX, description="Characters.")


class TemplateContract(ContractPolicy):
    """Text that no template engine finds an expression in, but for some plain names."""

    kind: Literal["template"] = "template"
    variables: tuple[Variable, ...] = Field(default=(), description="Names that may stand in {{ }}, as in {{ name }}.")
    max_length: Length = Field(default=TEXT_MAX, description="Characters.")


class TextContract(ContractPolicy):
    """Text with a length, control characters and scripts."""

    kind: Literal["text"] = "text"
    min_length: Least = Field(default=0, description="Characters.")
    max_length: Length = Field(default=TEXT_MAX, description="Characters.")
    controls: tuple[Control, ...] = Field(
        default=("\n", "\r", "\t"), description="Control characters that are allowed."
    )
    scripts: tuple[Script, ...] | None = Field(
        default=None, description="Unicode scripts such as Latin; Common and Inherited always. null: any."
    )

    @model_validator(mode="after")
    def _consistent(self) -> TextContract:
        check_lengths(self.min_length, self.max_length)
        return self


class CodeContract(ContractPolicy):
    """Source code or a document: what looks like an attack in a name is content here."""

    kind: Literal["code"] = "code"
    max_length: Length = Field(default=1_048_576, description="Characters.")
