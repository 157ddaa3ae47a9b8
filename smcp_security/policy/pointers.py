"""JSON pointers that lead to arguments of a call, and how they are written in a policy. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

ARGUMENT_PATTERN: Final = r"^([^/]|(/([^~/]|~[01])*)+$)"
_POINTER: Final = re.compile(r"(/([^~/]|~[01])*)+")
PLACE_PATTERN: Final = r"^([^/.\[\]\x00-\x1f]+|(/([^~/\x00-\x1f]|~[01])*)+)$"
_EXPECTED: Final = "expected one argument: its name, such as pages, or a JSON pointer such as /options/pages"
_PLACE_EXPECTED: Final = (
    "expected the name of an argument, such as path, or a JSON pointer such as /files/* or /options/path"
)
_PLACE_MAX: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_OTHER_PATHS: Final = re.compile(r"[/.\[\]]")


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


def parse_place(value: object) -> str:
    """The pointer that `value` says: a pointer in which a segment `*` is any item or member, or one bare name.

    Raises:
        ValueError: neither. A bare name has no slash, dot or bracket: `a.b` and `a[*]` look like paths of other
            notations, and taken for a name they would lead nowhere, in silence.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _PLACE_MAX or _CONTROL.search(value) is not None:
        raise ValueError(_PLACE_EXPECTED)
    if value.startswith("/"):
        pointer = value
    elif _OTHER_PATHS.search(value) is not None:
        raise ValueError(f"{_PLACE_EXPECTED}; what has slashes, dots or brackets is written as a pointer: /a/b, /a.b")
    else:
        pointer = "/" + value.replace("~", "~0")
    if _POINTER.fullmatch(pointer) is None:
        raise ValueError(f"{_PLACE_EXPECTED}; ~ is written ~0 in a pointer, and a slash in a name ~1")
    return pointer


Argument = Annotated[
    str, BeforeValidator(parse_argument), WithJsonSchema({"type": "string", "pattern": ARGUMENT_PATTERN})
]
