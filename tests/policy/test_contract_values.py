"""The kinds of value in contracts: what is brought to one spelling, and what would confine nothing."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot.dialects.dialect import Dialect, Dialects

from smcp_security.contracts.html import FORMATTING
from smcp_security.policy.contract_values import DIALECTS, RUNNING, Statement, parse_host_glob
from smcp_security.policy.globs import matches


@pytest.mark.parametrize(
    ("written", "host"),
    [("*", "*"), ("Example.COM", "example.com"), ("*.example.com", "*.example.com"), ("*.internal", "*.internal"),
     ("api-*.eu.example.com", "api-*.eu.example.com"), ("localhost", "localhost"), ("10.0.0.1", "10.0.0.1"),
     ("[2001:DB8:0::1]", "2001:db8::1"), ("::1", "::1"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
     ("_dmarc.example.com", "_dmarc.example.com"), ("*.*.example.com", "*.*.example.com")],
)  # fmt: skip
def test_a_host_is_kept_in_one_spelling(written: str, host: str) -> None:
    assert parse_host_glob(written) == host
    assert parse_host_glob(host) == host


@pytest.mark.parametrize(
    "written",
    ["", " ", "a b", "a..b", ".example.com", "example.com.", "-a.example", "a-.example", "https://a.example",
     "a.example:443", "[::1]:80", "a.example/x", "u@a.example", "bücher.example", "*example.com", "example.*", "*.*",
     "ex*mple.com", "a.*.com", "10.0.0.*", "10.0.0", "127.1", "0x7f.1", "256.1.1.1", "1", "010.0.0.1", "::g",
     "[::1", "::1]", "fe80::1%1",
     "a" * 64 + ".example", "a." * 130 + "example", None, 7, ["a"]],
)  # fmt: skip
def test_what_is_no_host_or_a_glob_on_names_of_others_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a host name"):
        parse_host_glob(written)


@given(st.text("ab*.", min_size=1, max_size=12))
def test_a_glob_that_is_taken_never_fits_a_name_under_another_domain(glob: str) -> None:
    try:
        taken = parse_host_glob(glob)
    except ValueError:
        return
    if taken not in ("*", f"*.{taken.rpartition('.')[2]}"):
        # Whoever registers a name next to it, or one that begins or ends like it, is somebody else.
        *_, domain, top = ("", *taken.split("."))
        assert not matches(taken, f"x{domain}x.{top}")
        assert not matches(taken, f"{taken.replace('*', 'a')}.evil")


def test_the_dialects_are_those_that_the_parser_knows() -> None:
    known = {dialect.value for dialect in Dialects}
    assert set(DIALECTS) < known
    # PRQL and DAX are no SQL: classes of statements and names of tables mean something else there.
    assert known - {*DIALECTS, "", "prql", "dax"} == set()
    assert all(Dialect.get_or_raise(dialect) for dialect in ("", *DIALECTS))


def test_the_elements_allowed_by_default_run_nothing() -> None:
    assert RUNNING.isdisjoint(FORMATTING)
    assert {"script", "iframe", "style", "svg", "base", "meta", "form"} <= RUNNING


def test_the_classes_of_statements_are_named_once() -> None:
    assert len(set(get_args(Statement))) == len(get_args(Statement)) == 14
