"""stdio servers that are secured in process, in processes of their own, driven by the official client, on every SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.keys.issuing import create_key
from tests.adapters.sdk.hosts import HONEST, told
from tests.real.edges.sdk_stand import KINDS, Stand, answer, asked, attacked, each_once, reported, stand_of

pytestmark = [pytest.mark.real, pytest.mark.anyio]
READER_AND_WRITER = {
    "reader": {"allow": [{"tools": ["write"]}]},
    "writer": {"allow": [{"tools": ["*"]}]},
}


@pytest.fixture(params=KINDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Stand:
    return stand_of(request.param, request, tmp_path)


async def test_a_stdio_server_is_guarded_both_ways(stand: Stand, tmp_path: Path) -> None:
    policy, key = _policy_and_key(tmp_path, "writer")
    async with stand.over_stdio("legacy", policy, key, elicitation_callback=answer) as client:
        await attacked(client)
        await asked(client)
        await reported(client)
    each_once(stand, "sdk", 12)
    assert {record["caller"]["id"] for record in stand.recorded() if record["kind"] == "decision"} == {"key:writer"}


async def test_the_credential_of_the_environment_says_what_there_is_on_stdio(stand: Stand, tmp_path: Path) -> None:
    policy, key = _policy_and_key(tmp_path, "reader")
    async with stand.over_stdio("auto", policy, key) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"write"}
        assert (await told(client.call_tool("run", {"command": HONEST}))).startswith("error -31403 SMCP301")
        assert await told(client.call_tool("write", {"count": 3})) == "xxx"


def _policy_and_key(folder: Path, role: str) -> tuple[dict[str, object], str]:
    path = str(folder / "keys.yaml")
    _, key = create_key(path, owner=role, roles=[role])
    return {"identity": {"api_keys": {"file": path}}, "roles": READER_AND_WRITER}, key
