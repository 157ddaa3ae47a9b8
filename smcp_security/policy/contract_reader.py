"""Reads contracts: `kind` says which model holds, and every mistake stands under its own key. Pure; imported late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails

from smcp_security.policy.contracts import KINDS, AnyContract
from smcp_security.policy.places import shown_key
from smcp_security.policy.section import FrozenMap, mistake
from smcp_security.policy.tool_schema_problem import SchemaProblem

_MODELS: Final = tuple(KINDS.values())
_KINDS: Final = " or ".join((", ".join(f"'{kind}'" for kind in [*KINDS][:-1]), f"'{[*KINDS][-1]}'"))


def read_contract(value: object) -> AnyContract:
    """The contract that a mapping with `kind` says; one made in code is taken as it is.

    Raises:
        ValidationError: no such kind, or a setting that it does not take.
    """
    if isinstance(value, _MODELS):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("expected a contract: a mapping with kind and its settings")
    kind = value.get("kind")
    if "kind" not in value:
        raise _error(InitErrorDetails(type="missing", loc=("kind",), input=dict(value)))
    if not isinstance(kind, str) or kind not in KINDS:
        raise _error(InitErrorDetails(type="literal_error", loc=("kind",), input=kind, ctx={"expected": _KINDS}))
    model = KINDS[kind]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # Told again, so that an unknown key is compared with those of this kind; what was written stays inside.
        raise _error(*(_told(each, model) for each in error.errors(include_url=False))) from None


def read_contracts(value: object, place: Callable[[object], str]) -> FrozenMap[AnyContract]:
    """Contracts by what `place` makes of each key. Raises `ValidationError` with every mistake of all of them."""
    if not isinstance(value, Mapping):
        raise ValueError("expected a mapping of arguments to contracts")
    found: dict[str, AnyContract] = {}
    seen: set[str] = set()
    mistakes: list[InitErrorDetails] = []
    for key, entry in value.items():
        try:
            at = place(key)
            if at in seen:
                raise ValueError("the same argument again; remove one of the two")
            seen.add(at)
        except ValueError as problem:
            mistakes.append(mistake((str(key), "[key]"), key, problem))
            continue
        try:
            found[at] = read_contract(entry)
        except ValidationError as error:
            mistakes += [_as_given(each, (key, *each["loc"])) for each in error.errors(include_url=False)]
        except ValueError as problem:
            mistakes.append(mistake((key,), entry, problem))
    if mistakes:
        raise _error(*mistakes)
    return FrozenMap(found)


def _error(*mistakes: InitErrorDetails) -> ValidationError:
    return ValidationError.from_exception_data("contract", list(mistakes), hide_input=True)


def _as_given(detail: ErrorDetails, path: tuple[str | int, ...]) -> InitErrorDetails:
    return InitErrorDetails(type=detail["type"], loc=path, input=detail["input"], ctx=detail.get("ctx", {}))


def _told(detail: ErrorDetails, model: Any) -> InitErrorDetails:
    if detail["type"] != "extra_forbidden":
        return _as_given(detail, detail["loc"])
    *above, key = detail["loc"]
    close = get_close_matches(str(key).lower().replace("-", "_")[:40], model.model_fields, n=1)
    meant = f"did you mean {shown_key(close[0])}?" if close else f"expected one of {', '.join(model.model_fields)}"
    return mistake(tuple(above), detail["input"], SchemaProblem((key,), f"unknown key; {meant}"))
