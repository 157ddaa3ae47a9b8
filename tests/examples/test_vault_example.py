"""The vault's example, made by the commands that stand in it and attacked: nobody gets a secret in any way, by wire,
log or audit, and honest calls use it."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.cli.demo.traces import search
from smcp_security.keys.issuing import create_key
from tests.audit.records import read_records
from tests.examples.test_examples import FOLDER, _loaded
from tests.real.house import PATIENCE, Address, served
from tests.real.messages import Request, call, modern
from tests.real.wire import Reply, ask

pytestmark = [pytest.mark.anyio, pytest.mark.real]

# In parts, so that no scanner of this repository takes them for real ones.
WEBHOOK = "-".join(("webhook", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6"))
BILLING = "-".join(("billing", "PaEf9ToKc1Vd7Wq3Zx", "Lm5Nb8Gt2"))
SECRETS = (WEBHOOK, BILLING)
HANDLE = "vault://webhook"
KEY = ("--file", "vault.smcp", "--key", "file:vault.key")


def _smcp(folder: Path, *arguments: str, given: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FOLDER.parent)}
    command = [sys.executable, "-m", "smcp_security.cli", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=PATIENCE * 3
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the vault and the keys that the first lines of the policy make."""
    folder = tmp_path_factory.mktemp("reports")
    _smcp(folder, "vault", "init", "--file", "vault.smcp", "--key-out", "vault.key")
    _smcp(folder, "vault", "set", "webhook", *KEY, given=WEBHOOK)
    _smcp(folder, "vault", "set", "billing", "--tenant", "acme", *KEY, given=BILLING)
    return folder


CALLERS: Final = {"ann": ("agent", "acme"), "bob": ("agent", "umbrella"), "rob": ("reader", "acme")}


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    """The keys of three callers, by name."""
    file = str(folder / "keys.yaml")
    return {
        owner: create_key(file, owner=owner, roles=[role], tenant=tenant)[1]
        for owner, (role, tenant) in CALLERS.items()
    }


@dataclass
class Desk:
    """The running example, the keys of its callers, and all that it said."""

    address: Address
    keys: dict[str, str]
    framework: SMCPSecurityFramework
    said: bytearray = field(default_factory=bytearray)

    async def send(self, who: str, request: Request) -> Reply:
        """A request by one of the callers."""
        with anyio.fail_after(PATIENCE):
            reply = await ask(self.address, request.adding(("authorization", f"Bearer {self.keys[who]}")))
        self.said += str(reply.headers).encode() + reply.body
        return reply

    async def call(self, who: str, tool: str, **arguments: Any) -> str:
        """What a tool says to one of the callers, or the refusal."""
        return (await self.send(who, call("modern", tool, arguments))).text

    def audit(self) -> list[dict[str, Any]]:
        """All that was written down."""
        assert self.framework.flush()
        return read_records("audit.jsonl")


@pytest.fixture
async def desk(
    folder: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Desk]:
    """The example with three callers. Afterwards no secret stands in what it said, logged or wrote down."""
    monkeypatch.chdir(folder)
    caplog.set_level(logging.DEBUG)
    app = _loaded("vault_app", monkeypatch).app
    async with served(app) as address:
        desk = Desk(address, keys, app.framework)
        yield desk
    places = {
        "wire": bytes(desk.said),
        "log": caplog.text.encode(),
        "audit": json.dumps(desk.audit(), ensure_ascii=False).encode(),
    }
    app.framework.close()
    found = [
        (place, value) for place, octets in places.items() for value in SECRETS if search(place, octets, value).found
    ]
    assert found == [] and desk.said


async def test_an_honest_call_uses_the_secret_and_the_audit_says_so(desk: Desk) -> None:
    said = await desk.call("ann", "sign_report", text="all is well")
    assert hmac.new(WEBHOOK.encode(), b"all is well", "sha256").hexdigest() in said
    await desk.call("ann", "remember", note="buy paper")
    used = [line for line in desk.audit() if line["kind"] == "secret"]
    assert [(line["secret"], line["tool"], line["caller"]["id"]) for line in used[-1:]] == [
        ("webhook", "sign_report", "key:ann")
    ]


async def test_no_caller_is_shown_that_there_is_a_secret(desk: Desk) -> None:
    listed = (await desk.send("ann", modern("tools/list"))).text
    tools = {tool["name"]: tool["inputSchema"]["properties"] for tool in json.loads(listed)["result"]["tools"]}
    assert {name: sorted(properties) for name, properties in tools.items()} == {
        "sign_report": ["text"], "whoami": [], "remember": ["note"],
    }  # fmt: skip


async def test_what_a_careless_tool_tells_is_masked(desk: Desk) -> None:
    said = await desk.call("ann", "whoami")
    assert "the account behind [redacted:vault-secret]" in said
    found = [each for line in desk.audit() for each in line.get("findings", ()) if each["code"] == "SMCP922"]
    assert {each.get("about") for each in found} == {"billing"}


HANDLES: Final = {
    "a handle": HANDLE,
    "in a sentence": f"sign it with {HANDLE}, please",
    "in Base64": base64.b64encode(HANDLE.encode()).decode(),
    "in percent escapes": "vault%3A%2F%2Fwebhook",
    "in capitals": "VAULT://webhook",
}


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_handle_in_caller_text_is_refused_in_any_disguise(desk: Desk, era: str) -> None:
    passed = []
    for name, note in HANDLES.items():
        for tool, argument in (("remember", "note"), ("sign_report", "text")):
            said = (await desk.send("ann", call(era, tool, {argument: note}))).text
            if "SMCP901" not in said:
                passed.append((name, tool, said))
    assert passed == []
    assert "kept: the vault" in await desk.call("ann", "remember", note="the vault holds the webhook's key")


async def test_a_caller_cannot_bring_a_key_of_its_own_nor_read_the_real_one(desk: Desk) -> None:
    forged = hmac.new(b"mine", b"all is well", "sha256").hexdigest()
    for key in ("mine", "webhook", None, {"secret": "webhook"}, HANDLE):
        said = await desk.call("ann", "sign_report", text="all is well", key=key)
        assert forged not in said and "webhook-" not in said, key


async def test_no_other_method_and_no_error_tells_it(desk: Desk) -> None:
    for name, request in {
        "a resource": modern("resources/read", {"uri": HANDLE}),
        "a prompt": modern("prompts/get", {"name": HANDLE, "arguments": {}}),
        "a prompt of its name": modern("prompts/get", {"name": "webhook", "arguments": {}}),
        "a tool called like a handle": modern("tools/call", {"name": HANDLE, "arguments": {}}),
        "a tool of its name": call("modern", "webhook", {}),
        "a call without text": call("modern", "sign_report", {}),
        "text of another type": call("modern", "sign_report", {"text": ["all", "is", "well"]}),
    }.items():
        reply = await desk.send("ann", request)
        assert "error" in reply.message or reply.message["result"]["isError"], name


async def test_a_caller_without_the_role_gets_neither_the_secret_nor_its_name(desk: Desk) -> None:
    said = await desk.call("rob", "sign_report", text="all is well")
    assert "SMCP920" in said and "webhook" not in said
    assert "kept" in await desk.call("rob", "remember", note="the reader may still do this")


async def test_another_tenant_gets_neither_the_first_ones_secret_nor_a_shared_one(desk: Desk) -> None:
    said = await desk.call("bob", "whoami")
    assert "SMCP921" in said and "account" not in said
    shared = await desk.call("bob", "sign_report", text="all is well")
    assert hmac.new(WEBHOOK.encode(), b"all is well", "sha256").hexdigest() in shared
