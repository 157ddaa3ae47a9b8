"""What a path turns into: every decoding that some server makes of it is seen, and honest dots are left alone."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.spellings import ROUNDS, climbs, folded, is_up, spellings

CLIMBING = [
    "..", "../", "../x", " ../x", "'../x'", "a/../../b", "..\\x", "a\\..\\..\\b", "..;/x", "..;jsessionid=1/x",
    ".. /x",
    "/var/www/../../etc/x", "/..", "file:///../x", "file:///srv/../x", "FILE:../x", "..%2fx", "..%2Fx", "%2e%2e/x",
    ".%2e/x", "%2e%2e%2fx", "..%5cx",
    "%252e%252e%252fx", "..%25252fx", "%%32%65%%32%65/x", "..%c0%afx", "%c0%ae%c0%ae/x", "%c0%2e%c0%2e/x",
    "..%c1%9cx",
    "..%c1%1cx", "%e0%80%ae%e0%80%ae/x", "..%e0%80%afx", "%u002e%u002e/x", "..%u2215x", "..%u2216x", "．．/x",
    "..／x",
    "..＼x", "‥/x", "․․/x", "..∕x", "..⁄x", "。。/x", "..¥x", "..₩x", ".​./x", ".\xad./x", "%ef%bc%8e%ef%bc%8e/x",
    "％2e％2e／x", "....//x", "..././x", "....\\\\x", "\\u002e\\u002e/x", "\\x2e\\x2e/x", "0x2e0x2e/x", "..0x2fx",
    "..%00/x", "..2f..2fx", "..%c0%5cx", "..%uF025x", "..%uEFC8x", "/.../x", ".../x", "....\\....\\x",
    "a%2f..%2f..%2fx", "x/" * 50 + "../" * 51,
]  # fmt: skip
STAYING = [
    "", ".", "./x", "a/../b", "/a/b/../c", "a/b/../../c", "...", "a/.../b", "v1..v2", "..a", "a..", "..a/b", ".git/x",
    "x;y", "100%", "100%.txt", "a%20b", "%2ehidden", "a%2fb", "½.md", "wait….md", "Køln/x", "\u202fx", "C:\\x\\y",
    "git diff HEAD~1..HEAD", "see ..", "0x2e", "dump_0x2f00.bin", "%c3%a9t%c3%a9", "¥100", "a...b/c", "./...",
    "pkg/...", "//pkg/...", "a..2fb", "HEAD..2f31ab",
]  # fmt: skip


@pytest.mark.parametrize("path", CLIMBING)
def test_a_path_that_leaves_is_seen_in_every_spelling(path: str) -> None:
    assert climbs(path)


@pytest.mark.parametrize("path", STAYING)
def test_a_path_that_stays_is_left_alone(path: str) -> None:
    assert not climbs(path)


def test_more_layers_of_escapes_than_are_read_count_as_leaving() -> None:
    within, beyond = "%2e", "%2e"
    for _ in range(ROUNDS - 1):
        within = quote(within, safe="")
    for _ in range(ROUNDS):
        beyond = quote(beyond, safe="")
    assert spellings(within).bounded
    assert not climbs(within)
    assert not spellings(beyond).bounded
    assert climbs(beyond)


@given(st.integers(0, ROUNDS), st.sampled_from(["../x", "a/../../x", "..\\x", "．．/x"]))
@settings(max_examples=30)
def test_escaping_a_climb_any_number_of_times_does_not_hide_it(rounds: int, path: str) -> None:
    for _ in range(rounds):
        path = quote(path, safe="")
    assert climbs(path)


@given(st.text(alphabet="ab%25/.e2fcé", max_size=30))
@settings(max_examples=100)
def test_the_layers_hold_what_decoding_once_and_twice_gives(text: str) -> None:
    found = spellings(text)
    assert found.layers[0] == text
    if found.valid:
        assert unquote(text) in found.layers
        assert unquote(unquote(text)) in found.layers


@pytest.mark.parametrize("text", ["%c0%ae", "%ff", "%e0%80%ae", "caf%E9", "%u002e", "%25c0%25ae"])
def test_escapes_of_what_is_no_utf8_are_no_valid_spelling(text: str) -> None:
    assert not spellings(text).valid


@pytest.mark.parametrize("text", ["%c3%a9", "100%", "%zz", "a%20b", "%user", "é"])
def test_escapes_of_utf8_and_signs_that_escape_nothing_are_valid(text: str) -> None:
    assert spellings(text).valid


@pytest.mark.parametrize("segment", ["..", "..;x", ".. ", " ..", ". .", "..\t", "..\0", "... "])
def test_a_segment_that_some_reader_takes_for_a_step_up_is_one(segment: str) -> None:
    assert is_up(segment)


@pytest.mark.parametrize("segment", ["", ".", "...", "..a", "a..", ".;x", ". a", "x ..", ";.."])
def test_a_segment_that_nobody_takes_for_a_step_up_is_none(segment: str) -> None:
    assert not is_up(segment)


def test_folding_leaves_ascii_and_honest_letters_as_they_are() -> None:
    assert folded("a/b.c") == "a/b.c"
    assert folded("Köln/½ Straße") == "Köln/½ Straße"
    assert folded("．／＼：") == "./\\:"
