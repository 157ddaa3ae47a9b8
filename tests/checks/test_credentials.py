"""Where credentials stand: never in the query, however they are spelt there."""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.credentials import Credential, Kind, vouches
from tests.checks.issuer import asking, codes, issuer, verdict
from tests.envelopes import PLAIN, http

KEY = f"smcp_{'0' * 12}_{'s' * 43}"


@pytest.mark.parametrize(
    "query",
    [
        "access_token=x",
        "ACCESS_TOKEN=x",
        "Access-Token=x",
        "access%5Ftoken=x",
        "a%63cess_token=x",
        "a%2563cess_token=x",
        "a%252563cess_token=x",
        "x[=&token[[=x",
        "token=&token=x",
        "a=;api+key=x",
        "accessToken=x",
        "api_key=x",
        "apikey=x",
        "api-key=x",
        "X-API-Key=x",
        "token=x",
        "key=x",
        "session_id=1&token=x",
        "session_id=1;token=x",
        "session_id=1%26token=x",
        "session_id=1&&token=x&",
        "?token=x",
        "+token=x",
        "token[]=x",
        "token%5B0%5D=x",
        "token==",
        "authorization=Bearer%20x",
        f"session_id={KEY}",
        f"x={quote(KEY, safe='').replace('_', '%5F')}",
        f"x={quote(KEY.replace('_', '%5F'))}",
        KEY,
        f"{KEY}=1",
        f"x=prefix{KEY}suffix",
    ],
)
def test_a_credential_in_the_query_is_refused_beside_a_right_one(query: str) -> None:
    outcome = verdict(asking(query))
    assert codes(outcome) == ["SMCP208"] and KEY not in repr(outcome)
    assert 'error="invalid_request"' in outcome.findings[0].challenge


@pytest.mark.parametrize(
    "query",
    ["", "session_id=abc", "sessionId=0f", "token=", "tokens=3", "monkey=1", "page=2&cursor=eyJ%3D", "%", "&=&;"],
)
def test_an_honest_query_passes(query: str) -> None:
    assert codes(verdict(asking(query))) == []


def test_the_name_of_the_key_header_counts_in_the_query_too() -> None:
    named = {"api_keys": {"file": "k.yaml", "header": "X-Acme-Pass"}, "jwt": [issuer()]}
    for query in ("x-acme-pass=1", "x_acme_pass=1", "XAcmePass=1"):
        assert codes(verdict(asking(query), **named)) == ["SMCP208"]
        assert codes(verdict(asking(query))) == []


@given(st.text(max_size=80))
def test_any_query_is_judged_without_failing(query: str) -> None:
    assert codes(verdict(asking(query))) in ([], ["SMCP208"])


@given(st.data())
def test_no_escaping_hides_a_key_in_the_query(data: st.DataObject) -> None:
    escaped = "".join(f"%{ord(sign):02x}" if data.draw(st.booleans()) else sign for sign in KEY)
    assert codes(verdict(asking(f"session_id={escaped}"))) == ["SMCP208"]


def test_a_credential_does_not_show_what_it_is() -> None:
    assert "hidden" not in repr(Credential(Kind.TOKEN, "Authorization", "hidden"))


@given(st.text("ab=&;?[]%-_", max_size=60))
def test_a_parameter_is_named_by_what_stands_before_its_value(query: str) -> None:
    # Read the slow way: parted first, then each part by itself.
    parts = [part.partition("=") for part in re.split("[&;?]", query.replace("-", "").replace("_", ""))]
    named = any(value and name.partition("[")[0] == "ab" for name, _, value in parts)
    keyed = {"api_keys": {"file": "k.yaml", "header": "ab"}, "jwt": [issuer()]}
    if named or "%" not in query:
        assert codes(verdict(asking(query), **keyed)) == (["SMCP208"] if named else [])


def _listing(field: str, value: str) -> bool:
    return vouches(http([*PLAIN, (field, value)], peer="10.1.2.3"), (ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize("field", ["x-forwarded-for", "forwarded"])
def test_a_gateways_word_counts_unless_it_lists_itself_or_more_hops_than_there_are(field: str) -> None:
    form = "{}" if field == "x-forwarded-for" else "for={}"
    assert _listing(field, form.format("192.0.2.7"))
    assert _listing(field, ",".join(form.format(f"192.0.2.{hop}") for hop in range(100)))
    assert not _listing(field, form.format("10.1.2.3"))
    # Digits without an end, and addresses without an end: reading all of them would take seconds.
    assert not _listing(field, form.format("a" * 60_000))
    assert not _listing(field, ",".join([form.format("::")] * 15_000))
