"""What a function says that it returns: the schema that an SDK announces for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, get_type_hints
from weakref import ref

from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema


class Promise:
    """The return annotation of a function as a schema. It is read when it is first asked for: few values are masked."""

    def __init__(self, function: Callable[..., Any]) -> None:
        # Whoever asks has it; one reference more would look like that of a server.
        self._function = ref(function)

    def breaks(self, before: Any, after: Any) -> bool:
        """Whether the JSON of a value kept the promise, and what became of it does not."""
        schema = self._schema
        return schema is not None and schema.fits_formats(before) and not schema.fits_formats(after)

    @cached_property
    def _schema(self) -> ToolSchema | None:
        # Late: what masks nothing needs none of it.
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        try:
            returned = get_type_hints(self._function(), include_extras=True)["return"]
            schema = compile_schema(TypeAdapter(returned).json_schema(mode="serialization"))
        except (KeyError, NameError, AttributeError, TypeError, ValueError, PydanticUserError, UnusableSchema):
            # No SDK announces anything for an annotation that cannot be read, or for none.
            return None
        return schema if schema.usable else None
