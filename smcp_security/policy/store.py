"""The `store` section: where what workers must share is kept. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from smcp_security.policy.section import Section

# No user info, no escapes and no parameter that is called password: what follows goes to digests and dumps.
STORE_PATTERN: Final = (
    r"^(memory://|env:[A-Za-z_][A-Za-z0-9_]{0,127}"
    r"|(rediss?|rediss?\+sentinel|rediss?\+cluster|unix)://(?!.*password)[!-$&-?A-~]{1,1000})$"
)
NAMESPACE_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
_STORE: Final = re.compile(STORE_PATTERN, re.ASCII)
_NAMESPACE: Final = re.compile(NAMESPACE_PATTERN, re.ASCII)
_EXPECTED: Final = (
    "expected memory://, env:NAME, or a URL such as redis://host:6379/0 (rediss, redis+sentinel, redis+cluster, unix);"
    " one with a password has no place in a file: write env:NAME"
)


def _url(value: object) -> str:
    if not isinstance(value, str) or _STORE.fullmatch(value) is None:
        raise ValueError(_EXPECTED)
    return value


def _namespace(value: object) -> str:
    if not isinstance(value, str) or _NAMESPACE.fullmatch(value) is None:
        raise ValueError("expected a name of letters, digits and . _ -, at most 64 characters")
    return value


StoreUrl = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "pattern": STORE_PATTERN})]
Namespace = Annotated[
    str, BeforeValidator(_namespace), WithJsonSchema({"type": "string", "pattern": NAMESPACE_PATTERN})
]


class StorePolicy(Section):
    """Counters, claims, slots and revocations."""

    url: StoreUrl = Field(
        default="memory://", description="memory:// keeps to the process; a URL with a password: env:NAME."
    )
    namespace: Namespace = Field(
        default="smcp", description="Part of every key: servers that share a namespace share limits and revocations."
    )
    timeout_ms: Annotated[int, Field(strict=True, ge=10, le=10_000)] = Field(
        default=250, description="Milliseconds after which the store counts as away. 10 to 10,000."
    )


def _opened(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class _OrUrl:
    """Says in the JSON Schema that the section may also be its URL alone."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "pattern": STORE_PATTERN}, handler(core_schema)]}


Store = Annotated[StorePolicy, BeforeValidator(_opened), _OrUrl()]
