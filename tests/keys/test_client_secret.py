"""Our own secret at an issuer: from the environment or out of the vault, where a new version counts at once."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from smcp_security.checks.custody import OpenSecret
from smcp_security.checks.rung import Introspect
from smcp_security.errors import PolicyError, Unavailable
from smcp_security.keys.client_secret import ClientSecret
from smcp_security.keys.introspection import Introspections
from smcp_security.opened import Opened
from smcp_security.policy.identity import IntrospectionPolicy
from tests.keys.issuer import Clock, Issuer, serving

HERE = "https://here.example"
WHERE = "identity.introspection[0].client_secret"
FIRST, SECOND = b"a-secret-at-the-issuer-1", b"a-secret-at-the-issuer-2"


class Shelf:
    """What stands in for a vault: one secret, or none, or nothing that can be read."""

    def __init__(self, value: bytes | None = FIRST) -> None:
        self.value = value
        self.away = False

    def __call__(self, question: OpenSecret) -> Opened | None:
        if self.away:
            raise Unavailable("the vault cannot be used")
        known = question == OpenSecret("idp") and self.value is not None
        return Opened("idp", self.value or b"", 1) if known else None


@pytest.fixture
def site() -> Iterator[Issuer]:
    with serving(b'{"active": true, "sub": "ann"}') as running:
        yield running


def introspections(site: Issuer, shelf: Shelf, clock: Clock) -> Introspections:
    """An issuer that knows us by a secret of the vault; its answers count for a second."""
    policy = IntrospectionPolicy.model_validate(
        {
            "issuer": HERE,
            "endpoint": site.url,
            "client_id": "smcp",
            "client_secret": "vault://idp",
            "allow_http": True,
            "allow_private": True,
            "cache": 0,
        }
    )
    return Introspections([policy], {}, clock=clock, vault=shelf)


def sent(site: Issuer) -> list[bytes]:
    """The secrets that came to the issuer."""
    basics = [headers["Authorization"].removeprefix("Basic ") for _, _, headers, _ in site.requests]
    return [base64.b64decode(basic).removeprefix(b"smcp:") for basic in basics]


def test_the_issuer_gets_the_secret_of_the_vault_and_a_new_version_at_once(site: Issuer) -> None:
    shelf = Shelf()
    asked = introspections(site, shelf, Clock())
    assert asked.fetch(Introspect(HERE, "one")) is not None
    shelf.value = SECOND
    assert asked.fetch(Introspect(HERE, "two")) is not None
    assert sent(site) == [FIRST, SECOND]


def test_while_the_vault_cannot_be_read_the_issuer_is_not_asked(site: Issuer) -> None:
    shelf, clock = Shelf(), Clock()
    asked = introspections(site, shelf, clock)
    shelf.away = True
    with pytest.raises(Unavailable):
        asked.fetch(Introspect(HERE, "one"))
    assert site.count == 0
    shelf.away, clock.now = False, clock.now + 10
    assert asked.fetch(Introspect(HERE, "one")) is not None


def test_answers_are_kept_over_a_reload_where_the_secret_comes_from_the_same_place(site: Issuer) -> None:
    shelf = Shelf()
    kept, same, other = (introspections(site, each, Clock()) for each in (shelf, shelf, Shelf()))
    known = kept._issuers[HERE]
    same.adopt(kept)
    other.adopt(kept)
    assert same._issuers[HERE] is known
    assert other._issuers[HERE] is not known


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "the vault has no secret idp"), (b"\xff" * 12, "is no text")],
)
def test_a_secret_that_the_vault_cannot_give_stops_the_start(value: bytes | None, told: str) -> None:
    with pytest.raises(PolicyError, match=told) as caught:
        ClientSecret("vault://idp", WHERE, {}, Shelf(value))
    assert str(caught.value).startswith(f"{WHERE}: ")
    assert ClientSecret("vault://idp", WHERE, {}, Shelf()).now() == FIRST.decode()


def test_without_a_vault_there_is_no_secret_of_one() -> None:
    with pytest.raises(PolicyError, match="the vault has no secret idp"):
        ClientSecret("vault://idp", WHERE, {"idp": "x"})
    assert ClientSecret("env:IDP", WHERE, {"IDP": "x"}).now() == "x"
    with pytest.raises(PolicyError, match="IDP is not set"):
        ClientSecret("env:IDP", WHERE, {})


def test_no_secret_shows_in_what_is_printed_of_it() -> None:
    for made in (ClientSecret("vault://idp", WHERE, {}, Shelf()), ClientSecret("env:IDP", WHERE, {"IDP": "a-secret"})):
        assert "secret-at" not in repr(made) and "a-secret" not in repr(made)
