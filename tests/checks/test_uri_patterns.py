"""Globs and templates of URIs: what each stands for, and that globs here are the globs of the policy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.uri_patterns import compile_glob, compile_template, tokens
from smcp_security.policy.globs import matches


@pytest.mark.parametrize(
    ("template", "uri", "fits"),
    [
        ("docs://{id}/x", "docs://a/x", True),
        ("docs://{id}/x", "docs://a/b/x", False),
        ("docs://{id}/x", "docs:///x", False),
        ("docs://{id}", "docs://a?x", False),
        ("docs://{id:3}", "docs://abcdef", True),
        ("docs://{a,b}", "docs://1,2", True),
        ("docs://{+path}", "docs://a/b/c", True),
        ("docs://{+path}", "docs://", False),
        ("docs://{path*}", "docs://a/b", True),
        ("docs://h{/path*}", "docs://h", True),
        ("docs://h{/path*}", "docs://h/a/b", True),
        ("docs://h{/path*}", "docs://ha", False),
        ("docs://h{/path*}", "docs://h/a/", False),
        ("docs://h{/p}", "docs://h/a", True),
        ("docs://h{/p}", "docs://h/a/b", False),
        ("docs://h{?q,n}", "docs://h", True),
        ("docs://h{?q,n}", "docs://h?q=1&n=2", True),
        ("docs://h{?q}", "docs://h&q=1", False),
        ("docs://h?a=1{&q}", "docs://h?a=1&q=2", True),
        ("docs://h?a=1{&q}", "docs://h?a=1", True),
        ("docs://f{.ext}", "docs://f.txt", True),
        ("docs://f{.ext}", "docs://ftxt", False),
        ("docs://a{#f}", "docs://a", True),
        ("docs://a{;p}", "docs://a", True),
        ("docs://a{;p}", "docs://a;p=1", False),
        ("docs://{id}", "docs://%20", True),
    ],
)
def test_a_template_stands_for_what_it_expands_to(template: str, uri: str, fits: bool) -> None:
    pattern = compile_template(template)
    assert pattern is not None and pattern.matches(tokens(uri)) is fits


@pytest.mark.parametrize(
    "text", ["docs://{", "docs://}", "docs://{a", "docs://{a{b}}", "docs://{}", "docs://{!x}", "a{b c}"]
)
def test_a_template_that_is_not_well_formed_is_none(text: str) -> None:
    assert compile_template(text) is None
    assert compile_template(text, stars=True) is None


def test_a_star_is_a_glob_in_a_rule_and_a_star_in_a_template_of_a_server() -> None:
    mine, theirs = compile_template("docs://*/{id}", stars=True), compile_template("docs://*/{id}")
    assert mine is not None and mine.matches("docs://a/b")
    assert theirs is not None and not theirs.matches("docs://a/b") and theirs.matches("docs://*/b")


_SIGNS = st.text(st.sampled_from("ab/*.?"), max_size=8)


@given(_SIGNS, _SIGNS)
def test_a_glob_of_uris_is_the_glob_of_the_policy(glob: str, text: str) -> None:
    assert compile_glob(glob).matches(tokens(text)) is matches(glob, text)


# RFC 6570, read the way this package documents it.
_REFERENCE = {
    "{x}": "[^/?]+", "{+x}": ".+", "{x*}": ".+", "{/x}": "/[^/?]+", "{/x*}": "(?:/[^/?]+)*", "{.x}": "\\.[^/?]+",
    "{?x}": "(?:\\?[^/]*)?", "{&x}": "(?:&[^/]*)?", "{#x}": "", "{;x}": "", "*": "[^/]*",
}  # fmt: skip


@given(
    st.lists(st.sampled_from([*_REFERENCE, "a", "b", "/", "?"]), max_size=6),
    st.text(st.sampled_from("ab/?.&"), max_size=8),
)
def test_a_template_agrees_with_its_regular_expression(parts: list[str], text: str) -> None:
    pattern = compile_template("".join(parts), stars=True)
    expected = re.fullmatch("".join(_REFERENCE.get(part, re.escape(part)) for part in parts), text)
    assert pattern is not None and pattern.matches(tokens(text)) is (expected is not None)


def test_a_hostile_uri_costs_no_more_than_its_length() -> None:
    pattern = compile_template("docs://{+a}{+b}{+c}{+d}/x", stars=True)
    assert pattern is not None
    assert not pattern.matches("docs://" + "a" * 4000)
