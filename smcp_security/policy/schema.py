"""The policy as JSON Schema, for editors and for `smcp schema`. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from smcp_security.policy.contract_maps import ANY_CONTRACT
from smcp_security.policy.model import Policy
from smcp_security.policy.section import FrozenMap
from smcp_security.policy.units import Rate

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Defaults as an operator writes them."""
        if isinstance(dft, FrozenMap):
            return dict(dft)
        # Models are built at first use, and to pydantic 2.12 only a dump of their own is one.
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json")
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return str(dft) if isinstance(dft, Rate) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a policy file; every key has a description and, if it has one, its default.

    It cannot say everything: that a size is at most 64 MiB, a port at most 65535, that a tool's schema is itself valid,
    or what one key must say because another says something (see `agreement.py`).
    """
    from smcp_security.policy.contracts import AnyContract

    whole = Policy.model_json_schema(schema_generator=_Generator)
    kinds = TypeAdapter(AnyContract).json_schema(schema_generator=_Generator)
    for contract in kinds["$defs"].values():
        _name_kind(contract)
    schema: dict[str, Any] = _tidied({**whole, "$defs": {**whole["$defs"], **kinds["$defs"]}}, kinds["anyOf"])
    limit = schema["$defs"]["LimitPolicy"]
    limit["required"].remove("burst")  # a validator fills it from the rate
    return {"$schema": DIALECT, "title": "smcp_security policy", **schema}


def _name_kind(contract: dict[str, Any]) -> None:
    """In code a class is of its kind already; in a file nothing else tells which contract is meant."""
    kind = contract["properties"]["kind"]
    contract["properties"]["kind"] = {"const": kind["const"], "description": contract["description"]}
    contract["required"] = ["kind", *contract.get("required", ())]


def _tidied(node: Any, kinds: list[Any]) -> Any:
    """With the kinds of contracts, without titles that repeat a name, every map of chosen names closed to other names.

    A property called title is a mapping and stays.
    """
    if node == ANY_CONTRACT:
        return {"anyOf": kinds}
    if isinstance(node, dict):
        closed = {"additionalProperties": False} if "patternProperties" in node else {}
        kept = {
            key: _tidied(child, kinds) for key, child in node.items() if key != "title" or not isinstance(child, str)
        }
        return {**kept, **closed}
    return [_tidied(child, kinds) for child in node] if isinstance(node, list) else node
