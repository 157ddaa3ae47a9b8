"""Texts as a reviewer sees them: nothing in them is unseen, and honest text stays as it was."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.pins.escapes import escaped, is_hidden, named, shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u200bb", "a\\u200bb"),
        ("\u202eevil\u202c", "\\u202eevil\\u202c"),
        ("\U000e0041x", "\\udb40\\udc41x"),
        ("\x1b[2J", "\\u001b[2J"),
        ("\x7f\x85", "\\u007f\\u0085"),
        ("a\u00a0b\u2028c", "a\\u00a0b\\u2028c"),
        ("\u3164\u115f\u2800\ufe0f\u034f", "\\u3164\\u115f\\u2800\\ufe0f\\u034f"),
        ("\ufeff\ue000", "\\ufeff\\ue000"),
    ],
)
def test_what_a_reader_would_not_see_is_written_out(text: str, seen: str) -> None:
    assert escaped(text) == seen
    assert json.loads(f'"{seen}"') == text


@pytest.mark.parametrize(
    "text", ["Reads a note.", "Grüße, für 5 €", "\u4f60\u597d", "\u0645\u0631\u062d\u0628\u0627", "a/b\\c\"'", ""]
)
def test_honest_text_is_shown_as_it_is(text: str) -> None:
    assert escaped(text) == text == shown(text)


def test_a_text_is_shown_on_one_line_and_cut_where_it_is_long() -> None:
    assert shown("a\nb\tc\r") == "a\\nb\\tc\\r"
    assert shown("x" * 200) == "x" * 200 and shown("x" * 201) == "x" * 200 + " ..."
    assert shown("abc", 2) == "ab ..."


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("re\u0430d_file", "re\\u0430d_file"),
        ("\u0421opy", "\\u0421opy"),
        ("read\u200b", "read\\u200b"),
        ("größe_lesen", "größe_lesen"),
        ("\u0447\u0438\u0442\u0430\u0442\u044c", "\u0447\u0438\u0442\u0430\u0442\u044c"),
        ("x" * 81, "x" * 80 + " ..."),
    ],
)
def test_a_letter_that_only_looks_like_another_is_written_out_in_a_name(name: str, seen: str) -> None:
    assert named(name) == seen


@given(st.text(max_size=40))
def test_nothing_hidden_is_left_in_what_is_shown(text: str) -> None:
    seen = shown(text)
    assert not any(map(is_hidden, seen))
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp") for character in seen)
