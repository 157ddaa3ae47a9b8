"""Whose counter it is: no two subjects share one, whatever they call themselves, and keys stay short."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smcp_security.checks import subjects
from smcp_security.checks.rung import Context
from smcp_security.checks.subjects import Asking
from smcp_security.decision import Caller
from smcp_security.message import parse, typed
from tests.checks.spends import ANN, context
from tests.envelopes import call, encoded, legacy

WORDS = ("address", "caller", "tenant", "tool", "method")


def _asking(context: Context) -> Asking:
    assert context.message is not None
    return subjects.asking(context, context.message, WORDS)


def _subject(*per: str, value: dict[str, Any] | None = None, **facts: Any) -> str:
    return _asking(context(value or call("x"), **facts)).subject(per)


def test_an_address_has_one_counter_whatever_the_caller_says_of_itself() -> None:
    one = _subject("address", label="ann")
    assert one == _subject("address", label="bob") == _subject("address", caller=ANN, session="s")
    assert one != _subject("address", network="192.0.2.2")


def test_a_label_is_bound_to_its_address_until_a_credential_vouches() -> None:
    keys = {
        _subject("caller", label="ann"),
        _subject("caller", label="bob"),
        _subject("caller", label="ann", network="192.0.2.2"),
        _subject("caller", caller=ANN),
        _subject("caller", caller=Caller("bob", True)),
    }
    assert len(keys) == 5
    assert _subject("caller", caller=ANN) == _subject("caller", caller=ANN, network="192.0.2.9", label="x")
    assert _subject("caller", caller=Caller("ann"), label="bob") == _subject("caller", label="bob")


def test_no_label_can_borrow_the_counter_of_a_verified_caller() -> None:
    verified = _subject("caller", caller=ANN)
    for network, label in (("c3:ann", ""), ("", "c3:ann"), ("", "ann"), ("3:ann", "")):
        assert _subject("caller", network=network, label=label) != verified


def test_callers_of_one_tenant_share_and_callers_of_none_do_not() -> None:
    ann, bob = (Caller(name, True, tenant="acme") for name in ("ann", "bob"))
    assert _subject("tenant", caller=ann) == _subject("tenant", caller=bob)
    assert _subject("tenant", caller=ann) != _subject("tenant", caller=Caller("ann", True, tenant="other"))
    assert _subject("tenant", caller=ANN) == _subject("caller", caller=ANN)
    assert _subject("tenant", caller=ANN) != _subject("tenant", caller=Caller("bob", True))
    # Nobody may draw on a tenant without a credential that says so, nor by a name that reads like one.
    claimed = Caller("ann", False, tenant="acme")
    assert _subject("tenant", caller=claimed, label="acme") == _subject("caller", label="acme")
    assert _subject("tenant", caller=Caller("acme", True)) != _subject("tenant", caller=ann)


def test_a_tool_and_a_method_are_counted_by_name_as_written() -> None:
    assert _subject("tool", value=call("x")) != _subject("tool", value=call("X"))
    assert _subject("method", value=call("x")) == _subject("method", value=call("y"))
    assert _subject("method", value=call("x")) != _subject("method", value=legacy("prompts/get", {"name": "x"}))


def test_parts_do_not_run_into_each_other() -> None:
    names = ["", "a", "ab", "b", "1:a", "1:au1:b", "u1:x", "~4.192", "#", "\n", "a:b", "aub", "buc", "c"]
    seen = {
        (label, tool): _subject("caller", "tool", value=call(tool), label=label)
        for label, tool in product(names, names)
    }
    assert len(set(seen.values())) == len(names) ** 2


# Half of a surrogate pair too: an edge may hand over any string.
TEXT = st.text(st.characters(), max_size=200) | st.text("a1:#u", max_size=5)
WHO = st.tuples(TEXT, TEXT, st.one_of(st.none(), st.tuples(TEXT, TEXT)))


def _who(who: tuple[str, str, tuple[str, str] | None], tool: str) -> Asking:
    network, label, verified = who
    caller = None if verified is None else Caller(verified[0], True, tenant=verified[1])
    message = typed(parse(encoded(call("x")), max_depth=64))
    message.params["name"] = tool
    return subjects.asking(Context(network=network, label=label, caller=caller), message, WORDS)


@given(WHO, WHO, TEXT, TEXT)
def test_different_callers_and_tools_never_meet_in_one_key(one: Any, other: Any, tool: str, another: str) -> None:
    def told(who: Any, name: str) -> tuple[Any, ...]:
        return (who[2][0] if who[2] is not None else who[:2], name)

    assume(told(one, tool) != told(other, another))
    per = ("caller", "tool")
    assert _who(one, tool).subject(per) != _who(other, another).subject(per)


@given(WHO, TEXT, st.permutations(WORDS), st.integers(1, 5))
def test_a_key_is_short_and_plain_whatever_comes(who: Any, tool: str, words: list[str], many: int) -> None:
    subject = _who(who, tool).subject(tuple(words[:many]))
    assert subject.isascii() and len(subject) <= 6 * (subjects._LONGEST + 5)


def test_a_long_text_is_told_apart_by_its_digest() -> None:
    one, other = subjects.exact("a" * 5000), subjects.exact("a" * 5001)
    assert one != other and len(one) == len(other) == 65
    assert subjects.exact("a" * 128) == "128:" + "a" * 128


NEAR = st.text("a1:#", max_size=3)


@given(NEAR, NEAR, NEAR, NEAR)
def test_texts_behind_their_length_are_read_in_one_way_only(a: str, b: str, c: str, d: str) -> None:
    same = subjects.exact(a) + subjects.exact(b) == subjects.exact(c) + subjects.exact(d)
    assert same == ((a, b) == (c, d))


@pytest.mark.parametrize(
    ("network", "bucket"),
    [
        ("192.0.2.1", "~4.192"),
        ("192.255.2.1", "~4.192"),
        ("10.0.0.1", "~4.10"),
        ("2001:db8::/64", "~6.2001"),
        ("2001:db8:5::/64", "~6.2001"),
        ("::/64", "~6."),
        ("fe80::/64", "~6.fe80"),
    ],
)
def test_a_crowd_is_a_wide_network_and_never_everybody(network: str, bucket: str) -> None:
    assert subjects.crowd(network) == bucket


def test_what_is_no_address_crowds_in_few_buckets() -> None:
    names = [
        "",
        "unix",
        "testclient",
        "١٢.0.0.1",
        "zzzz:1",
        "1234.5",
        "12345:6",
        "\ud800",
        *(f"h{n}" for n in range(5000)),
    ]
    buckets = {subjects.crowd(name) for name in names}
    assert all(bucket.startswith("~x.") for bucket in buckets) and len(buckets) <= 256


@given(TEXT)
def test_there_are_few_crowds_whatever_an_edge_calls_an_address(network: str) -> None:
    bucket = subjects.crowd(network)
    assert bucket.isascii() and len(bucket) <= 7
    assert not _who((network, "", None), "x").subject(("caller",)).startswith("~")


def test_a_list_of_names_is_remembered_and_an_empty_one_lists_nothing() -> None:
    assert subjects.listing(None) is None
    empty, some = subjects.listing(()), subjects.listing(("report.*", "x"))
    assert empty is not None and some is not None
    for _ in range(2):
        assert not empty("x") and some("x") and some("report.make") and not some("Report.make") and not some("y")
    assert some("report." + "m" * 5000) and not some("n" * 5000)
