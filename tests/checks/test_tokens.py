"""JWT access tokens: which count, and the known ways in which one that must not has been made to."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import identity, tokens
from smcp_security.checks.rung import AskStanding, FetchKeys, Spend
from smcp_security.errors import StoreAway, Unavailable
from tests.checks.issuer import (
    ISSUER,
    NOW,
    OTHER,
    World,
    bearing,
    caller,
    codes,
    encoded,
    issuer,
    judge,
    policy,
    public,
    said,
    signing_key,
    token,
    verdict,
)

RSA = signing_key("RSA")
PEM = RSA.as_pem(private=False)


def _hmac_signed(header: dict[str, Any], secret: bytes) -> str:
    signed = f"{encoded(header)}.{encoded(said())}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def test_a_token_of_the_issuer_names_the_caller() -> None:
    found = caller(verdict(bearing(token())))
    assert (found.id, found.source, found.verified) == (f"jwt:{ISSUER}#ann", "jwt", True)
    assert (found.subject, found.issuer, found.credential, found.expires_at) == ("ann", ISSUER, "t1", NOW + 600)
    assert found.claims["aud"] == "https://mcp.example.com/mcp"


SIGNED = [
    ("RS256", "RSA"),
    ("RS384", "RSA"),
    ("PS256", "RSA"),
    ("PS512", "RSA"),
    ("ES256", "P-256"),
    ("ES384", "P-384"),
    ("ES512", "P-521"),
    ("EdDSA", "Ed25519"),
    ("Ed25519", "Ed25519"),
]


@pytest.mark.parametrize(("name", "kind"), SIGNED)
def test_each_algorithm_verifies_with_a_key_of_its_kind(name: str, kind: str) -> None:
    world = World(issuers={ISSUER: [public(signing_key(kind))]})
    signed = token(key=signing_key(kind), sign=name)
    assert caller(verdict(bearing(signed), world, jwt=[issuer(algorithms=[name])])).subject == "ann"
    assert codes(verdict(bearing(signed[:-6] + "AAAAAA"), world, jwt=[issuer(algorithms=[name])])) == ["SMCP202"]


@pytest.mark.parametrize(("name", "kind"), SIGNED)
def test_a_key_of_another_kind_or_curve_is_never_tried(name: str, kind: str) -> None:
    for other in {"RSA", "P-256", "P-384", "P-521", "Ed25519", "X25519", "oct"} - {kind}:
        world = World(issuers={ISSUER: [public(signing_key(other))]})
        signed = token(key=signing_key(kind), sign=name)
        assert codes(verdict(bearing(signed), world, jwt=[issuer(algorithms=[name])])) == ["SMCP202"]


def test_a_shared_secret_verifies_where_the_policy_says_so() -> None:
    secret = signing_key("oct")
    shared = issuer(algorithms=["HS256"], jwks=None, secret="env:SHARED")
    world = World(issuers={ISSUER: [public(secret)]})
    assert caller(verdict(bearing(token(key=secret, sign="HS256")), world, jwt=[shared])).subject == "ann"
    forged = token(key=signing_key("oct", 1), sign="HS256")
    assert codes(verdict(bearing(forged), world, jwt=[shared])) == ["SMCP202"]


def test_an_algorithm_that_the_policy_does_not_list_is_refused() -> None:
    assert codes(verdict(bearing(token(sign="RS512")))) == ["SMCP202"]
    assert codes(verdict(bearing(token(sign="RS512")), jwt=[issuer(algorithms=["RS512"])])) == []


def test_a_key_made_for_another_algorithm_is_refused() -> None:
    wide = [issuer(algorithms=["RS256", "PS256"])]
    for algorithm, expected in (("PS256", ["SMCP202"]), ("RS256", []), ("", [])):
        world = World(issuers={ISSUER: [public(RSA, "k1", algorithm)]})
        assert codes(verdict(bearing(token()), world, jwt=wide)) == expected


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", " none", "RS256 ", "rs256", None, 5, ["RS256"]])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_no_spelling_of_no_algorithm_is_taken(name: Any, signature: str) -> None:
    unsigned = f"{encoded({'alg': name, 'typ': 'at+jwt'})}.{encoded(said())}.{signature}"
    assert codes(verdict(bearing(unsigned))) == ["SMCP202"]


@pytest.mark.parametrize("secret", [PEM, PEM.strip(), json.dumps(RSA.as_dict(private=False)).encode(), b""])
def test_a_public_key_is_no_shared_secret(secret: bytes) -> None:
    for name in ("HS256", "RS256"):
        assert codes(verdict(bearing(_hmac_signed({"alg": name, "kid": "k1"}, secret)))) == ["SMCP202"]


def _with_key_inside() -> str:
    own = signing_key("RSA", 9)
    return token(None, {"alg": "RS256", "jwk": own.as_dict(private=False), "typ": "JWT"}, key=own)


def _foreign(**header: Any) -> str:
    return token(None, {"alg": "RS256", "typ": "JWT", **header}, key=signing_key("RSA", 9))


_BODY = encoded(said())
_GOOD = token()
_HEAD, _PAYLOAD, _SIGNATURE = _GOOD.split(".")
FORGED: dict[str, str] = {
    "no signature": f"{_HEAD}.{_PAYLOAD}.",
    "zero signature of ECDSA": f"{encoded({'alg': 'ES256', 'kid': 'k2'})}.{_BODY}.{encoded(bytes(64))}",
    "the order of the curve as signature": f"{encoded({'alg': 'ES256', 'kid': 'k2'})}.{_BODY}."
    + encoded(bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2),
    "short signature of ECDSA": f"{encoded({'alg': 'ES256', 'kid': 'k2'})}.{_BODY}.{encoded(b'12')}",
    "key in the header": _with_key_inside(),
    "URL of keys in the header": _foreign(jku="https://evil.example.com/jwks.json"),
    "certificate in the header": _foreign(x5c=["MIIB"], x5u="https://evil.example.com/c.pem"),
    "kid that is a path": _foreign(kid="../../../../dev/null"),
    "kid that is SQL": _foreign(kid="k1' UNION SELECT 'secret"),
    "kid that is a command": _foreign(kid="k1; sleep 10"),
    "kid with a NUL": _foreign(kid="k1\x00"),
    "crit": token(None, {"alg": "RS256", "kid": "k1", "crit": ["exp"], "exp": NOW + 9}),
    "empty crit": token(None, {"alg": "RS256", "kid": "k1", "crit": []}),
    "unencoded payload": token(None, {"alg": "RS256", "kid": "k1", "b64": False}),
    "compressed payload": token(None, {"alg": "RS256", "kid": "k1", "zip": "DEF"}),
    "encryption header": token(None, {"alg": "RS256", "kid": "k1", "enc": "A256GCM"}),
    "kid that is huge": token(None, {"alg": "RS256", "kid": "k" * 257}),
    "kid that is a number": token(None, {"alg": "RS256", "kid": 1}),
    "kid that is null": token(None, {"alg": "RS256", "kid": None}),
    "kid that is a list": token(None, {"alg": "RS256", "kid": ["k1"]}),
    "typ of a logout token": token(None, {"alg": "RS256", "kid": "k1", "typ": "logout+jwt"}),
    "typ of an event": token(None, {"alg": "RS256", "kid": "k1", "typ": "secevent+jwt"}),
    "typ of a proof": token(None, {"alg": "RS256", "kid": "k1", "typ": "dpop+jwt"}),
    "typ that is null": token(None, {"alg": "RS256", "kid": "k1", "typ": None}),
    "typ with a blank": token(None, {"alg": "RS256", "kid": "k1", "typ": "at+jwt "}),
    "JWE": f"{_HEAD}.AA.AA.AA.AA",
    "nested token": f"{encoded({'alg': 'RS256', 'kid': 'k1', 'cty': 'JWT'})}.{encoded(_GOOD.encode())}.{_SIGNATURE}",
    "dot at the end": f"{_GOOD}.",
    "dot at the front": f".{_GOOD}",
    "two dots": f"{_HEAD}..{_PAYLOAD}.{_SIGNATURE}",
    "padding": f"{_GOOD}=",
    "standard base64 in the signature": _GOOD.replace("-", "+").replace("_", "/") + "+",
    "header alone": _HEAD,
    "no header": f".{_PAYLOAD}.{_SIGNATURE}",
    "signature of another token": f"{_HEAD}.{encoded(said(sub='root'))}.{_SIGNATURE}",
    "a duplicate claim": token(b'{"iss":"%s","sub":"ann","sub":"root","exp":1}' % ISSUER.encode()),
    "a duplicate iss": token(b'{"iss":"%s","iss":"%s","sub":"a"}' % (OTHER.encode(), ISSUER.encode())),
    "a duplicate alg": token(None, b'{"alg":"none","alg":"RS256","kid":"k1"}'),
    "claims that are a list": token(b"[]"),
    "claims that are no JSON": token(b"sub=ann"),
    "claims in UTF-16": token(json.dumps(said()).encode("utf-16")),
    "claims after a byte order mark": token(b"\xef\xbb\xbf" + json.dumps(said()).encode()),
    "claims with a lone surrogate": token(b'{"iss":"%s","sub":"\\ud800"}' % ISSUER.encode()),
    "claims that are deep": token(json.dumps({**said(), "x": json.loads("[" * 40 + "]" * 40)}).encode()),
    "claims that are very deep": token(b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "header that is deep": token(None, b'{"alg":"RS256","x":' + b"[" * 40 + b"]" * 40 + b"}"),
    "header that is huge": token(None, {"alg": "RS256", "kid": "k1", "x": "x" * 3100}),
    "token that is huge": token(said(x="x" * 9000)),
    "iss with a slash": token(said(iss=f"{ISSUER}/")),
    "iss in upper case": token(said(iss=ISSUER.upper())),
    "iss that begins alike": token(said(iss=f"{ISSUER}.evil.com")),
    "iss that is a list": token(said(iss=[ISSUER])),
    "no iss": token(said(iss=None)),
    "exp as text": token(said(exp="1900000000")),
    "exp as infinity": token(b'{"iss":"%s","sub":"a","aud":"%s","exp":1e400}' % (ISSUER.encode(), b"x")),
    "exp as NaN": token(b'{"iss":"%s","sub":"a","exp":NaN}' % ISSUER.encode()),
    "exp as a truth": token(said(exp=True)),
    "exp in milliseconds": token(said(exp=NOW * 1000)),
    "exp of a thousand digits": token(b'{"iss":"%s","sub":"a","exp":%s}' % (ISSUER.encode(), b"9" * 900)),
    "exp as null": token({**said(), "exp": None}),
    "no exp": token(said(exp=None)),
    "nbf as text": token(said(nbf="0")),
    "nbf as null": token({**said(), "nbf": None}),
    "iat as a truth": token(said(iat=False)),
    "no sub": token(said(sub=None)),
    "empty sub": token(said(sub="")),
    "sub as number": token(said(sub=7)),
    "sub of two lines": token(said(sub="ann\nroot")),
    "sub that is huge": token(said(sub="a" * 1025)),
    "aud as number": token(said(aud=7)),
    "aud as object": token(said(aud={"https://mcp.example.com/mcp": 1})),
    "aud with a number": token(said(aud=["https://mcp.example.com/mcp", 7])),
    "jti as number": token(said(jti=7)),
    "an ID token": token(said(at_hash="x", nonce="n")),
    "a logout token": token(said(events={"http://schemas.openid.net/event/backchannel-logout": {}})),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_known_bad_token_is_refused(name: str) -> None:
    world = World(issuers={ISSUER: [public(RSA, "k1"), public(signing_key("P-256"), "k2")]})
    context = bearing(FORGED[name])
    outcome = verdict(context, world)
    assert codes(outcome) == ["SMCP202"] and outcome.caller is None
    assert 'error="invalid_token"' in outcome.findings[0].challenge
    assert len(world.of(Spend)) == 1
    assert FORGED[name] not in repr((outcome, context.findings))


HONEST: dict[str, tuple[str, dict[str, Any]]] = {
    "no typ": (token(None, {"alg": "RS256", "kid": "k1"}), {}),
    "typ JWT": (token(None, {"alg": "RS256", "kid": "k1", "typ": "JWT"}), {}),
    "typ in other case": (token(None, {"alg": "RS256", "kid": "k1", "typ": "Application/AT+JWT"}), {}),
    "a long kid": (token(None, {"alg": "RS256", "kid": "k" * 256}), {}),
    "no kid": (token(None, {"alg": "RS256"}), {}),
    "key fields of the header": (token(None, {"alg": "RS256", "jku": "https://idp.example.com/k", "x5t": "x"}), {}),
    "blanks in the JSON": (token(json.dumps(said(), indent=2).encode(), b'{ "alg" : "RS256" }'), {}),
    "several audiences": (token(said(aud=["https://a.example.com", "https://mcp.example.com/mcp"])), {}),
    "audience spelt otherwise": (token(said(aud="HTTPS://MCP.Example.Com:443/mcp/")), {}),
    "audience that is no URL": (token(said(aud="mcp-server")), {"audience": "mcp-server"}),
    "one of the audiences": (token(said(aud="b")), {"audience": ["a", "b"]}),
    "times as fractions": (token(said(exp=NOW + 1.5, iat=NOW - 0.5)), {}),
    "no iat and no jti": (token(said(iat=None, jti=None)), {}),
    "a nonce, as some issuers put there": (token(said(nonce="n")), {}),
    "typ that is required": (token(), {"require_type": True}),
    "another subject claim": (token(said(sub=None, uid="ann")), {"subject_claim": "uid"}),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_token_that_looks_unusual_passes(name: str) -> None:
    text, changed = HONEST[name]
    assert caller(verdict(bearing(text), jwt=[issuer(**changed)])).subject == "ann"


@pytest.mark.parametrize("header", [{"alg": "RS256"}, {"alg": "RS256", "typ": "JWT"}])
def test_a_type_that_the_policy_requires_must_be_said(header: dict[str, Any]) -> None:
    assert codes(verdict(bearing(token(None, header)), jwt=[issuer(require_type=True)])) == ["SMCP202"]


# -- times and audiences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 29}, []),
        ({"exp": NOW - 30}, ["SMCP203"]),
        ({"exp": 0}, ["SMCP203"]),
        ({"nbf": NOW + 30}, []),
        ({"nbf": NOW + 31}, ["SMCP203"]),
        ({"iat": NOW + 30}, []),
        ({"iat": NOW + 31}, ["SMCP203"]),
    ],
)
def test_a_token_counts_within_its_time_and_the_leeway(claims: dict[str, Any], expected: list[str]) -> None:
    outcome = verdict(bearing(token(said(**claims))))
    assert codes(outcome) == expected


@pytest.mark.parametrize("leeway", [0, 300])
def test_the_leeway_is_the_one_of_the_policy(leeway: int) -> None:
    named = [issuer(leeway=leeway)]
    for claims in ({"exp": NOW - leeway + 1}, {"nbf": NOW + leeway}):
        assert codes(verdict(bearing(token(said(**claims))), jwt=named)) == []
    for claims in ({"exp": NOW - leeway}, {"nbf": NOW + leeway + 1}):
        assert codes(verdict(bearing(token(said(**claims))), jwt=named)) == ["SMCP203"]


def test_an_expired_token_is_told_so_and_no_guess_is_counted() -> None:
    world = World(throttled=6.0)
    outcome = verdict(bearing(token(said(exp=NOW - 99))), world)
    assert codes(outcome) == ["SMCP203"] and world.of(Spend) == []
    assert 'error="invalid_token"' in outcome.findings[0].challenge


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        [],
        "https://other.example.com/mcp",
        "https://mcp.example.com",
        "https://mcp.example.com/mcp/x",
        "https://mcp.example.com/MCP",
        "http://mcp.example.com/mcp",
        "https://mcp.example.com:8443/mcp",
        "https://mcp.example.com/mcp?x",
        "https://mcp.example.com/mcp#x",
        "https://mcp.example.com@evil.example.com/mcp",
        "https://mcp.example.com\\@evil/mcp",
        "https://mcp.example.com/mcp//",
        " https://mcp.example.com/mcp",
    ],
)
def test_a_token_for_another_audience_is_refused(audience: Any) -> None:
    assert codes(verdict(bearing(token(said(aud=audience))))) == ["SMCP204"]


def test_an_audience_of_the_policy_replaces_the_resource() -> None:
    named = [issuer(audience="mcp")]
    assert codes(verdict(bearing(token()), jwt=named)) == ["SMCP204"]
    assert codes(verdict(bearing(token(said(aud="mcp"))), jwt=named)) == []


# -- several issuers and keys ----------------------------------------------------------------------------------------


def test_a_token_is_verified_with_the_keys_of_its_own_issuer_alone() -> None:
    own, foreign = signing_key("RSA"), signing_key("RSA", 9)
    both = [issuer(), issuer(OTHER)]
    world = World(issuers={ISSUER: [public(own, "k1")], OTHER: [public(foreign, "k1")]})
    assert codes(verdict(bearing(token(key=foreign)), world, jwt=both)) == ["SMCP202"]
    assert [question.issuer for question in world.of(FetchKeys)] == [ISSUER]
    assert caller(verdict(bearing(token(said(iss=OTHER), key=foreign)), world, jwt=both)).id == f"jwt:{OTHER}#ann"


def test_a_token_of_an_unknown_issuer_asks_for_no_keys() -> None:
    world = World()
    assert codes(verdict(bearing(token(said(iss=OTHER))), world)) == ["SMCP202"]
    assert world.of(FetchKeys) == []


def test_a_foreign_algorithm_asks_for_no_keys() -> None:
    world = World()
    assert codes(verdict(bearing(token(sign="PS256")), world)) == ["SMCP202"]
    assert world.of(FetchKeys) == []


def test_a_token_is_tried_with_a_few_keys_and_no_more() -> None:
    strangers = [public(signing_key("P-256", turn)) for turn in range(1, 5)]
    mine = token(key=signing_key("P-256"), sign="ES256")
    own = public(signing_key("P-256"))
    first = World(issuers={ISSUER: [*strangers[:3], own]})
    last = World(issuers={ISSUER: [*strangers, own]})
    # Keys of another kind do not count: nothing is tried with them.
    mixed = World(issuers={ISSUER: [*[public(RSA)] * 9, *strangers[:3], own]})
    assert codes(verdict(bearing(mine), first)) == codes(verdict(bearing(mine), mixed)) == []
    assert codes(verdict(bearing(mine), last)) == ["SMCP202"]


def test_an_issuer_without_keys_verifies_nothing() -> None:
    assert codes(verdict(bearing(token()), World(issuers={ISSUER: []}))) == ["SMCP202"]


def test_keys_that_cannot_be_had_are_no_fault_of_the_token() -> None:
    world = World()
    world.away[FetchKeys] = Unavailable("idp.example.com does not answer")
    outcome = verdict(bearing(token()), world)
    assert codes(outcome) == ["SMCP206"] and outcome.findings[0].retry_after > 0
    assert "idp" not in repr(outcome)


# -- what is remembered ----------------------------------------------------------------------------------------------


def _twice(text: str, world: World, *, later: float, **changed: Any) -> tuple[list[str], int]:
    """The codes of the second of two messages with one token, and how often keys were asked for."""
    rung = identity.build(policy(jwt=[issuer(**changed)]), environment_key=False)
    caller(judge(rung, bearing(text), world))
    return codes(judge(rung, bearing(text, now=NOW + later), world)), len(world.of(FetchKeys))


@pytest.mark.parametrize(("later", "times"), [(0, 1), (299, 1), (300, 2)])
def test_a_verified_token_is_remembered_for_five_minutes(later: float, times: int) -> None:
    assert _twice(token(), World(), later=later) == ([], times)


def test_a_verified_token_is_not_remembered_past_its_end() -> None:
    assert _twice(token(said(exp=NOW + 60)), World(), later=89) == ([], 1)
    assert _twice(token(said(exp=NOW + 60)), World(), later=90) == (["SMCP203"], 2)


@pytest.mark.parametrize("fields", [(), (("accept", "a"), ("accept", "b"))])
def test_a_token_is_known_again_however_it_comes(fields: tuple[tuple[str, str], ...]) -> None:
    world, text = World(), token()
    rung = identity.build(policy(), environment_key=False)
    first = judge(rung, bearing(text), world)
    for again in (bearing(text, *fields), bearing(None, ("authorization", f"bEARER   {text} ")), _in_process(text)):
        assert judge(rung, again, world) is first
    assert len(world.of(FetchKeys)) == 1


def _in_process(text: str) -> Any:
    context = bearing(None)
    context.http, context.token = None, text
    return context


def test_a_token_that_differs_in_one_sign_is_not_the_one_remembered() -> None:
    world, text = World(), token()
    rung = identity.build(policy(), environment_key=False)
    caller(judge(rung, bearing(text), world))
    head, _, signature = text.split(".")
    for other in (text[:-4] + "AAAA", f"{head}.{encoded(said(sub='root'))}.{signature}", text + "="):
        assert codes(judge(rung, bearing(other), world)) == ["SMCP202"]


def test_a_token_that_was_refused_is_not_remembered() -> None:
    world = World(issuers={ISSUER: [public(signing_key("RSA", 9), "k1")]})
    rung = identity.build(policy(), environment_key=False)
    assert codes(judge(rung, bearing(token()), world)) == ["SMCP202"]
    world.issuers[ISSUER] = [public(RSA, "k1")]
    assert codes(judge(rung, bearing(token()), world)) == []


def test_a_remembered_token_does_not_outlive_its_key() -> None:
    world = World()
    rung = identity.build(policy(), environment_key=False)
    caller(judge(rung, bearing(token()), world))
    world.issuers[ISSUER] = [public(signing_key("RSA", 9), "k1")]
    assert codes(judge(rung, bearing(token()), world)) == ["SMCP202"]
    world.issuers[ISSUER] = [public(RSA, "k1")]
    assert codes(judge(rung, bearing(token()), world)) == []


def test_a_remembered_token_is_verified_anew_where_the_keys_are_not_known() -> None:
    world = World()
    rung = identity.build(policy(), environment_key=False)
    caller(judge(rung, bearing(token()), world))
    kept = world.issuers.pop(ISSUER)
    world.away[FetchKeys] = Unavailable("down")
    assert codes(judge(rung, bearing(token()), world)) == ["SMCP206"]
    world.issuers[ISSUER] = kept
    assert codes(judge(rung, bearing(token()), world)) == []


@pytest.mark.parametrize("name", [f"jti:{ISSUER}#t1", f"sub:jwt:{ISSUER}#ann"])
def test_a_revoked_token_is_refused_also_if_it_is_remembered(name: str) -> None:
    world = World()
    rung = identity.build(policy(), environment_key=False)
    caller(judge(rung, bearing(token()), world))
    world.revoked.add(name)
    outcome = judge(rung, bearing(token()), world)
    assert codes(outcome) == ["SMCP205"] and 'error="invalid_token"' in outcome.findings[0].challenge
    assert codes(verdict(bearing(token()), World(revoked=[name]))) == ["SMCP205"]
    world.revoked.clear()
    assert codes(judge(rung, bearing(token()), world)) == []


@pytest.mark.parametrize("name", [f"jti:{OTHER}#t1", f"jti:{ISSUER}#t2", "sub:ann", "key:t1", f"sub:jwt:{OTHER}#ann"])
def test_the_revocation_of_another_leaves_a_token_alone(name: str) -> None:
    world = World(revoked=[name])
    rung = identity.build(policy(), environment_key=False)
    for _ in range(2):
        assert codes(judge(rung, bearing(token()), world)) == []
    assert len(world.of(FetchKeys)) == 1


def test_no_token_counts_while_revocations_are_not_known() -> None:
    world = World()
    rung = identity.build(policy(), environment_key=False)
    caller(judge(rung, bearing(token()), world))
    world.away[AskStanding] = StoreAway("away")
    assert codes(judge(rung, bearing(token()), world)) == ["SMCP206"]
    assert codes(judge(rung, bearing(token(said(jti="t2"))), world)) == ["SMCP206"]


# -- the reader ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=40))
def test_base64url_has_one_spelling_for_any_bytes(raw: bytes) -> None:
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert tokens._decoded(text) == raw


@given(st.text(alphabet="ABCwxyz0189-_=+/. \n", max_size=12))
def test_no_two_texts_are_read_as_the_same_bytes(text: str) -> None:
    raw = tokens._decoded(text)
    assert raw is None or encoded(raw) == text


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: f"{encoded(raw)}.{encoded(raw)}.AA"))
def test_the_reader_takes_any_text_and_never_fails(text: str) -> None:
    found = tokens.read(text)
    assert found is None or isinstance(found.header, dict)


@given(st.integers(0, len(_GOOD) - 1), st.sampled_from("ABZaz09-_.=~"))
def test_a_token_with_one_sign_changed_never_passes(place: int, sign: str) -> None:
    changed = _GOOD[:place] + sign + _GOOD[place + 1 :]
    expected = [] if changed == _GOOD else ["SMCP202"]
    assert codes(verdict(bearing(changed))) == expected


def test_nothing_of_a_token_shows_in_what_is_printed() -> None:
    read = tokens.read(token())
    assert read is not None and repr(read) == "Token()"
