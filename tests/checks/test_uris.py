"""Resource URIs: one form for every reader, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.uris import LONGEST, canonical, shorter_forms, tidied


@pytest.mark.parametrize(
    "uri",
    [
        "docs://a", "docs://a/b", "docs:a/b", "docs:/a", "urn:isbn:123", "file:///etc/motd", "docs://h/a%20b",
        "docs://h/caf%C3%A9", "docs://h/100%25", "docs://h/...", "docs://h/.hidden/a..b", "docs://h:80/a?x=1&y=2",
        "docs://h/", "docs://", "docs://h/a?", "docs://h/a@b", "docs://h/%7B", "docs://h/a*b", "docs://h%C3%A9./x",
        "docs://127.1/x", "https://h", "http://h:8080/x", "http://h:443/x", "ws://10.0.0.1/x", "http://[::1]:81/x",
        "http://10x.example/x", "docs://a:b/c",
    ],
)  # fmt: skip
def test_a_canonical_uri_stays_as_it_is(uri: str) -> None:
    assert canonical(uri) == uri


@pytest.mark.parametrize(
    ("uri", "form"),
    [
        ("DOCS://Host/Path", "docs://host/Path"),
        ("docs://h/%7euser/%41", "docs://h/~user/A"),
        ("docs://h/%c3%a9", "docs://h/%C3%A9"),
        ("docs://%48%C3%A9/x", "docs://h%C3%A9/x"),
        ("docs://h/x?q=%61", "docs://h/x?q=a"),
    ],
)
def test_case_and_needless_escapes_are_normalised(uri: str, form: str) -> None:
    assert canonical(uri) == form == canonical(form)


@pytest.mark.parametrize(
    "uri",
    [
        "docs://../x", "docs://a/../b", "docs://a/./b", "docs://a/..", "docs://a/.", "docs:..", "docs:../x",
        "docs://a/%2e%2e/b", "docs://a/%2E./b", "docs://a/.%2e/b", "docs://a/..;x/b", "docs://a/%2e%2e;x=1/b",
        "docs://a/..%3Bx/b", "docs://a/..%20/b", "docs://a/b?x=../c", "docs://a/b?../c", "docs://a/..?x",
        "docs://a/%EF%BC%8E%EF%BC%8E/b", "docs://a/%E2%80%A5/b", "docs://a/%c0%ae%c0%ae/b", "docs://a/..:b",
    ],
)  # fmt: skip
def test_dot_segments_are_refused_in_every_spelling(uri: str) -> None:
    assert canonical(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "docs://a\\b", "docs://a/%5cb", "docs://a/%EF%BC%BCb", "docs://a/b\x00", "docs://a/%00", "docs://a/%0d%0a",
        "docs://a/\n", "docs://a/%7f", "docs://é", "docs://a/\u202e", "docs://a/%E2%80%AE", "docs://a b", "docs://a/%2fb",
        "docs://a/%EF%BC%8Fb", "docs://a/%252e", "docs://a/%25%32%65", "docs://a/%2525", "docs://a/%", "docs://a/%2",
        "docs://a/%zz", "docs://a/%FF", "docs://u@h/x", "docs://u:p@h/x", "docs://u%40h/x", "docs://a//b", "docs:a//b",
        "docs://a/b;v=1", "docs://a/b#c", "docs://a/{id}", "docs://a/<b>", 'docs://a/"', "docs://a|b", "docs://a^b",
        "", "docs", "/docs", "//docs/a", "1docs://a", "..", "file:/etc/motd", "file:etc", "file://localhost/etc/motd",
        "docs://h:/x", "docs://:80/x", "docs://h:080/x", "http:h/x", "http:/h/x", "http:///h/x", "http:",
        "https://:81/x", "https://h:443/x", "http://h:80", "wss://h:443/x",
        "http://h:/x", "http://h./x", "http://h%C3%A9/x", "http://%EF%BD%93ecret/x",
        "http://127.1/x", "http://2130706433/x", "http://0x7f.0.0.1/x", "http://127.0.0.01/x", "http://1.2.3.4.5/x",
        "http://a.0x/x", "http://[0:0::1]/x", "http://[::1/x", "http://[]/x", "http://[::1]:80/x", "ftp://h:21/x",
        "docs://" + "a" * LONGEST, "docs://a\u0130", "docs://%FF", "\u212Adocs://a",
    ],
)  # fmt: skip
def test_what_readers_take_differently_is_refused(uri: str) -> None:
    assert canonical(uri) is None


def test_a_uri_of_the_greatest_length_is_still_read() -> None:
    uri = "docs://" + "a" * (LONGEST - 7)
    assert canonical(uri) == uri


_PIECES = ["docs", "DOCS", ":", "/", "//", ".", "..", "%2e", "%2E", "%25", "%2f", "%41", "%C3%A9", "?", "a", "B", "@"]


@given(st.lists(st.sampled_from([*_PIECES, ";", "#", "\\", " ", "=", "%20", "%3B", "%"]), max_size=12).map("".join))
def test_a_form_is_a_form_of_itself_and_holds_no_dot_segment(uri: str) -> None:
    form = canonical(uri)
    if form is not None:
        assert canonical(form) == form
        assert not {"..", "."} & set(form.replace("?", "/").split("/"))
        assert "\\" not in form and "#" not in form


@given(st.text(max_size=40))
def test_any_text_is_taken_calmly(text: str) -> None:
    form = canonical(text)
    assert form is None or form.isascii()


def test_shorter_forms_leave_out_query_and_last_slash() -> None:
    assert shorter_forms("docs://a/?x=1") == ("docs://a/?x=1", "docs://a/", "docs://a")
    assert shorter_forms("docs://a") == ("docs://a",)


def test_patterns_are_tidied_like_uris() -> None:
    assert tidied("DOCS://Host/{Name}/%7e*") == "docs://host/{Name}/~*"
    assert tidied("readme") == "readme"
    for uri in ("DOCS://Host/Path?x=%41", "docs://h/%c3%a9"):
        assert tidied(uri) == canonical(uri)
