"""The search for a URI that a template has, a rule allows and none denies: sound always, complete in the small."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smcp_security.checks.uri_patterns import Pattern, compile_glob, compile_template, tokens
from smcp_security.checks.uri_search import STEPS, Search
from smcp_security.checks.uris import canonical, shorter_forms


def _template(text: str) -> Pattern:
    pattern = compile_template(text, stars=True)
    assert pattern is not None
    return pattern


def _found(template: str, allowed: str, *denied: str) -> str | None:
    return Search(_template(template), _template(allowed), [_template(each) for each in denied]).find()


@pytest.mark.parametrize(
    ("template", "allowed", "denied", "found"),
    [
        ("docs://{id}", "docs://*", [], True),
        ("docs://{id}/x", "docs://*", [], False),
        ("docs://{id}/x", "docs://{id}/x", [], True),
        ("docs://{+path}", "docs://public/*", [], True),
        ("docs://{id}", "docs://*", ["docs://secret*"], True),
        ("docs://{id}", "docs://secret*", ["docs://*"], False),
        ("docs://{id}", "docs://a", ["docs://a"], False),
        ("docs://{id}", "docs://a*", ["docs://a", "docs://ab*"], True),
        ("docs://a{?q}", "docs://a*", ["docs://a"], False),
        ("docs://a{?q}", "docs://a?q=1", [], True),
        ("docs://{id}", "docs://..", [], False),
        ("docs://{id}", "docs://.", [], False),
        ("docs://{+p}", "docs://a//x", [], False),
        ("docs://{+p}", "docs://a/../b", [], False),
        ("DOCS://{id}", "*://*", [], False),
        ("docs://Host/{id}", "*://*/*", [], False),
        ("file:{+p}", "file:/*", [], False),
        ("file:{+p}", "file:///*", [], True),
        ("docs://a%20b/{id}", "docs://*/*", [], True),
        ("docs://{id}", "docs://a%20b", [], True),
        ("docs://{id}", "docs://a%2fb", [], False),
        ("docs://{id}", "docs://%C3%A9", [], True),
        ("docs://{id}", "docs://%C3", [], False),
        ("{scheme}://x", "docs://x", [], True),
        ("docs://a{#f}", "docs://a", [], True),
        ("http://{host}/x", "http://*/x", [], True),
        ("http://{host}/x", "http://*/x", ["http://h1/*", "http://h:80/*"], True),
        ("http://{host}", "http://*:8*", ["http://1*"], True),
        ("http://{host}/x", "http://*:*/x", [], True),
        ("docs://:8/{x}", "docs://*/*", [], False),
        ("http://127.1/{x}", "http://*/*", [], False),
        ("http:{+p}", "http:*", [], False),
        ("docs://{a}/{b}/{c}", "docs://*/*/*", ["docs://*/*/x", "docs://y/*/*"], True),
    ],
)
def test_a_template_is_met_where_one_of_its_uris_could_be_read(
    template: str, allowed: str, denied: list[str], found: bool
) -> None:
    assert (_found(template, allowed, *denied) is not None) is found


_ENDS = ("".join(signs) for length in range(5) for signs in product("ab/.?", repeat=length))
_SHORT = [f"d:{end}" for end in _ENDS if canonical(f"d:{end}") == f"d:{end}"]
_PARTS = st.lists(st.sampled_from(["a", "b", "/", ".", "?", "*", "{x}", "{+x}", "{/x*}", "{?x}"]), max_size=4).map(
    "".join
)


@settings(max_examples=100)
@given(_PARTS, _PARTS, st.lists(_PARTS, max_size=2))
def test_the_search_finds_what_looking_at_all_short_uris_finds(template: str, allowed: str, denied: list[str]) -> None:
    mine, theirs = _template("d:" + template), _template("d:" + allowed)
    others = [_template("d:" + each) for each in denied]

    def reachable(uri: str) -> bool:
        if not mine.matches(tokens(uri)) or not theirs.matches(tokens(uri)):
            return False
        return canonical(uri) == uri and not any(
            each.matches(tokens(form)) for each in others for form in shorter_forms(uri)
        )

    found = Search(mine, theirs, others).find()
    if found is None:
        assert not any(map(reachable, _SHORT))
    else:
        assert reachable(found)


def test_a_search_gives_up_after_a_bounded_number_of_steps() -> None:
    denied = [_template(f"docs://*{sign}*{sign}*{sign}*{sign}") for sign in "abcdefghijkl"]
    search = Search(_template("docs://{+x}"), _template("docs://*z"), [*denied, _template("docs://*")])
    assert search.find() is None
    assert STEPS <= search.steps < 2 * STEPS


@given(st.text(st.sampled_from("{}+/?*ab:."), max_size=30))
def test_any_template_of_a_server_is_taken_calmly(text: str) -> None:
    pattern = compile_template(text)
    assume(pattern is not None)
    assert pattern is not None
    found = Search(pattern, compile_glob("*:*"), []).find()
    assert found is None or pattern.matches(tokens(found))
