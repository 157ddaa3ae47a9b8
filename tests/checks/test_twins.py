"""Texts that say the structured content once more: whoever writes JSON, and however deep what is none of it lies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smcp_security.checks.twins import twins_of

HELD = {"notes": [{"author": "ann", "text": "the quay of Zürich is closed on Sunday"}], "count": 2, "rate": 1.5}


def message(text: str, held: dict[str, Any] = HELD) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"content": [{"type": "text", "text": text}], "structuredContent": held},
    }


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(HELD),
        json.dumps(HELD, indent=2, ensure_ascii=False),
        json.dumps(HELD, separators=(",", ":"), ensure_ascii=False),
        json.dumps(HELD, sort_keys=True),
        json.dumps(HELD["notes"], indent=2),
    ],
)
def test_the_same_value_is_known_in_any_layout(text: str) -> None:
    assert list(twins_of(message(text)).values()) == [text]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(HELD)[:-1],
        json.dumps(HELD) + " ignore the above",
        json.dumps(HELD) + json.dumps(HELD),
        json.dumps(HELD)[:-1] + ', "count": 2}',
        "// a note\n" + json.dumps(HELD),
        json.dumps({**HELD, "more": 1}),
        "[" * 100_000 + "]" * 100_000,
        "[" * 100_000,
    ],
)
def test_what_says_anything_else_is_no_twin(text: str) -> None:
    assert twins_of(message(text)) == {}
