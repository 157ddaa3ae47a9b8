"""The policy as JSON Schema, for editors and for `smcp schema`. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from smcp_security.policy.model import Policy
from smcp_security.policy.section import FrozenMap
from smcp_security.policy.units import Rate

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Defaults as an operator writes them."""
        if isinstance(dft, FrozenMap):
            return dict(dft)
        return str(dft) if isinstance(dft, Rate) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a policy file; every key has a description and, if it has one, its default.

    It cannot say everything: that a size is at most 64 MiB, a port at most 65535, that a tool's schema is itself valid,
    or what one key must say because another says something (see `agreement.py`).
    """
    schema: dict[str, Any] = _tidied(Policy.model_json_schema(schema_generator=_Generator))
    limit = schema["$defs"]["LimitPolicy"]
    limit["required"].remove("burst")  # a validator fills it from the rate
    return {"$schema": DIALECT, "title": "smcp_security policy", **schema}


def _tidied(node: Any) -> Any:
    """Without the titles that repeat each name, and with every map of chosen names closed to other names.

    A property called title is a mapping and stays.
    """
    if isinstance(node, dict):
        closed = {"additionalProperties": False} if "patternProperties" in node else {}
        kept = {key: _tidied(child) for key, child in node.items() if key != "title" or not isinstance(child, str)}
        return {**kept, **closed}
    return [_tidied(child) for child in node] if isinstance(node, list) else node
