"""`Keys` answers the questions of the identity rung from what the policy names, and nothing else."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from smcp_security.checks.rung import ApiKey, FetchKeys, Introspect, LookUp, ReadBody
from smcp_security.errors import KeyFileError, PolicyError, Unavailable
from smcp_security.keys.issuing import create_key
from smcp_security.keys.ring import Keys
from smcp_security.policy.identity import IdentityPolicy
from tests.keys.issuer import Issuer, jwks, serving

HERE = "https://here.example"


@pytest.fixture
def site() -> Iterator[Issuer]:
    with serving(jwks("a")) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys.yaml")


def identity(**fields: object) -> IdentityPolicy:
    return IdentityPolicy.model_validate(fields)


def of_issuer(site: Issuer) -> IdentityPolicy:
    issuer = {"issuer": HERE, "algorithms": ["ES256"], "jwks": site.url, "allow_http": True, "allow_private": True}
    return identity(jwt=[issuer])


def test_every_question_is_answered_from_its_own_source(site: Issuer, path: str) -> None:
    entry, _ = create_key(path, owner="ann")
    policy = of_issuer(site).model_copy(update={"api_keys": identity(api_keys={"file": path}).api_keys})
    keys = Keys(policy, {})
    found = keys.answer(LookUp(entry.id))
    assert isinstance(found, ApiKey)
    assert found == keys.answer_async(LookUp(entry.id))
    assert keys.answer(LookUp("SMCP_API_KEY")) is None
    assert [key.kid for key in keys.answer(FetchKeys(HERE, "a"))] == ["a"]  # type: ignore[attr-defined]
    assert keys.answer_async(FetchKeys(HERE, "a")) == keys.answer(FetchKeys(HERE, "a"))
    assert (keys.answer(Introspect(HERE, "x")), keys.answer_async(Introspect(HERE, "x"))) == (None, None)
    assert list(keys.thumbprints()) == [HERE]


def test_a_question_for_somebody_else_is_a_mistake_of_the_program() -> None:
    keys = Keys(None, {})
    for answer in (keys.answer, keys.answer_async):
        with pytest.raises(TypeError, match="ReadBody"):
            answer(ReadBody(1))


def test_without_a_policy_nobody_is_known() -> None:
    keys = Keys(None, {"SMCP_API_KEY": secrets.token_urlsafe(32)})
    assert keys.answer(LookUp("SMCP_API_KEY")) is None
    assert keys.answer(LookUp("0123456789ab")) is None
    assert list(keys.answer(FetchKeys(HERE))) == []  # type: ignore[call-overload]
    assert (keys.environment_key, dict(keys.thumbprints())) == (False, {})


def test_the_key_of_the_environment_is_one_more_key(path: str) -> None:
    entry, _ = create_key(path, owner="ann")
    secret = secrets.token_urlsafe(32)
    policy = identity(api_keys={"file": path, "roles": ["admin"]})
    keys = Keys(policy, {"SMCP_API_KEY": secret})
    assert keys.environment_key
    found = keys.answer(LookUp("SMCP_API_KEY"))
    assert isinstance(found, ApiKey)
    assert (found.owner, found.roles) == ("SMCP_API_KEY", ("admin",))
    assert found.digest == hmac.digest(found.salt, f"SMCP_API_KEY:{secret}".encode(), "sha256")
    assert keys.answer(LookUp(entry.id)) is not None
    assert keys.answer_async(LookUp("SMCP_API_KEY")) == found


def test_a_made_key_in_the_environment_is_found_by_its_own_id(path: str) -> None:
    entry, text = create_key(path, owner="ann")
    keys = Keys(identity(api_keys={}), {"SMCP_API_KEY": text})
    found = keys.answer(LookUp(entry.id))
    assert isinstance(found, ApiKey)
    assert (found.id, found.owner) == (entry.id, "SMCP_API_KEY")
    assert keys.answer(LookUp("SMCP_API_KEY")) is None
    assert keys.environment_key is False


@pytest.mark.parametrize("secret", ["", " ", "short", "x" * 40, "changeme" * 5])
def test_a_weak_key_in_the_environment_stops_the_start_without_being_shown(secret: str) -> None:
    with pytest.raises(PolicyError, match="SMCP_API_KEY") as error:
        Keys(identity(api_keys={}), {"SMCP_API_KEY": secret})
    assert len(secret) < 6 or secret not in str(error.value)


def test_a_key_file_that_is_missing_stops_the_start(path: str) -> None:
    with pytest.raises(KeyFileError, match="no such file"):
        Keys(identity(api_keys={"file": path}), {})


def test_while_the_file_is_away_the_key_of_the_environment_still_opens(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, _ = create_key(path, owner="ann")
    keys = Keys(identity(api_keys={"file": path}), {"SMCP_API_KEY": secrets.token_urlsafe(32)})
    Path(path).unlink()
    assert keys._file is not None
    keys._file._file._looked = float("-inf")
    with pytest.raises(Unavailable):
        keys.answer(LookUp(entry.id))
    assert keys.answer(LookUp("SMCP_API_KEY")) is not None


def test_a_start_does_not_depend_on_the_issuer(site: Issuer) -> None:
    Keys(of_issuer(site), {})
    assert site.count == 0


def test_a_reload_goes_on_with_what_was_fetched(site: Issuer) -> None:
    before, after = Keys(of_issuer(site), {}), Keys(of_issuer(site), {})
    before.answer(FetchKeys(HERE, "a"))
    after.adopt(before)
    after.answer(FetchKeys(HERE, "a"))
    assert dict(after.thumbprints()) == dict(before.thumbprints())
    assert site.count == 1


def test_closed_keys_answer_nothing_and_fetch_nothing(site: Issuer) -> None:
    keys = Keys(of_issuer(site), {})
    keys.close()
    for question in (LookUp("x"), FetchKeys(HERE), Introspect(HERE, "x")):
        for answer in (keys.answer, keys.answer_async):
            with pytest.raises(Unavailable, match="closed"):
                answer(question)
    assert site.count == 0


def test_closing_one_of_two_that_share_a_source_leaves_the_other_open(site: Issuer) -> None:
    before, after = Keys(of_issuer(site), {}), Keys(of_issuer(site), {})
    before.answer(FetchKeys(HERE, "a"))
    after.adopt(before)
    before.close()
    assert after.answer(FetchKeys(HERE, "a"))


def test_an_event_loop_goes_on_while_keys_are_fetched(site: Issuer) -> None:
    async def check() -> None:
        keys = Keys(of_issuer(site), {})
        site.gate.clear()
        task = asyncio.ensure_future(keys.answer_async(FetchKeys(HERE, "a")))  # type: ignore[call-overload]
        turns = 0
        while turns < 100:
            turns += 1
            await asyncio.sleep(0)
        assert not task.done()
        site.gate.set()
        assert [key.kid for key in await task] == ["a"]

    asyncio.run(asyncio.wait_for(check(), 20))


def test_after_a_fork_all_locks_are_free(site: Issuer, path: str) -> None:
    entry, _ = create_key(path, owner="ann")
    policy = of_issuer(site).model_copy(update={"api_keys": identity(api_keys={"file": path}).api_keys})
    keys = Keys(policy, {})
    assert keys._file is not None
    for lock in (keys._file._file._lock, keys._sets._sources[HERE]._lock):  # type: ignore[attr-defined]
        lock.acquire()
    keys._file._file._looked = float("-inf")
    keys.reset_locks()
    assert keys.answer(LookUp(entry.id)) is not None
    assert keys.answer(FetchKeys(HERE, "a"))


def test_a_key_that_bearer_cannot_carry_is_said_so_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    odd = "!" + secrets.token_urlsafe(32)
    Keys(identity(api_keys={"header": "X-Key"}), {"SMCP_API_KEY": odd})
    Keys(identity(api_keys={}), {"SMCP_API_KEY": secrets.token_urlsafe(32)})
    assert caplog.text == ""
    Keys(identity(api_keys={}), {"SMCP_API_KEY": odd})
    assert "identity.api_keys.header" in caplog.text and odd not in caplog.text


def test_a_key_that_is_no_text_is_a_mistake_in_the_environment() -> None:
    with pytest.raises(PolicyError, match="SMCP_API_KEY"):
        Keys(identity(api_keys={}), {"SMCP_API_KEY": "\udcff" + secrets.token_urlsafe(32)})
