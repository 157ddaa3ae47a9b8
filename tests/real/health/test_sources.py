"""Keys, issuers and files that go away under a running server, and come back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPMiddleware
from smcp_security.keys.issuing import create_key
from tests.real.health.probing import once, passes
from tests.real.house import Address
from tests.real.identity.issuer import JWKS
from tests.real.identity.lab import issuing, lab, listening, reserved, trusting
from tests.real.identity.rooms import stateless
from tests.real.identity.valkey import Valkey

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@contextlib.asynccontextmanager
async def guarded(policy: dict[str, Any] | Path) -> AsyncIterator[Address]:
    """A server of this process, with probes."""
    source = policy if isinstance(policy, Path) else {"version": 1, "probes": {}, **policy}
    edge = SMCPMiddleware(stateless(), policy=source)
    async with listening(edge, reserved()) as address:
        with contextlib.closing(edge.framework):
            yield address


async def test_a_key_file_that_is_removed_makes_a_server_unready_until_it_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    _, key = create_key(str(file), owner="ann")
    async with guarded({"identity": {"api_keys": {"file": str(file)}}}) as address:
        await once(address, "ready")
        assert await passes(address, key, "whoami")
        aside = file.rename(tmp_path / "aside")
        await once(address, "unready", "keys")
        assert not await passes(address, key, "whoami")
        aside.rename(file)
        await once(address, "ready")
        assert await passes(address, key, "whoami")


async def test_a_key_file_that_others_may_write_makes_a_server_unready_until_they_may_not(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    create_key(str(file), owner="ann")
    async with guarded({"identity": {"api_keys": {"file": str(file)}}}) as address:
        await once(address, "ready")
        os.chmod(file, 0o666)
        await once(address, "unready", "keys")
        os.chmod(file, 0o600)
        await once(address, "ready")


async def test_an_issuer_that_goes_down_leaves_a_server_ready_that_has_its_keys() -> None:
    async with lab(stateless, policy={"probes": {}}) as place:
        assert (await once(place.address, "ready")).parts["keys"]["detail"].endswith(" s old")
        place.issuer.moods[JWKS] = place.issuer.fails
        await once(place.address, "ready")
        assert await passes(place.address, place.token(), "whoami")


async def test_an_issuer_that_never_answered_makes_a_server_unready_that_knows_no_other() -> None:
    async with issuing() as issuer:
        issuer.moods[JWKS] = issuer.hangs
        trust = trusting(issuer.authority.url)
        resource = {"resource": "http://127.0.0.1:8000/mcp"}
        policy = {"server": resource, "identity": {"jwt": [trust]}, "probes": {"deadline": 0.2}}
        async with guarded(policy) as address:
            assert (await once(address, "unready", "keys")).parts["keys"]["detail"] == "no answer within 0.2 s"
            issuer.release.set()
            await once(address, "ready")


async def test_a_store_that_is_gone_degrades_a_server_that_only_counts_with_it(store: Valkey) -> None:
    async with guarded({"store": {"url": store.url}}) as address:
        await once(address, "ready")
        store.kill()
        await once(address, "degraded", "store")
        assert await passes(address, "", "whoami")
        store.start()
        await once(address, "ready")


async def test_a_policy_file_that_was_edited_is_told_and_the_server_serves_on(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nprobes: {}\n")
    async with guarded(file) as address:
        await once(address, "ready")
        file.write_text("version: 1\nprobes: {}\nmode: monitor\n")
        assert "has changed since" in (await once(address, "degraded", "policy")).parts["policy"]["detail"]
        assert await passes(address, "", "whoami")
        file.write_text("version: 1\nprobes: {}\n")
        await once(address, "ready")
