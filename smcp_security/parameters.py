"""What a parameter of a tool may be, as an annotation: `path: Annotated[str, PathIn("/srv/data")]`. Pure.

One maker for each kind of contract, with every setting of that kind (docs/policy.md, "Contracts") as a keyword. A
maker raises `PolicyError` for a setting that the kind does not take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from smcp_security.errors import PolicyError
from smcp_security.policy.contract_reader import read_contract

if TYPE_CHECKING:
    from smcp_security.policy.contracts import AnyContract


# No pydantic model itself: as an annotation that would take the place of the type.
@dataclass(frozen=True, slots=True)
class Meant:
    """The contract of a parameter. Made by the functions of this module."""

    contract: AnyContract


def meant(contract: object, where: str) -> Meant:
    """A contract in any spelling: one of this module's, a model of the policy, or a mapping with `kind`.

    `where` says in errors what it was written for. Raises `PolicyError`.
    """
    if isinstance(contract, Meant):
        return contract
    try:
        return Meant(read_contract(contract))
    except ValidationError as error:
        told = "; ".join(_told(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False))
        # The library's error carries what was written, so it must not become part of a traceback.
        raise PolicyError(f"{where}: {told}") from None
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from None


def _told(place: Sequence[str | int], problem: str) -> str:
    return ": ".join([*map(str, place), problem.removeprefix("Value error, ")])


def _make(maker: str, kind: str, settings: Mapping[str, Any], **given: object) -> Meant:
    twice = [name for name in given if name in settings]
    if twice:
        raise PolicyError(f"{maker}: {twice[0]}: given twice; it is what stands before the keywords")
    return meant({"kind": kind, **given, **settings}, maker)


def PathIn(*roots: str, **settings: Any) -> Meant:
    """A path below one of some absolute directories."""
    return _make("PathIn", "path", settings, roots=roots)


def UrlTo(*hosts: str, **settings: Any) -> Meant:
    """An absolute URL of some hosts, or globs such as `*.example.com`; none: any public host."""
    return _make("UrlTo", "url", settings, hosts=hosts or None)


def Sql(dialect: str = "", **settings: Any) -> Meant:
    """One SQL statement; a SELECT unless `statements` says more. Needs the extra `sql`."""
    return _make("Sql", "sql", settings, dialect=dialect)


def Command(*programs: str, **settings: Any) -> Meant:
    """One plain call of an allowed program, with any plain arguments; `programs={...}` says which."""
    if not programs:
        return _make("Command", "command", settings)
    return _make("Command", "command", settings, programs=dict.fromkeys(programs))


def ArgvToken(*options: str, **settings: Any) -> Meant:
    """One argument of a command, no option but those named."""
    return _make("ArgvToken", "argv_token", settings, options=options)


def Identifier(**settings: Any) -> Meant:
    """One plain name."""
    return _make("Identifier", "identifier", settings)


def Email(*domains: str, **settings: Any) -> Meant:
    """One mail address, of some domains if any are named."""
    return _make("Email", "email", settings, domains=domains or None)


def Hostname(*hosts: str, **settings: Any) -> Meant:
    """One host name, one of some if any are named."""
    return _make("Hostname", "hostname", settings, hosts=hosts or None)


def Cidr(*within: str, **settings: Any) -> Meant:
    """One network or address, within some networks if any are named."""
    return _make("Cidr", "cidr", settings, within=within or None)


def Uuid(*versions: int, **settings: Any) -> Meant:
    """One UUID, of some versions if any are named."""
    return _make("Uuid", "uuid", settings, versions=versions or None)


def Date(form: str = "date", **settings: Any) -> Meant:
    """A `date`, a `time` or a `date-time` (RFC 3339)."""
    return _make("Date", "date", settings, form=form)


def OneOf(*values: str, **settings: Any) -> Meant:
    """One of some texts, exactly."""
    return _make("OneOf", "enum", settings, values=values)


def Matching(pattern: str, **settings: Any) -> Meant:
    """A text that an RE2 pattern matches as a whole."""
    return _make("Matching", "regex", settings, pattern=pattern)


def Json(**settings: Any) -> Meant:
    """A text that is one strict JSON value."""
    return _make("Json", "json", settings)


def Html(*elements: str, **settings: Any) -> Meant:
    """HTML of some elements, without anything that runs."""
    return _make("Html", "html", settings, elements=elements or None)


def Template(*variables: str, **settings: Any) -> Meant:
    """Text without expressions of template engines, but for some plain names."""
    return _make("Template", "template", settings, variables=variables)


def Text(**settings: Any) -> Meant:
    """Text with a length, control characters and scripts."""
    return _make("Text", "text", settings)


def Code(**settings: Any) -> Meant:
    """Source code or a document, in which what looks like an attack elsewhere is content."""
    return _make("Code", "code", settings)
