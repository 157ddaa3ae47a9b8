"""The identity rung: which credential makes which caller, and what is said to one that makes none."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import identity
from smcp_security.checks.rung import AskStanding, Charge, Context, Introspect, LookUp, Pure, Spend
from smcp_security.decision import Caller, Outcome
from smcp_security.errors import StoreAway, Unavailable
from smcp_security.policy import Policy
from tests.checks.issuer import (
    ADDRESS,
    ASKED,
    ENVIRONMENT_SECRET,
    ISSUER,
    NOW,
    World,
    api_key,
    asking,
    bearing,
    caller,
    codes,
    introspection,
    issuer,
    judge,
    policy,
    said,
    token,
    verdict,
)

ID = "0123456789ab"
SECRET = "s" * 43
KEY = f"smcp_{ID}_{SECRET}"
FILE = {"api_keys": {"file": "keys.yaml"}}
HEADER = {"api_keys": {"file": "keys.yaml", "header": "X-API-Key"}}


def _keys(**changed: Any) -> World:
    return World(keys=[api_key(ID, SECRET, **changed)])


def _in_process(**facts: Any) -> Context:
    return Context(now=NOW, network=ADDRESS, **facts)


# -- none ------------------------------------------------------------------------------------------------------------


def test_without_the_section_nobody_is_asked_who_they_are() -> None:
    rung = identity.build(Policy(), environment_key=True)
    assert type(rung) is Pure and judge(rung, bearing(token())).caller is None


def test_no_credential_is_refused_with_the_way_to_get_one() -> None:
    world = World(throttled=1.0)
    outcome = verdict(bearing(), world)
    assert codes(outcome) == ["SMCP201"] and world.asked == []
    challenge = outcome.findings[0].challenge
    assert "resource_metadata=" in challenge and "error" not in challenge


@pytest.mark.parametrize("context", [bearing(), _in_process()])
def test_no_credential_passes_where_none_is_required(context: Context) -> None:
    outcome = verdict(context, jwt=[issuer()], required=False)
    assert codes(outcome) == [] and outcome.caller is None


@pytest.mark.parametrize("field", ["Basic YW5uOmFubg==", "", "Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b"])
def test_a_wrong_credential_is_refused_also_where_none_is_required(field: str) -> None:
    context = bearing(None, ("authorization", field))
    assert codes(verdict(context, jwt=[issuer()], required=False)) == ["SMCP202"]
    assert codes(verdict(context)) == ["SMCP202"]


# -- API keys --------------------------------------------------------------------------------------------------------


def test_an_api_key_makes_its_owner_the_caller() -> None:
    world = _keys(roles=("viewer",), scopes=("read",), tenant="acme", expires_at=NOW + 1)
    assert caller(verdict(bearing(KEY), world, **FILE)) == Caller(
        id="key:ann",
        verified=True,
        source="api-key",
        roles=("viewer",),
        scopes=frozenset({"read"}),
        tenant="acme",
        subject="ann",
        credential=ID,
        expires_at=NOW + 1,
    )


@pytest.mark.parametrize(
    "text",
    [
        f"smcp_{ID}_{'t' * 43}",
        f"smcp_{'f' * 12}_{SECRET}",
        f"smcp_{ID}_{SECRET[:-1]}",
        f"smcp_{ID}_{SECRET}s",
        f"smcp_{ID.upper()}_{SECRET}",
        f"SMCP_{ID}_{SECRET}",
        f"{ID}_{SECRET}",
        SECRET,
        f"smcp__{SECRET}",
    ],
)
def test_a_text_that_is_no_known_key_is_refused(text: str) -> None:
    outcome = verdict(bearing(text), _keys(), **FILE)
    assert codes(outcome) == ["SMCP202"] and outcome.caller is None
    assert SECRET not in repr(outcome) and "resource_metadata" not in outcome.findings[0].challenge


@pytest.mark.parametrize("changed", [{}, {"revoked": True}, {"expires_at": NOW}])
def test_whether_a_key_exists_or_counts_is_told_to_its_holder_alone(changed: dict[str, Any]) -> None:
    wrong = f"smcp_{ID}_{'t' * 43}"
    known, unknown = (verdict(bearing(wrong), world, **FILE) for world in (_keys(**changed), World()))
    assert known == unknown and codes(known) == ["SMCP202"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"revoked": True}, "SMCP205"), ({"expires_at": NOW}, "SMCP203"), ({"expires_at": 0}, "SMCP203")],
)
def test_a_key_that_no_longer_counts_is_refused(changed: dict[str, Any], code: str) -> None:
    world = _keys(**changed)
    assert codes(verdict(bearing(KEY), world, **FILE)) == [code] and world.of(Spend) == []


@pytest.mark.parametrize("name", [f"key:{ID}", "sub:key:ann"])
def test_a_key_is_revoked_by_its_id_or_its_owner(name: str) -> None:
    world = _keys()
    world.revoked.add(name)
    assert codes(verdict(bearing(KEY), world, **FILE)) == ["SMCP205"]
    world.revoked = {"key:f" * 3, "sub:ann", f"jti:#{ID}"}
    assert codes(verdict(bearing(KEY), world, **FILE)) == []


def test_a_key_may_stand_in_a_header_of_its_own() -> None:
    own = ("x-api-key", KEY)
    assert caller(verdict(bearing(None, own), _keys(), **HEADER)).id == "key:ann"
    assert codes(verdict(bearing(None, own), _keys(), **FILE)) == ["SMCP201"]
    for wrong in ("", " ", "a b", "k\u00e9y", "k" * 8193):
        assert codes(verdict(bearing(None, ("x-api-key", wrong)), _keys(), **HEADER)) == ["SMCP202"]


def test_a_header_for_keys_takes_no_token() -> None:
    both = {**HEADER, "jwt": [issuer()], "introspection": [introspection()]}
    world = World(opaque={"opaque": said(iss=ASKED)})
    assert codes(verdict(bearing(None, ("x-api-key", token())), world, **both)) == ["SMCP202"]
    assert codes(verdict(bearing(None, ("x-api-key", "opaque")), world, **both)) == ["SMCP202"]
    assert codes(verdict(_in_process(api_key=token()), world, **both)) == ["SMCP202"]
    assert world.of(Introspect) == []
    assert codes(verdict(bearing(token()), world, **both)) == []


def test_credentials_handed_over_in_process_count_alike() -> None:
    both = {**FILE, "jwt": [issuer()]}
    assert caller(verdict(_in_process(api_key=KEY), _keys(), **both)).id == "key:ann"
    assert caller(verdict(_in_process(token=KEY), _keys(), **both)).id == "key:ann"
    assert caller(verdict(_in_process(token=token()), _keys(), **both)).id == f"jwt:{ISSUER}#ann"
    for wrong in (f"Bearer {token()}", " ", "a b", "t\u00f6ken", "\ud800", "t" * 8193):
        assert codes(verdict(_in_process(token=wrong), **both)) == ["SMCP202"]
        assert codes(verdict(_in_process(api_key=wrong), **both)) == ["SMCP202"]


def test_a_key_of_ours_is_never_sent_to_an_issuer() -> None:
    world = World(opaque={KEY: said(iss=ASKED)})
    assert codes(verdict(bearing(KEY), world, **FILE, introspection=[introspection()])) == ["SMCP202"]
    assert world.of(Introspect) == []


def test_no_key_counts_where_the_policy_has_none() -> None:
    world = _keys()
    assert codes(verdict(bearing(KEY), world, environment=True)) == ["SMCP202"]
    assert world.of(LookUp) == []


# -- the key of the environment --------------------------------------------------------------------------------------


def _environment(secret: str = ENVIRONMENT_SECRET, *, roles: tuple[str, ...] = ()) -> tuple[World, dict[str, Any]]:
    world = World(keys=[api_key("SMCP_API_KEY", secret, owner="SMCP_API_KEY", roles=roles)])
    return world, {"api_keys": {}, "environment": True}


def test_the_key_of_the_environment_is_one_more_key() -> None:
    world, sections = _environment(roles=("admin",))
    found = caller(verdict(bearing(ENVIRONMENT_SECRET), world, **sections))
    assert (found.id, found.roles, found.credential) == ("key:SMCP_API_KEY", ("admin",), "SMCP_API_KEY")
    for wrong in (ENVIRONMENT_SECRET[:-1], ENVIRONMENT_SECRET + "x", ENVIRONMENT_SECRET.lower()):
        assert codes(verdict(bearing(wrong), world, **sections)) == ["SMCP202"]


def test_the_key_of_the_environment_may_be_one_with_an_id_of_its_own() -> None:
    world = _keys(owner="SMCP_API_KEY", roles=("admin",))
    found = caller(verdict(bearing(KEY), world, api_keys={}, scopes=["mcp:read"]))
    assert (found.id, found.roles, found.credential) == ("key:SMCP_API_KEY", ("admin",), ID)


@pytest.mark.parametrize("secret", [KEY, "aaaa.bbbbbbbbbbbbbbbbbbbbbbbbbb.cccc"])
def test_the_key_of_the_environment_may_have_any_form(secret: str) -> None:
    world, sections = _environment(secret)
    assert caller(verdict(bearing(secret), world, **sections, jwt=[issuer()])).source == "api-key"


def test_without_a_key_in_the_environment_none_is_looked_up() -> None:
    world, sections = _environment()
    sections["environment"] = False
    assert codes(verdict(bearing(ENVIRONMENT_SECRET), world, **sections)) == ["SMCP202"]
    assert world.of(LookUp) == []


def test_a_key_of_ours_with_a_slip_in_it_is_shown_to_no_issuer() -> None:
    world = World(opaque={text: {**said(), "iss": ASKED} for text in ("smcp_slip", "opaque")})
    assert codes(verdict(bearing("smcp_slip"), world, introspection=[introspection()])) == ["SMCP202"]
    assert world.of(Introspect) == []
    assert codes(verdict(bearing("opaque"), world, introspection=[introspection()])) == []


# -- introspection ---------------------------------------------------------------------------------------------------


def _asked(claims: dict[str, Any] | None, text: str = "opaque", **changed: Any) -> Outcome:
    world = World(opaque={} if claims is None else {text: claims})
    return verdict(bearing(text), world, introspection=[introspection(**changed)])


def _told(**claims: Any) -> dict[str, Any]:
    return said(**{"iss": None, "exp": None, "iat": None, "jti": None, "active": True, **claims})


def test_an_opaque_token_is_who_its_issuer_says() -> None:
    found = caller(_asked(_told(scope="read write", client_id="app", username="Ann")))
    assert (found.id, found.source) == (f"introspection:{ASKED}#ann", "introspection")
    assert (found.scopes, found.client, found.expires_at) == ({"read", "write"}, "app", None)
    assert caller(_asked(_told(username="Ann"), subject_claim="username")).subject == "Ann"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (None, "SMCP202"),
        (_told(iss="https://evil.example.com"), "SMCP202"),
        (_told(iss=[ASKED]), "SMCP202"),
        (_told(sub=None), "SMCP202"),
        (_told(exp="soon"), "SMCP202"),
        (_told(exp=NOW - 30), "SMCP203"),
        (_told(nbf=NOW + 31), "SMCP203"),
        (_told(aud="https://other.example.com"), "SMCP204"),
        (_told(aud=None), "SMCP204"),
        (_told(aud=[]), "SMCP204"),
    ],
)
def test_an_opaque_token_that_does_not_count_here_is_refused(claims: dict[str, Any] | None, code: str) -> None:
    assert codes(_asked(claims)) == [code]


def test_an_opaque_token_is_judged_anew_each_time() -> None:
    world = World(opaque={"opaque": _told(jti="o1")})
    rung = identity.build(policy(introspection=[introspection()]), environment_key=False)
    caller(judge(rung, bearing("opaque"), world))
    world.revoked = {f"jti:{ASKED}#o1"}
    assert codes(judge(rung, bearing("opaque"), world)) == ["SMCP205"]
    world.opaque.clear()
    assert codes(judge(rung, bearing("opaque"), world)) == ["SMCP202"]


def test_a_token_of_a_known_issuer_is_never_asked_about() -> None:
    both = {"jwt": [issuer()], "introspection": [introspection()]}
    forged = token(said(sub="root"))[:-6] + "AAAAAA"
    world = World(opaque={forged: _told()})
    assert codes(verdict(bearing(forged), world, **both)) == ["SMCP202"] and world.of(Introspect) == []
    foreign = token(said(iss=ASKED))
    assert codes(verdict(bearing(foreign), World(opaque={foreign: _told(iss=ASKED)}), **both)) == []


# -- gateways and certificates ---------------------------------------------------------------------------------------

PROXY = "10.0.0.1"
TRUSTING = {"trusted_proxies": ["10.0.0.0/8"]}
FORWARDED = {"user": "X-User", "roles": "X-Roles", "scopes": "X-Scopes", "tenant": "X-Tenant"}
SUBJECT = "CN=reports,O=Example"
VOUCHING = {
    "forwarded": FORWARDED,
    "certificate": {"header": "X-Client-Subject", "subjects": {SUBJECT: ["reporter"], "CN=none": []}},
}


def _through(*fields: tuple[str, str], peer: str = PROXY, text: str | None = None, **more: Any) -> Outcome:
    under = policy(server=TRUSTING, **VOUCHING, **more)
    return verdict(bearing(text, *fields, peer=peer), under=under)


def test_a_trusted_gateway_names_the_caller() -> None:
    fields = (
        ("x-user", "ann"),
        ("x-roles", "viewer, editor,,viewer"),
        ("x-scopes", "read  write"),
        ("x-tenant", "acme"),
    )
    assert caller(_through(*fields)) == Caller(
        id="user:ann",
        verified=True,
        source="forwarded",
        roles=("viewer", "editor"),
        scopes=frozenset({"read", "write"}),
        tenant="acme",
        subject="ann",
    )
    assert caller(_through(("x-user", "ann"))).roles == ()
    assert caller(_through(("x-user", "a" * 1024))).subject == "a" * 1024


@pytest.mark.parametrize("field", [("x-user", "ann"), ("x-client-subject", SUBJECT)])
def test_nobody_but_a_trusted_proxy_vouches_for_a_caller(field: tuple[str, str]) -> None:
    for peer in (ADDRESS, "11.0.0.1", "", "unix", "10.0.0.1x", "::1"):
        assert codes(_through(field, peer=peer)) == ["SMCP201"]
    for peer in (PROXY, "::ffff:10.0.0.1"):
        assert codes(_through(field, peer=peer)) == []


def test_the_address_that_a_stranger_claims_makes_no_proxy_of_it() -> None:
    fields = (("x-user", "ann"), ("x-forwarded-for", PROXY))
    assert codes(_through(*fields, peer=ADDRESS)) == ["SMCP201"]


@pytest.mark.parametrize(
    "field",
    [
        ("x-forwarded-for", PROXY),
        ("x-forwarded-for", f"203.0.113.9, {PROXY}"),
        ("x-forwarded-for", f"{PROXY}, 203.0.113.9"),
        ("x-forwarded-for", f"\xa0{PROXY}\t"),
        ("x-forwarded-for", f"{PROXY}:4711"),
        ("x-forwarded-for", f"[{PROXY}]:4711"),
        ("x-forwarded-for", f"::ffff:{PROXY}"),
        ("x-forwarded-for", "[::FFFF:0a00:0001]"),
        ("x-forwarded-for", f"{PROXY}%eth0"),
        ("forwarded", f"for={PROXY}"),
        ("forwarded", f'proto=https;For="{PROXY}:4711";by=203.0.113.1'),
        ("forwarded", f'for=203.0.113.9, for="[::ffff:{PROXY}]:4711"'),
    ],
)
def test_a_peer_that_stands_in_a_list_of_the_clients_is_believed_nothing(field: tuple[str, str]) -> None:
    assert codes(_through(("x-user", "root"), field)) == ["SMCP201"]
    assert codes(_through(("x-client-subject", SUBJECT), field, peer=f"::ffff:{PROXY}")) == ["SMCP201"]


@pytest.mark.parametrize(
    "field",
    [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9, 10.0.0.2"),
        ("x-forwarded-for", "110.0.0.1, 10.0.0.11:80, unknown, _hidden, , ::1"),
        ("forwarded", f"for=203.0.113.9;by={PROXY}"),
        ("forwarded", 'for="_secret", for="[2001:db8::1]:4711"'),
    ],
)
def test_a_gateway_that_lists_others_is_believed(field: tuple[str, str]) -> None:
    assert caller(_through(("x-user", "ann"), field)).id == "user:ann"


def test_a_list_of_addresses_that_came_twice_is_not_read() -> None:
    twice = (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "203.0.113.8"))
    assert codes(_through(("x-user", "ann"), *twice)) == ["SMCP201"]


def test_a_name_that_is_no_address_is_compared_as_it_is() -> None:
    under = policy(server={"trusted_proxies": ["unix"]}, **VOUCHING)
    for listed, expected in (("203.0.113.9", []), ("unix", ["SMCP201"]), ("x, unix ", ["SMCP201"])):
        context = bearing(None, ("x-user", "ann"), ("x-forwarded-for", listed), peer="unix")
        assert codes(verdict(context, under=under)) == expected


def test_a_listed_certificate_names_the_caller() -> None:
    found = caller(_through(("x-client-subject", SUBJECT)))
    assert (found.id, found.source, found.roles) == (f"cert:{SUBJECT}", "certificate", ("reporter",))
    assert caller(_through(("x-client-subject", "CN=none"))).roles == ()


@pytest.mark.parametrize(
    "subject", ["CN=other", SUBJECT.lower(), f"{SUBJECT},O=x", "CN=reports", f"x, {SUBJECT}", "\u00ff"]
)
def test_a_certificate_that_is_not_listed_is_refused(subject: str) -> None:
    assert codes(_through(("x-client-subject", subject))) == ["SMCP202"]


@pytest.mark.parametrize(
    "fields",
    [
        (("x-user", "ann"), ("x-user", "bob")),
        (("x-user", "ann"), ("X-User", "ann")),
        (("x-user", "root, ann"),),
        (("x-user", "ann"), ("x-roles", "a"), ("x-roles", "b")),
        (("x-user", "ann"), ("x-scopes", "a"), ("x-scopes", "b")),
        (("x-user", "ann"), ("x-tenant", "a"), ("x-tenant", "b")),
        (("x-client-subject", SUBJECT), ("x-client-subject", SUBJECT)),
        (("x-user", "ann"), ("x-client-subject", SUBJECT)),
    ],
)
def test_what_two_hands_may_have_written_is_refused(fields: tuple[tuple[str, str], ...]) -> None:
    assert codes(_through(*fields)) == ["SMCP209"]


@pytest.mark.parametrize("user", ["an\tn", "ann\x7f", "a" * 1025, "\xff"])
def test_a_name_that_no_gateway_writes_is_refused(user: str) -> None:
    assert codes(_through(("x-user", user))) == ["SMCP202"]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_gateway_that_names_nobody_vouches_for_nobody(blank: str) -> None:
    assert codes(_through(("x-user", blank), ("x-client-subject", blank))) == ["SMCP201"]
    assert caller(_through(("x-user", blank), ("x-client-subject", SUBJECT))).source == "certificate"


def test_a_token_decides_alone_where_a_gateway_vouches_too() -> None:
    fields = (("x-user", "root"), ("x-user", "root"))
    assert caller(_through(*fields, text=token(), jwt=[issuer()])).id == f"jwt:{ISSUER}#ann"
    assert codes(_through(*fields, text="forged", jwt=[issuer()])) == ["SMCP202"]


def test_the_word_of_a_gateway_can_be_revoked() -> None:
    under = policy(server=TRUSTING, **VOUCHING)
    context = bearing(None, ("x-user", "ann"), peer=PROXY)
    assert codes(verdict(context, World(revoked=["sub:user:ann"]), under=under)) == ["SMCP205"]
    assert codes(verdict(context, World(revoked=["sub:user:bob"]), under=under)) == []


# -- one credential --------------------------------------------------------------------------------------------------


def test_two_credentials_are_refused_whatever_they_are() -> None:
    both = {**HEADER, "jwt": [issuer()]}
    bearer, own = ("authorization", f"Bearer {token()}"), ("x-api-key", KEY)
    for context in (
        bearing(None, bearer, own),
        bearing(None, bearer, bearer),
        bearing(None, own, own),
        bearing(KEY, own),
        bearing(token(), token=token()),
        bearing(token(), api_key=KEY),
        bearing(None, own, api_key=KEY),
        _in_process(token=token(), api_key=KEY),
    ):
        outcome = verdict(context, _keys(), **both)
        assert codes(outcome) == ["SMCP209"] and 'error="invalid_request"' in outcome.findings[0].challenge


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (bearing(token(), ("x-api-key", KEY)), "SMCP209"),
        (bearing(token(), ("authorization", "Bearer other")), "SMCP209"),
        (bearing(token(), api_key=KEY), "SMCP209"),
        (bearing(token(), token="other"), "SMCP209"),
        (bearing(None, ("authorization", f"Digest {token()}")), "SMCP202"),
        (bearing(None, ("x-api-key", token())), "SMCP202"),
        (asking("access_token=x"), "SMCP208"),
    ],
)
def test_what_is_wrong_with_a_message_is_seen_also_if_its_token_is_remembered(context: Context, code: str) -> None:
    rung = identity.build(policy(**HEADER, jwt=[issuer()]), environment_key=False)
    world = _keys()
    caller(judge(rung, bearing(token()), world))
    assert codes(judge(rung, context, world)) == [code]


@pytest.mark.parametrize(
    ("context", "where"),
    [
        (bearing("wrong"), "Authorization"),
        (bearing(token(said(sub=None))), "Authorization"),
        (bearing(None, ("x-api-key", "wrong")), "x-api-key"),
        (bearing(None, ("x-api-key", "wr ong")), "x-api-key"),
        (_in_process(token="wrong"), "token"),
        (_in_process(api_key="wrong"), "api_key"),
        (asking("token=x"), "query"),
        (bearing("wrong", ("x-api-key", "wrong")), "x-api-key"),
    ],
)
def test_a_refusal_says_which_field_it_is_about(context: Context, where: str) -> None:
    outcome = verdict(context, **HEADER, jwt=[issuer()])
    assert [finding.where for finding in outcome.findings] == [where]


@pytest.mark.parametrize(("length", "expected"), [(8192, []), (8193, ["SMCP202"])])
def test_a_credential_has_at_most_eight_kibibytes(length: int, expected: list[str]) -> None:
    world, sections = _environment("k" * length)
    sections["api_keys"] = {"header": "X-API-Key"}
    for context in (bearing("k" * length), bearing(None, ("x-api-key", "k" * length)), _in_process(token="k" * length)):
        assert codes(verdict(context, world, **sections)) == expected


# -- failed logins ---------------------------------------------------------------------------------------------------


def _charges(text: str, **sections: Any) -> list[Charge]:
    world = _keys()
    verdict(bearing(text), world, **(sections or FILE))
    assert all(question.local for question in world.of(Spend))
    return [charge for question in world.of(Spend) for charge in question.charges]


def test_a_wrong_credential_is_counted_by_address_and_key() -> None:
    wrong = f"smcp_{ID}_{'t' * 43}"
    [charge] = _charges(wrong)
    assert (charge.key, charge.burst, charge.interval) == (f"login:{ADDRESS}:{ID}", 10, 6.0)
    assert _charges(f"smcp_{'f' * 12}_{SECRET}")[0].key != charge.key
    assert _charges("whatever")[0].key == _charges("other", jwt=[issuer()])[0].key == f"login:{ADDRESS}:token"
    assert _charges(KEY) == []


def test_too_many_wrong_credentials_are_told_to_wait() -> None:
    outcome = verdict(bearing("wrong"), World(throttled=4.5))
    assert codes(outcome) == ["SMCP207"]
    assert (outcome.findings[0].retry_after, outcome.findings[0].challenge) == (4.5, "")


@pytest.mark.parametrize("text", [KEY, token()])
def test_a_right_credential_never_waits_for_wrong_ones(text: str) -> None:
    world = _keys()
    world.throttled = 60.0
    assert codes(verdict(bearing(text), world, **FILE, jwt=[issuer()])) == [] and world.of(Spend) == []


# -- what is away ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        (LookUp, Unavailable("keys.yaml: unreadable"), KEY),
        (AskStanding, StoreAway("redis: refused"), KEY),
        (Introspect, Unavailable("opaque.example.com: refused"), "opaque"),
    ],
)
def test_what_cannot_be_judged_is_denied_and_nothing_is_counted(kind: Any, error: Exception, text: str) -> None:
    world = _keys()
    world.away[kind] = error
    outcome = verdict(bearing(text), world, **FILE, introspection=[introspection()])
    assert codes(outcome) == ["SMCP206"] and outcome.caller is None and world.of(Spend) == []
    assert str(error) not in repr(outcome) and outcome.findings[0].challenge == ""


def test_a_message_without_a_credential_needs_nothing_that_is_away() -> None:
    world = World()
    world.away = {LookUp: Unavailable("x"), AskStanding: StoreAway("x")}
    assert codes(verdict(bearing(), world, **FILE)) == ["SMCP201"]


# -- scopes that every token needs -----------------------------------------------------------------------------------

SCOPED = {"jwt": [issuer()], "scopes": ["mcp:read", "mcp:call"], "scope_hierarchy": {"mcp": ["mcp:read", "mcp:call"]}}


@pytest.mark.parametrize("scope", ["", "mcp:read", "mcp:read mcp:calls", "MCP:READ MCP:CALL", "mcp:read,mcp:call"])
def test_a_token_without_a_required_scope_is_challenged_for_all_of_them(scope: str) -> None:
    outcome = verdict(bearing(token(said(scope=scope))), **SCOPED)
    assert codes(outcome) == ["SMCP302"] and outcome.caller is None
    assert 'error="insufficient_scope"' in outcome.findings[0].challenge
    assert 'scope="mcp:read mcp:call"' in outcome.findings[0].challenge
    assert outcome.findings[0].data == {"scopes": ["mcp:read", "mcp:call"]}


@pytest.mark.parametrize("scope", ["mcp:read mcp:call", "x mcp:call mcp:read", "mcp"])
def test_a_token_with_the_required_scopes_passes(scope: str) -> None:
    assert {"mcp:read", "mcp:call"} <= caller(verdict(bearing(token(said(scope=scope))), **SCOPED)).scopes


def test_a_token_that_lacks_a_scope_is_not_remembered_as_good() -> None:
    rung = identity.build(policy(**SCOPED), environment_key=False)
    world = World()
    for _ in range(2):
        assert codes(judge(rung, bearing(token(said(scope="mcp:read"))), world)) == ["SMCP302"]


def test_a_key_without_a_required_scope_is_refused_without_a_challenge() -> None:
    scoped = {**FILE, "scopes": ["mcp:read"]}
    outcome = verdict(bearing(KEY), _keys(), **scoped)
    assert codes(outcome) == ["SMCP302"] and outcome.findings[0].challenge == ""
    assert codes(verdict(bearing(KEY), _keys(scopes=("mcp:read",)), **scoped)) == []


def test_scopes_are_not_asked_of_what_has_no_place_for_them() -> None:
    world, sections = _environment()
    assert codes(verdict(bearing(ENVIRONMENT_SECRET), world, **sections, scopes=["mcp:read"])) == []
    assert codes(_through(("x-client-subject", SUBJECT), scopes=["mcp:read"])) == []
    assert codes(_through(("x-user", "ann"), scopes=["mcp:read"])) == ["SMCP302"]
    bare = policy(server=TRUSTING, forwarded={"user": "X-User"}, scopes=["mcp:read"])
    assert codes(verdict(bearing(None, ("x-user", "ann"), peer=PROXY), under=bare)) == []
