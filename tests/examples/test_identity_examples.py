"""The examples with callers do what they say: keys and roles, an issuer, a limit that workers share."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from smcp_security import Policy
from tests.examples.test_examples import FOLDER, _loaded
from tests.real.house import Address, served

pytestmark = [pytest.mark.anyio, pytest.mark.real]


@contextlib.asynccontextmanager
async def _client(address: Address, credential: str) -> AsyncIterator[Any]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {credential}"}, trust_env=False) as http,
        Client(streamable_http_client(address.url(), http_client=http)) as client,
    ):
        yield client


def _key(file: Path, role: str) -> str:
    command = [sys.executable, "-m", "smcp_security.cli", "keys", "create", "--file", str(file), "--owner", role]
    done = subprocess.run([*command, "--role", role], capture_output=True, text=True, check=True, cwd=FOLDER.parent)
    return done.stdout.splitlines()[-1]


async def test_a_reader_sees_and_calls_only_what_its_role_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, librarian = (_key(tmp_path / "keys.yaml", role) for role in ("reader", "librarian"))
    monkeypatch.chdir(tmp_path)
    async with served(_loaded("api_keys_app", monkeypatch).app) as address:
        async with _client(address, reader) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("find_book", {"title": "Emma"})
            with pytest.raises(Exception, match="no such tool"):
                await client.call_tool("remove_book", {"title": "Emma"})
        async with _client(address, librarian) as client:
            removed = await client.call_tool("remove_book", {"title": "Emma"})
            with pytest.raises(Exception, match="No role"):
                await client.call_tool("remove_book", {"title": "Atlas of the World"})
    assert listed == ["find_book"]
    assert "shelf 7" in found.model_dump_json()
    assert "is gone" in removed.model_dump_json()


async def test_a_tool_knows_who_asks_by_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = _loaded("issuer", monkeypatch)
    # The keys of the example's own issuer, from a server on a free port in place of port 9000.
    keys = issuer.ThreadingHTTPServer(("127.0.0.1", 0), issuer.Keys)
    with _in_background(keys):
        place = f"http://127.0.0.1:{keys.server_address[1]}/jwks.json"
        monkeypatch.setattr(issuer.Keys, "log_message", lambda *_: None)
        policy = Policy.load(FOLDER / "oidc.yaml").model_dump(mode="json", by_alias=True, exclude_unset=True)
        policy["identity"]["jwt"][0]["jwks"] = place
        example = _loaded("oidc_app", monkeypatch)
        app = example.SMCPMiddleware(example.mcp.streamable_http_app(), policy=policy)
        async with served(app) as address:
            async with _client(address, issuer.token("ann")) as client:
                found = await client.call_tool("find_book", {"title": "Emma"})
            async with _client(address, issuer.token("bob", scope="")) as client:
                with pytest.raises(Exception, match="scope"):
                    await client.call_tool("find_book", {"title": "Emma"})
    assert "asked by ann" in found.model_dump_json()


@contextlib.contextmanager
def _in_background(server: Any) -> Any:
    from threading import Thread

    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
