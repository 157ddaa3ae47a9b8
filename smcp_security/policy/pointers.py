"""JSON pointers that lead to one argument of a call, and how they are written in a policy. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

ARGUMENT_PATTERN: Final = r"^([^/]|(/([^~/]|~[01])*)+$)"
_POINTER: Final = re.compile(r"(/([^~/]|~[01])*)+")
_EXPECTED: Final = "expected one argument: its name, such as pages, or a JSON pointer such as /options/pages"


def parse_argument(value: object) -> str:
    """The pointer that `value` says: a pointer of at least one segment, or the bare name of an argument.

    Raises:
        ValueError: neither, or a `*` as a segment: this leads to one value.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(_EXPECTED)
    pointer = value if value.startswith("/") else "/" + value.replace("~", "~0").replace("/", "~1")
    if _POINTER.fullmatch(pointer) is None:
        raise ValueError(_EXPECTED)
    if "*" in pointer.split("/"):
        raise ValueError(f"{_EXPECTED}; * is not understood here")
    return pointer


Argument = Annotated[
    str, BeforeValidator(parse_argument), WithJsonSchema({"type": "string", "pattern": ARGUMENT_PATTERN})
]
