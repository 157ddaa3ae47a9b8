"""Which contracts no value can fit, beside a schema or beside each other. Pure; silent where it cannot be sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from smcp_security.errors import PolicyError
from smcp_security.lint.shapes import Node
from smcp_security.policy.globs import overlap
from smcp_security.schemas import UnusableSchema, compile_schema

if TYPE_CHECKING:
    from smcp_security.contracts.contract import Contract
    from smcp_security.policy.contracts import AnyContract

_FORMS: Final = ("url", "email", "uuid", "date", "cidr")
"""Kinds of which no text is two."""

_FORMATS: Final = {
    **dict.fromkeys(("uri", "url", "iri"), "url"),
    **dict.fromkeys(("email", "idn-email"), "email"),
    **dict.fromkeys(("date", "date-time", "time"), "date"),
    "uuid": "uuid",
}  # fmt: skip
_LEAST: Final = {"uuid": 36, "date": 10, "date-time": 20, "time": 9}
_NUMBERS: Final = tuple(digit * count for count in range(1, 21) for digit in "019")
_SAMPLES: Final = {"integer": _NUMBERS, "number": _NUMBERS, "boolean": ("true", "false")}
"""Values of a type that is no text, as contracts are given them."""


def refuses_all(contract: AnyContract, node: Node) -> str:
    """Why a contract takes nothing that a schema of the place takes; "" if it may."""
    if "array" in _types(node) and isinstance(node.get("items"), dict):
        node = node["items"]
    for reason in (_by_values, _by_type, _by_length, _by_format):
        if found := reason(contract, node):
            return found
    return ""


def _types(node: Node) -> tuple[Any, ...]:
    said = node.get("type")
    return tuple(said) if isinstance(said, list) else (said,)


def _by_values(contract: AnyContract, node: Node) -> str:
    listed = [node["const"]] if "const" in node else node.get("enum")
    texts = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    if not texts or len(texts) != len(listed or ()):
        return ""
    return "none of the values that it lists fits" if _none_fits(contract, texts) else ""


def _by_type(contract: AnyContract, node: Node) -> str:
    # The schema is the server's: what stands there may be anything.
    types = [each if isinstance(each, str) else "" for each in _types(node) if each != "null"]
    if types == ["object"]:
        return "objects, and a contract takes texts"
    if not types or any(each not in _SAMPLES for each in types) or contract.kind in ("regex", "enum"):
        return ""
    samples = [sample for each in types for sample in _SAMPLES[each]]
    return f"the type is {' or '.join(types)}" if _none_fits(contract, samples) else ""


def _by_length(contract: AnyContract, node: Node) -> str:
    least, most = node.get("minLength"), node.get("maxLength")
    shortest, longest = _lengths(contract)
    if isinstance(most, int) and most < shortest:
        return f"maxLength is {most}, and the contract wants {shortest} characters"
    if isinstance(least, int) and longest is not None and longest < least:
        return f"minLength is {least}, and the contract takes {longest} characters"
    return ""


def _lengths(contract: AnyContract) -> tuple[int, int | None]:
    """The fewest and the most characters of what fits, as far as the settings say."""
    if contract.kind == "enum":
        sizes = [len(value) for value in contract.values]
        return min(sizes), max(sizes)
    form = contract.form if contract.kind == "date" else contract.kind
    least: int = getattr(contract, "min_length", _LEAST.get(form, 0))
    return least, getattr(contract, "max_length", None)


def _by_format(contract: AnyContract, node: Node) -> str:
    form = node.get("format")
    kind = _FORMATS.get(form) if isinstance(form, str) else None
    if kind is None:
        return ""
    other = contract.kind in _FORMS and contract.kind != kind
    if other or (contract.kind == "date" and contract.form != form):
        return f"the format is {form}"
    return ""


def refused_by_schema(contract: AnyContract, node: Node, root: Node) -> list[int]:
    """The values of an enum, by index, that a schema of the place refuses."""
    if contract.kind != "enum":
        return []
    definitions = {key: root[key] for key in ("$defs", "definitions") if isinstance(root.get(key), dict)}
    try:
        schema = compile_schema({**definitions, **node})
    except UnusableSchema:
        return []
    if not schema.usable or "array" in _types(node):
        return []
    if any(each not in ("string", None) for each in _types(node)):
        return []
    return [index for index, value in enumerate(contract.values) if not schema.fits(value)]


def apart(one: AnyContract, other: AnyContract) -> str:
    """Why no value fits both contracts; "" if one may."""
    for enum, beside in ((one, other), (other, one)):
        if enum.kind == "enum":
            return "none of the values fits both" if _none_fits(beside, enum.values) else ""
    if one.kind != other.kind:
        both = one.kind in _FORMS and other.kind in _FORMS
        return f"no text is both {one.kind} and {other.kind}" if both else _by_lengths(one, other)
    reason = _SETTINGS.get(one.kind, _nothing)(one, other)
    return reason or _by_lengths(one, other)


def _by_lengths(one: AnyContract, other: AnyContract) -> str:
    (least, most), (other_least, other_most) = _lengths(one), _lengths(other)
    short = (most is not None and most < other_least) or (other_most is not None and other_most < least)
    return "one is too long for the other" if short else ""


def _nothing(one: AnyContract, other: AnyContract) -> str:
    return ""


def _disjoint(ones: Iterable[Any] | None, others: Iterable[Any] | None) -> bool:
    return ones is not None and others is not None and set(ones).isdisjoint(others)


def _no_glob_shared(ones: Sequence[str] | None, others: Sequence[str] | None) -> bool:
    return ones is not None and others is not None and not any(overlap(one, other) for one in ones for other in others)


def _urls(one: Any, other: Any) -> str:
    if _disjoint(one.schemes, other.schemes):
        return "no scheme is in both"
    if _no_glob_shared(one.hosts, other.hosts):
        return "no host is in both"
    return "no port is in both" if _disjoint(one.ports, other.ports) else ""


def _paths(one: Any, other: Any) -> str:
    roots = [(a, b) for a in one.roots for b in other.roots]
    if not any(inside(a, b) or inside(b, a) for a, b in roots):
        return "no absolute path lies below roots of both"
    return "no ending is in both" if _disjoint(one.suffixes, other.suffixes) else ""


def inside(root: str, path: str) -> bool:
    """Whether a path is a root or lies below it, both in the spelling of roots."""
    sign = "/" if root.startswith("/") else "\\"
    return path == root or path.startswith(root.rstrip(sign) + sign)


def _dates(one: Any, other: Any) -> str:
    if one.form != other.form:
        return f"one is a {one.form}, the other a {other.form}"
    if one.form != "date":
        return ""
    late = one.earliest is not None and other.latest is not None and one.earliest > other.latest
    early = other.earliest is not None and one.latest is not None and other.earliest > one.latest
    return "no day is in both" if late or early else ""


_SETTINGS: Final[dict[str, Callable[[Any, Any], str]]] = {
    "url": _urls,
    "path": _paths,
    "date": _dates,
    "sql": lambda one, other: "no statement is in both" if _disjoint(one.statements, other.statements) else "",
    "command": lambda one, other: "no program is in both" if _disjoint(one.programs, other.programs) else "",
    "uuid": lambda one, other: "no version is in both" if _disjoint(one.versions, other.versions) else "",
    "email": lambda one, other: "no domain is in both" if _no_glob_shared(one.domains, other.domains) else "",
    "hostname": lambda one, other: "no host is in both" if _no_glob_shared(one.hosts, other.hosts) else "",
}


def _none_fits(contract: AnyContract, texts: Iterable[str]) -> bool:
    rule = made(contract)
    return rule is not None and all(rule.fault(text) is not None for text in texts)


def made(contract: AnyContract) -> Contract | None:
    """The contract that settings describe; None where something that it needs is missing."""
    # Most policies never come to this.
    from smcp_security.contracts.compile import compiled

    try:
        return compiled(contract)
    except PolicyError:
        # An extra that the kind reads its values with is not installed.
        return None
