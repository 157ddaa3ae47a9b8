"""Contracts as parts of the policy. Pure; the models of the kinds are imported only where somebody writes one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from smcp_security.policy.pointers import PLACE_PATTERN, parse_place
from smcp_security.policy.section import FrozenMap

if TYPE_CHECKING:
    from smcp_security.policy.contracts import AnyContract

ANY_CONTRACT: Final = {"$comment": "a contract of any kind"}
"""What stands for the kinds in a JSON Schema until `schema.py` puts them there: here they are not imported yet."""

VARIABLE_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.%-]*$"
_VARIABLE: Final = re.compile(VARIABLE_PATTERN, re.ASCII)


def _contract(value: object) -> AnyContract | None:
    if value is None:
        return None
    from smcp_security.policy.contract_reader import read_contract

    return read_contract(value)


def _by_place(value: object) -> FrozenMap[AnyContract]:
    return _read(value, parse_place)


def _by_variable(value: object) -> FrozenMap[AnyContract]:
    return _read(value, _variable)


def _read(value: object, place: Any) -> FrozenMap[AnyContract]:
    if isinstance(value, Mapping) and not value:
        return FrozenMap({})
    from smcp_security.policy.contract_reader import read_contracts

    return read_contracts(value, place)


def _variable(value: object) -> str:
    if not isinstance(value, str) or _VARIABLE.fullmatch(value) is None:
        raise ValueError("expected the name of a variable of the URI template, such as id")
    return value


def dumped(contracts: Mapping[str, AnyContract]) -> dict[str, Any]:
    """Contracts as plain values, every setting named."""
    return {place: contract.model_dump(mode="json") for place, contract in contracts.items()}


def _one_dumped(contract: AnyContract | None) -> dict[str, Any] | None:
    return None if contract is None else contract.model_dump(mode="json")


def _map_of(keys: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "object", "patternProperties": {keys: dict(ANY_CONTRACT)}})


if TYPE_CHECKING:
    Contracts: TypeAlias = Mapping[str, AnyContract]
    VariableContracts: TypeAlias = Mapping[str, AnyContract]
    OneContract: TypeAlias = AnyContract | None
else:
    Contracts = Annotated[
        Mapping[str, Any],
        PlainValidator(_by_place),
        PlainSerializer(dumped, return_type=dict[str, Any]),
        _map_of(PLACE_PATTERN),
    ]
    VariableContracts = Annotated[
        Mapping[str, Any],
        PlainValidator(_by_variable),
        PlainSerializer(dumped, return_type=dict[str, Any]),
        _map_of(VARIABLE_PATTERN),
    ]
    OneContract = Annotated[
        Any,
        PlainValidator(_contract),
        PlainSerializer(_one_dumped, return_type=dict[str, Any] | None),
        WithJsonSchema({"anyOf": [dict(ANY_CONTRACT), {"type": "null"}]}),
    ]
