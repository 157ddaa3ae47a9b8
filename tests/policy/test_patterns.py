"""What RE2 takes: patterns, alphabets that stay inside of their class, scripts that it knows."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.policy.patterns import check_alphabet, check_pattern, check_script


@pytest.mark.parametrize("pattern", ["a", "[a-z]{1,1000}", r"\d+(?:-\d+)?", "(?i)ab|c", r"\p{Greek}+", "(a+)+$"])
def test_a_pattern_of_re2_is_taken(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "(?<!a)b", "a{1001}", "(a{1000}){1000}", "[z-a]", "*"])
def test_a_pattern_that_re2_refuses_is_refused_without_a_word_on_standard_error(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="expected a regular expression in RE2 syntax"):
        check_pattern(pattern)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "alphabet", ["a-z", "A-Za-z0-9_.-", r"\]\[", r"\^a", "a^", r"\p{Latin}0-9", r"\d", " ", "é", "-"]
)
def test_the_inside_of_a_class_is_an_alphabet(alphabet: str) -> None:
    assert check_alphabet(alphabet) == alphabet


@pytest.mark.parametrize(
    "alphabet",
    ["^a", "a]", "[a", "a]|[b", "[:alpha:]", "a\\", "z-a", r"\q", r"\s", r"\D", r"\x00-\x{10ffff}", "a\n", r"\n",
     "\x1b", "\x85", "\u2029", r"\v", r"\]]", r"\\]"],
)  # fmt: skip
def test_what_leaves_its_class_or_holds_line_breaks_is_no_alphabet(alphabet: str) -> None:
    with pytest.raises(ValueError, match="expected characters as inside the brackets"):
        check_alphabet(alphabet)


@given(st.text(r"ab]\[^-:x{}09", min_size=1, max_size=8))
def test_an_alphabet_stands_for_one_character_and_never_for_a_control_character(alphabet: str) -> None:
    try:
        check_alphabet(alphabet)
    except ValueError:
        return
    pattern = re2.compile(f"[{alphabet}]")
    assert pattern.fullmatch("") is None
    assert pattern.fullmatch("ab") is None
    assert pattern.fullmatch("\n") is None


@pytest.mark.parametrize("script", ["Latin", "Han", "Cyrillic", "Nag_Mundari", "Canadian_Aboriginal"])
def test_a_script_of_unicode_is_known(script: str) -> None:
    assert check_script(script) == script


@pytest.mark.parametrize(
    "script", ["", "latin", "L", "Lu", "Any", "Common", "Inherited", "Klingon", "Latin}\\p{Han", "^Han"]
)
def test_what_is_no_script_of_some_people_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="expected the long name of a Unicode script"):
        check_script(script)
