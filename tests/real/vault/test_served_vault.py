"""A vault under two running servers: a new version, an exchange of its key and a damaged file, while callers go on."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from smcp_security.vault.key_text import new_key
from smcp_security.vault.providers import from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault
from tests.adapters.tools.vaulted import digest, section
from tests.audit.records import tells
from tests.real.backends.processes import listening
from tests.real.edges.decorated_house import Visit, environment, refusal
from tests.real.house import PATIENCE, Address

pytestmark = pytest.mark.real

FIRST, SECOND = "-".join(("tok", "Wm4Vq9zRt7", "first")), "-".join(("tok", "Hy3NcLxP2s", "second"))


@dataclass
class Town:
    """Two servers of one vault, and what their callers hear."""

    folder: Path
    environ: dict[str, str]
    addresses: list[Address] = field(default_factory=list)
    heard: list[list[str]] = field(default_factory=lambda: [[], []])
    news: anyio.Event = field(default_factory=anyio.Event)

    @property
    def file(self) -> Path:
        return self.folder / "vault.smcp"

    def vault(self) -> Vault:
        """The vault as the operator has it."""
        keys = from_references(["env:V_OLD", "env:V_NEW"], self.environ)
        return Vault(FileStore(str(self.file)), keys, clock=time.time)

    async def until(self, says: Callable[[str], bool]) -> list[str]:
        """What is heard until both servers have said something; from now on."""
        starts = [len(each) for each in self.heard]
        with anyio.fail_after(PATIENCE):
            while not all(any(map(says, each[at:])) for each, at in zip(self.heard, starts, strict=True)):
                await self.news.wait()
        return [told for each, at in zip(self.heard, starts, strict=True) for told in each[at:]]

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Somebody calls each of the servers all the time."""

        async def call(number: int) -> None:
            visit = Visit(self.addresses[number], "modern", "")
            while True:
                reply = await visit.call("use", {"path": "a"})
                self.heard[number].append(refusal(reply) or reply.text)
                self.news.set()
                self.news = anyio.Event()

        async with anyio.create_task_group() as group:
            for number in range(len(self.addresses)):
                group.start_soon(call, number)
            yield
            group.cancel_scope.cancel()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two servers with both keys, one of which the vault does not know yet."""
    folder = tmp_path_factory.mktemp("town")
    made = Town(folder, {"V_OLD": new_key(), "V_NEW": new_key()})
    vault = Vault(FileStore(str(made.file)), from_references(["env:V_OLD"], made.environ), clock=time.time)
    vault.create()
    vault.put("token", FIRST.encode())
    with ExitStack() as stack:
        for number in range(2):
            policy = {
                "version": 1,
                "limits": [],
                "server": {"flood": "off"},
                "audit": {"file": str(folder / f"audit{number}.jsonl")},
                "vault": {**section(made.file), "key": ["env:V_NEW", "env:V_OLD"]},
            }
            (folder / f"policy{number}.yaml").write_text(json.dumps(policy))
            others = {**made.environ, "SMCP_TEST_LOG": str(folder / f"log{number}")}
            command = [sys.executable, "-m", "tests.real.edges.secrets_server", "modern", "alone"]
            port = stack.enter_context(listening(command, environment(folder / f"policy{number}.yaml", **others)))
            made.addresses.append(Address(port))
        yield made


def _is(value: str) -> Callable[[str], bool]:
    return lambda told: digest(value) in told


def _refused(told: str) -> bool:
    return "SMCP921" in told


@pytest.mark.anyio
async def test_a_key_is_exchanged_and_a_secret_renewed_without_a_call_that_fails(town: Town) -> None:
    vault = town.vault()
    [new] = [key for key in vault.ring().keys if key.label == "env:V_NEW"]
    seen: list[str] = []
    async with town.busy():
        for step in (
            lambda: vault.add_key(new),
            lambda: vault.make_first(new.fingerprint),
            vault.rewrap,
            lambda: vault.put("other", SECOND.encode()),
            lambda: vault.retire_key(1),
        ):
            step()
            seen += await town.until(_is(FIRST))
        vault.put("token", SECOND.encode())
        seen += await town.until(_is(SECOND))
        # What was put in after the retirement is sealed under the new key: both have read it.
        assert [told for told in seen if not (_is(FIRST)(told) or _is(SECOND)(told))] == []
        assert all(map(_is(SECOND), await town.until(_is(SECOND))))


@pytest.mark.anyio
async def test_a_file_that_is_spoilt_stops_secrets_and_a_mended_one_gives_them_again(town: Town) -> None:
    whole = town.file.read_bytes()

    def cut() -> None:
        town.file.write_bytes(whole[:-20])

    def hide() -> None:
        os.replace(town.file, town.folder / "hidden")

    def show() -> None:
        town.file.chmod(0o644)

    async with town.busy():
        await town.until(lambda told: not _refused(told))
        for spoil in (cut, hide, show):
            spoil()
            await town.until(_refused)
            (town.folder / "mended").write_bytes(whole)
            (town.folder / "mended").chmod(0o600)
            os.replace(town.folder / "mended", town.file)
            await town.until(lambda told: not _refused(told))
    for number in range(2):
        log = (town.folder / f"log{number}").read_text()
        assert log.count("secrets are refused until this is mended") == 3
        assert log.count("can be used again") == 3
        assert FIRST not in log and SECOND not in log


async def _once_it_says(words: str, file: Path) -> str:
    """What a file holds, once the audit has written it to the disk."""
    with anyio.fail_after(PATIENCE):
        while words not in (lines := file.read_text()):
            await anyio.sleep(0.02)
    return lines


@pytest.mark.anyio
async def test_a_secret_that_is_removed_is_given_no_more_and_nothing_shows_it(town: Town) -> None:
    async with town.busy():
        town.vault().remove("token")
        await town.until(_refused)
        town.vault().put("token", FIRST.encode())
        await town.until(_is(FIRST))
    for number in range(2):
        lines = await _once_it_says('"kind":"secret"', town.folder / f"audit{number}.jsonl")
        assert FIRST not in lines and SECOND not in lines
        assert not tells(town.folder / f"audit{number}.jsonl", FIRST)
