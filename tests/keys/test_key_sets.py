"""Every issuer has its own source of keys: a URL over a real socket, a local file, a shared secret."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smcp_security.checks.rung import FetchKeys
from smcp_security.errors import KeyFileError, PolicyError, Unavailable
from smcp_security.keys import fetch
from smcp_security.keys.issuer_keys import FRESH_FOR
from smcp_security.keys.key_sets import KeySets
from smcp_security.policy.identity import IssuerPolicy
from tests.keys.issuer import Clock, Issuer, jwks, key, serving

HERE = "https://here.example"
FILE = "https://file.example"
SECRET = "https://secret.example"


def policy(issuer: str = HERE, **fields: Any) -> IssuerPolicy:
    fields = {"algorithms": ["ES256"], "allow_http": True, "allow_private": True, **fields}
    return IssuerPolicy.model_validate({"issuer": issuer, **fields})


@pytest.fixture
def site() -> Iterator[Issuer]:
    with serving(jwks("a")) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def names(found: object) -> list[str]:
    assert isinstance(found, list | tuple)
    return [each.kid for each in found]


def test_keys_come_over_the_network_once_and_from_memory_then(site: Issuer) -> None:
    sets = KeySets([policy(jwks=site.url)], {})
    assert site.count == 0
    assert names(sets.fetch(FetchKeys(HERE, "a"))) == ["a"]
    assert names(sets.fetch_async(FetchKeys(HERE, "a"))) == ["a"]
    assert site.count == 1
    assert sets.fetch(FetchKeys(HERE, "a"))[0].thumbprint == key("a").thumbprint()


def test_an_issuer_that_the_policy_does_not_name_has_no_keys(site: Issuer) -> None:
    sets = KeySets([policy(jwks=site.url)], {})
    assert names(sets.fetch(FetchKeys(HERE + "/", "a"))) == []
    assert names(sets.fetch_async(FetchKeys("", ""))) == []
    assert site.count == 0


def test_a_rotated_key_is_found_and_the_old_one_is_gone(site: Issuer, clock: Clock) -> None:
    sets = KeySets([policy(jwks=site.url)], {}, clock=clock)
    assert names(sets.fetch(FetchKeys(HERE, "a"))) == ["a"]
    site.body = jwks("b")
    assert names(sets.fetch(FetchKeys(HERE, "b"))) == ["b"]
    assert names(sets.fetch(FetchKeys(HERE, "a"))) == []
    assert sets.thumbprints()[HERE] == {key("b").thumbprint()}


def test_an_issuer_that_goes_down_is_stale_and_then_unavailable(clock: Clock) -> None:
    with serving(jwks("a")) as site:
        sets = KeySets([policy(jwks=site.url, max_stale=3600)], {}, clock=clock)
        assert names(sets.fetch(FetchKeys(HERE, "a"))) == ["a"]
    clock.now += 3600
    assert names(sets.fetch(FetchKeys(HERE, "a"))) == ["a"]
    clock.now += 1
    with pytest.raises(Unavailable, match="cannot be had"):
        sets.fetch(FetchKeys(HERE, "a"))
    with serving(jwks("a"), port=site.port):
        clock.now += 60
        assert names(sets.fetch(FetchKeys(HERE, "a"))) == ["a"]


@pytest.mark.parametrize("body", [b"<html>", b"[" * 500_000, b" " * (2 * 1024 * 1024)], ids=["html", "deep", "large"])
def test_an_issuer_that_answers_nonsense_is_unavailable(site: Issuer, body: bytes) -> None:
    site.body = body
    sets = KeySets([policy(jwks=site.url)], {})
    for _ in range(3):
        with pytest.raises(Unavailable):
            sets.fetch(FetchKeys(HERE, "a"))
    assert site.count == 1
    assert dict(sets.thumbprints()) == {}


def test_an_issuer_that_hangs_holds_up_no_other(site: Issuer) -> None:
    async def check() -> None:
        with serving(jwks("b")) as other:
            site.gate.clear()
            sets = KeySets([policy(jwks=site.url), policy(FILE, jwks=other.url)], {})
            slow = asyncio.ensure_future(sets.fetch_async(FetchKeys(HERE, "a")))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            assert names(await sets.fetch_async(FetchKeys(FILE, "b"))) == ["b"]  # type: ignore[misc]
            assert not slow.done()
            site.gate.set()
            assert names(await slow) == ["a"]

    asyncio.run(asyncio.wait_for(check(), 20))


# -- thumbprints -----------------------------------------------------------------------------------------------------


def test_thumbprints_are_the_same_object_until_a_set_changes(site: Issuer, clock: Clock) -> None:
    sets = KeySets([policy(jwks=site.url)], {}, clock=clock)
    nobody = sets.thumbprints()
    assert dict(nobody) == {}
    assert sets.thumbprints() is nobody
    sets.fetch(FetchKeys(HERE, "a"))
    known = sets.thumbprints()
    assert dict(known) == {HERE: frozenset({key("a").thumbprint()})}
    assert sets.thumbprints() is known
    clock.now += 2 * FRESH_FOR
    sets.fetch(FetchKeys(HERE, "a"))
    assert (site.count, sets.thumbprints() is known) == (2, True)
    clock.now += 86_401
    assert dict(sets.thumbprints()) == {}
    assert not isinstance(sets.thumbprints(), dict), "nobody can change it"
    assert isinstance(sets.thumbprints(), Mapping)


# -- a local file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks("a", "b"))
    path.chmod(0o644)
    return path


def test_a_local_file_serves_without_any_network(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    sets = KeySets([policy(FILE, jwks=str(path))], {})
    assert names(sets.fetch(FetchKeys(FILE, "b"))) == ["b"]
    assert names(sets.fetch_async(FetchKeys(FILE, ""))) == ["a", "b"]
    assert names(sets.fetch(FetchKeys(FILE, "x"))) == []
    assert sets.thumbprints()[FILE] == {key("a").thumbprint(), key("b").thumbprint()}


def test_a_change_of_the_file_counts_for_keys_and_thumbprints(path: Path, clock: Clock) -> None:
    sets = KeySets([policy(FILE, jwks=str(path))], {}, clock=clock)
    path.write_bytes(jwks("b", "c"))
    clock.now += 1
    assert names(sets.fetch(FetchKeys(FILE, "a"))) == []
    assert names(sets.fetch(FetchKeys(FILE, "c"))) == ["c"]
    assert key("a").thumbprint() not in sets.thumbprints()[FILE]


def test_thumbprints_alone_notice_that_the_file_has_changed(path: Path, clock: Clock) -> None:
    sets = KeySets([policy(FILE, jwks=str(path))], {}, clock=clock)
    path.write_bytes(jwks("b"))
    clock.now += 1
    sets.thumbprints()
    source = sets._sources[FILE]
    source._file._reading.wait()  # type: ignore[attr-defined]
    assert sets.thumbprints()[FILE] == {key("b").thumbprint()}
    path.unlink()
    clock.now += 1
    sets.thumbprints()
    source._file._reading.wait()  # type: ignore[attr-defined]
    assert dict(sets.thumbprints()) == {}
    with pytest.raises(Unavailable):
        sets.fetch(FetchKeys(FILE, "b"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "not JSON"), (b"{}", "not a JWKS"), (b'{"keys": []}', "no key"), (b'{"keys": [{"kty": "oct"}]}', "no key")],
)
def test_a_file_that_is_no_set_of_keys_stops_the_start(path: Path, data: bytes, problem: str) -> None:
    path.write_bytes(data)
    with pytest.raises(KeyFileError, match=problem) as error:
        KeySets([policy(FILE, jwks=str(path))], {})
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_that_is_missing_or_anybodys_stops_the_start(path: Path) -> None:
    with pytest.raises(KeyFileError, match="no such file"):
        KeySets([policy(FILE, jwks=f"{path}.none")], {})
    path.chmod(0o666)
    with pytest.raises(KeyFileError, match="chmod go-w"):
        KeySets([policy(FILE, jwks=str(path))], {})


# -- a shared secret -------------------------------------------------------------------------------------------------

SHARED = policy(SECRET, algorithms=["HS256"], secret="env:SHARED")


def test_a_shared_secret_is_the_one_key_whatever_a_token_calls_it() -> None:
    value = secrets.token_urlsafe(32)
    sets = KeySets([SHARED], {"SHARED": value})
    (found,) = sets.fetch(FetchKeys(SECRET, "x"))
    assert found.key.raw_value == value.encode()
    assert sets.fetch_async(FetchKeys(SECRET, "")) == (found,)
    assert sets.thumbprints()[SECRET] == {found.thumbprint}
    assert value not in repr(found)


@pytest.mark.parametrize("environ", [{}, {"SHARED": ""}, {"SHARED": "short"}, {"SHARED": "x" * 40}])
def test_a_secret_that_is_missing_or_weak_stops_the_start_without_being_shown(environ: dict[str, str]) -> None:
    with pytest.raises(PolicyError, match="SHARED") as error:
        KeySets([SHARED], environ)
    assert "x" * 40 not in str(error.value)


# -- start, reload, fork ---------------------------------------------------------------------------------------------


def test_a_missing_package_stops_the_start_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, site: Issuer
) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(PolicyError, match=r"identity\.jwt\[1\]\.jwks: .*smcp-security\[http\]"):
        KeySets([SHARED, policy(jwks=site.url)], {"SHARED": secrets.token_urlsafe(32)})


def test_a_reload_keeps_what_was_fetched_for_an_issuer_that_stays_the_same(site: Issuer) -> None:
    before = KeySets([policy(jwks=site.url)], {})
    before.fetch(FetchKeys(HERE, "a"))
    same, other = KeySets([policy(jwks=site.url)], {}), KeySets([policy(jwks=site.url, leeway=5)], {})
    same.adopt(before)
    other.adopt(before)
    assert dict(same.thumbprints()) == dict(before.thumbprints())
    assert dict(other.thumbprints()) == {}
    assert names(same.fetch(FetchKeys(HERE, "a"))) == ["a"]
    assert site.count == 1
    assert names(other.fetch(FetchKeys(HERE, "a"))) == ["a"]
    assert site.count == 2


def test_after_a_fork_every_source_answers(site: Issuer, path: Path) -> None:
    sets = KeySets([policy(jwks=site.url), policy(FILE, jwks=str(path)), SHARED], {"SHARED": secrets.token_urlsafe(32)})
    sets._sources[HERE]._lock.acquire()  # type: ignore[attr-defined]
    sets._sources[FILE]._file._lock.acquire()  # type: ignore[attr-defined]
    sets.reset_locks()
    assert [len(sets.fetch(FetchKeys(issuer))) for issuer in (HERE, FILE, SECRET)] == [1, 2, 1]
