"""Other shapes in which the same value may arrive."""

from __future__ import annotations

import json
from typing import Any


def in_list(value: Any) -> list[Any]:
    """Behind an honest neighbour: the second item of a list."""
    return ["abc", value]


def nested(value: Any) -> Any:
    """Two objects further down."""
    return {"part": {"part": value}}


def in_json(value: Any) -> str:
    """As a text of JSON, which lenient servers read as the value."""
    return json.dumps(value)
