"""JSON inside a text: which of its texts a span of the whole touches, and the text with some exchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.embedded import opened, renamed
from tests.test_fields import JSON

TEXT = '{"key": "caf\\u00e9 au \\ud83d\\ude00 lait", "n": [12345678, 7], "last": ""}'


def _part(start: str, end: str = "") -> tuple[list[str], str]:
    """The texts that the span from `start` to the end of `end` touches, and which part of the first."""
    inside = opened(TEXT)
    assert inside is not None
    first, last = TEXT.index(start), TEXT.index(end or start) + len(end or start)
    touched = inside.touched(first, last)
    texts = [inside.fields.texts[index] for index in touched]
    return texts, "" if not touched else texts[0][slice(*inside.part(touched[0], first, last))]


@pytest.mark.parametrize(
    ("start", "end", "texts", "part"),
    [
        ("au", "", ["café au 😀 lait"], "au"),
        ("au", "lait", ["café au 😀 lait"], "au 😀 lait"),
        ('"caf', 'lait"', ["café au 😀 lait"], "café au 😀 lait"),
        ("u00e9", "", ["café au 😀 lait"], "café au 😀 lait"),
        ("\\ude00", "", ["café au 😀 lait"], "café au 😀 lait"),
        ("key", "", ["key"], "key"),
        ("key", "au", ["café au 😀 lait"], "café au"),
        ("lait", "5678", ["café au 😀 lait", "12345678"], "lait"),
        ("5678", "", ["12345678"], "12345678"),
        (" 7", "", [], ""),
        ('"last"', "}", [""], ""),
    ],
)
def test_a_span_of_the_text_is_found_in_its_texts(start: str, end: str, texts: list[str], part: str) -> None:
    assert _part(start, end) == (texts, part)


@pytest.mark.parametrize(
    "text", ["", "x", "1", "null", "[1", '{"a": 1, "a": 2}', "[NaN]", "[" * 300 + "]" * 300, "\udc80"]
)
def test_what_is_not_strictly_json_is_not_opened(text: str) -> None:
    assert opened(text) is None


@given(JSON, st.sampled_from([None, 2]), st.booleans())
def test_what_is_not_exchanged_stays_the_very_text(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps([value], indent=indent, ensure_ascii=ascii_only)
    inside = opened(text)
    assert inside is not None
    assert inside.with_texts({}) == text
    values = {index: f"new {index}" for index, name in enumerate(inside.fields.names) if name}
    again = opened(inside.with_texts(values))
    assert again is not None
    assert again.fields.names == inside.fields.names
    assert again.fields.texts == [values.get(index, text) for index, text in enumerate(inside.fields.texts)]


@given(st.dictionaries(st.text(max_size=3), st.none(), min_size=1), st.data())
def test_new_names_of_keys_are_never_there_twice(node: dict[str, None], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(node))))
    names = renamed(node, {key: data.draw(st.sampled_from(["a", "b", "a 2", ""])) for key in sorted(chosen)})
    kept = [key for key in node if key not in chosen]
    assert len({*kept, *names.values()}) == len(node)
