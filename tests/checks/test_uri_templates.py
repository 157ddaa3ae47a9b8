"""Variables of URI templates: every value that some server takes for one."""

from __future__ import annotations

import pytest

from smcp_security.checks.uri_templates import UriTemplate


@pytest.mark.parametrize(
    ("template", "uri", "found"),
    [
        ("docs://{id}", "docs://a%20b", [("id", "a b")]),
        ("docs://{id}/x/{id}", "docs://a/x/b", [("id", "a"), ("id", "b")]),
        ("docs://a{?x}{&z}", "docs://a?z=1&x=2", [("z", "1"), ("x", "2")]),
        ("docs://a{?x,y}", "docs://a?x=1&x=2&w=3", [("x", "1"), ("x", "2")]),
        ("docs://{+rest}", "docs://a/b", [("rest", "a/b")]),
        ("docs://a{/x}{.y}", "docs://a/b.c", [("x", "b"), ("y", "c")]),
        ("docs://a", "docs://a", []),
    ],
)
def test_every_value_of_every_variable_is_read(template: str, uri: str, found: list[tuple[str, str]]) -> None:
    assert sorted(each for each in UriTemplate(template).read(uri) or () if each[1]) == sorted(found)


@pytest.mark.parametrize("uri", ["docs://a/b", "other://a", "docs:a", ""])
def test_a_uri_of_another_shape_has_no_variables(uri: str) -> None:
    assert UriTemplate("docs://{id}").read(uri) is None
