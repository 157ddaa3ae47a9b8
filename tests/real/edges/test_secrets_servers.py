"""Tools with secrets on HTTP servers of each SDK: they use them, and no byte on the wire or in a log shows one.

Each server is visited once, and ended, so that its logs are complete; the tests look at what was heard.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import anyio
import pytest

from smcp_security.keys.issuing import create_key
from smcp_security.vault.key_text import new_key
from tests.adapters.tools.vaulted import EVERYBODY, OF_ACME, OF_HARBOUR, OF_TENANTS, TOKEN, digest, make_vault, section
from tests.audit.records import read_records
from tests.real.backends.processes import listening
from tests.real.edges.decorated_house import Visit, environment, python_of, refusal
from tests.real.house import Address
from tests.real.messages import legacy, modern
from tests.real.wire import Reply, ask

pytestmark = pytest.mark.real

# Every SDK alone or behind hooks, and one behind the middleware, to which all of them are the same.
PAIRS: Final = (
    ("legacy", "alone"),
    ("legacy", "behind"),
    ("modern", "alone"),
    ("modern", "secured"),
    ("fastmcp", "secured"),
)
TENANTS: Final = {"acme": OF_ACME, "harbour": OF_HARBOUR}
EVIL: Final = "a token of the caller's own"
USES: Final = ("use", "use_later", "of_house", "of_class")
TELLS: Final = ("tell", "tell_rows", "crash", "crash_later", "log")


@dataclass
class Heard:
    """What was answered by tool, all bytes of it, and all that the server has written."""

    place: str
    folder: Path
    said: dict[str, Reply] = field(default_factory=dict)
    forged: dict[str, Reply] = field(default_factory=dict)
    own: list[tuple[str, str]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    wire: list[bytes] = field(default_factory=list)

    @property
    def tells(self) -> tuple[str, ...]:
        """The tools that would tell; what one says on the way is seen by an edge outside alone."""
        return TELLS if self.place != "alone" else TELLS[:-1]

    def audited(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in read_records(self.folder / "audit.jsonl") if record["kind"] == kind]

    def written(self) -> bytes:
        opened = json.dumps(read_records(self.folder / "audit.jsonl"), ensure_ascii=False).encode()
        return b"".join((opened, *((self.folder / name).read_bytes() for name in ("audit.jsonl", "server.log"))))


async def _visit(address: Address, sdk: str, keys: dict[str, str], heard: Heard) -> None:
    visits = {tenant: await Visit(address, sdk, key).begin() for tenant, key in keys.items()}
    ids = count(10)

    async def asked(tenant: str, method: str, tool: str = "", **arguments: Any) -> Reply:
        key, session = visits[tenant].key, visits[tenant].session
        params: dict[str, Any] = {"name": tool, "arguments": arguments} if tool else {}
        if sdk == "legacy":
            request = legacy(method, {**params, "_meta": {"progressToken": 7}}, id=next(ids), session=session)
        else:
            request = modern(method, params, id=next(ids), progressToken=7)
        named = request.named(f"127.0.0.1:{address.port}").adding(("authorization", f"Bearer {key}"))
        reply = await ask(address, named)
        heard.wire.append(repr(reply.headers).encode() + reply.body)
        return reply

    async def of(tenant: str) -> None:
        heard.own.append((tenant, (await asked(tenant, "tools/call", "use_own")).text))

    for tool in USES:
        heard.said[tool] = await asked("acme", "tools/call", tool, path="a")
        heard.forged[tool] = await asked("acme", "tools/call", tool, path="a", token=EVIL)
    for tool in (*heard.tells, "use_missing"):
        heard.said[tool] = await asked("acme", "tools/call", tool)
    async with anyio.create_task_group() as group:
        for tenant in [*TENANTS] * 5:
            group.start_soon(of, tenant)
    heard.listed = (await asked("acme", "tools/list")).message["result"]["tools"]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def heard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    """What a server of each SDK in each place has answered."""
    sdk, place = request.param
    folder = tmp_path_factory.mktemp("secrets")
    heard, key = Heard(place, folder), new_key()
    make_vault(folder / "vault.smcp", key)
    keys = {each: create_key(str(folder / "keys.yaml"), owner=each, tenant=each)[1] for each in TENANTS}
    vault = {**section(folder / "vault.smcp", EVERYBODY, OF_TENANTS), "key": "env:SMCP_TEST_VAULT_KEY"}
    policy = {
        "version": 1,
        "limits": [],
        "identity": {"api_keys": {"file": str(folder / "keys.yaml")}},
        "audit": {"file": str(folder / "audit.jsonl")},
        "vault": vault,
    }
    (folder / "policy.yaml").write_text(json.dumps(policy))
    others = {"SMCP_TEST_VAULT_KEY": key, "SMCP_TEST_LOG": str(folder / "server.log")}
    command = [python_of(sdk, request), "-m", "tests.real.edges.secrets_server", sdk, place]
    with listening(command, environment(folder / "policy.yaml", **others)) as port:
        anyio.run(_visit, Address(port), sdk, keys, heard)
    yield heard


def _spellings(value: str) -> Iterator[bytes]:
    octets = value.encode()
    yield octets
    yield octets.hex().encode()
    yield quote(value, safe="").encode()
    for start in range(3):
        yield base64.b64encode(octets[start : start + (len(octets) - start) // 3 * 3])


def test_a_tool_gets_its_secret_and_nobody_sees_it(heard: Heard) -> None:
    for tool in USES:
        assert digest(TOKEN) in heard.said[tool].text, heard.said[tool].text
    seen = b"".join(heard.wire) + heard.written()
    assert len(heard.wire) > 20 and digest(TOKEN).encode() in seen
    for value in (TOKEN, *TENANTS.values()):
        for spelling in _spellings(value):
            assert spelling not in seen


def test_no_schema_shows_the_parameter(heard: Heard) -> None:
    assert {tool["name"] for tool in heard.listed} >= {*USES, *TELLS}
    for tool in heard.listed:
        assert "token" not in json.dumps(tool), tool
    [use] = [tool for tool in heard.listed if tool["name"] == "use"]
    assert set(use["inputSchema"]["properties"]) == {"path", "count"}


def test_what_a_caller_sends_in_its_place_is_never_used(heard: Heard) -> None:
    for tool in USES:
        told = heard.forged[tool].text
        assert digest(EVIL) not in told
        assert digest(TOKEN) in told or "error" in told.lower()


def test_each_caller_gets_the_secret_of_its_tenant(heard: Heard) -> None:
    assert len(heard.own) == 10
    for tenant, told in heard.own:
        assert digest(TENANTS[tenant]) in told


def test_what_would_tell_the_secret_is_masked(heard: Heard) -> None:
    for tool in heard.tells:
        told = heard.said[tool].text
        # SDK 2.3 tells nothing of what a tool raises.
        assert "vault-secret" in told or (tool.startswith("crash") and f"Error executing tool {tool}" in told), told
    codes = [code for record in heard.audited("outcome") for code in record["codes"]]
    assert codes.count("SMCP922") >= len(heard.tells)


def test_what_is_not_there_is_refused(heard: Heard) -> None:
    assert "SMCP921" in refusal(heard.said["use_missing"])
    assert "gone" not in refusal(heard.said["use_missing"])


def test_each_use_is_a_line_of_the_audit(heard: Heard) -> None:
    used = heard.audited("secret")
    assert [each["secret"] for each in used].count("deploy") == 10
    assert {each["tool"] for each in used} == {*USES, *heard.tells, "use_own"}
    verdicts = {each["id"] for each in heard.audited("decision") if each["allowed"]}
    assert {each["id"] for each in used} <= verdicts
