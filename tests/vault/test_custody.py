"""The vault in a running server: what is handed out is looked for first, and a file that changes is obeyed in a second.

Where the file cannot be believed nothing is handed out, and what was handed out is looked for all the same.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security.checks.custody import AskSought, OpenSecret
from smcp_security.errors import Unavailable, VaultDamaged, VaultError
from smcp_security.keys import watched
from smcp_security.opened import Opened
from smcp_security.policy.vault import VaultPolicy
from smcp_security.vault import custody as module
from smcp_security.vault import loans as lending
from smcp_security.vault.custody import Custody
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.providers import from_callable
from smcp_security.vault.vault import Vault

OLD, NEW = (sha256(b"custody %d" % number).digest() for number in range(2))
TOKEN, OTHER = b"a-token-of-the-tests-1", b"a-token-of-the-tests-2"
NOW = 1_800_000_000.0


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Site:
    """A vault file, what writes it, and clocks for what reads it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vault.smcp"
        self.steady, self.wall = Clock(100.0), Clock(NOW)
        self.keys: list[bytes] = [OLD]
        self.served: Custody | None = None
        self.writer = Vault(FileStore(str(self.path)), from_callable(lambda: self.keys), clock=self.wall)

    def serve(self, *keys: bytes, **fields: object) -> Custody:
        """A custody of the file, in a server that has these keys."""
        policy = VaultPolicy.model_validate({"file": str(self.path), "key": "env:K", **fields})
        return Custody(policy, from_callable(lambda: [*keys] or [OLD]), clock=self.steady, wall=self.wall)

    def tick(self) -> None:
        """A second goes by."""
        self.steady.now += 1


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.writer.create()
    made.writer.put("github", TOKEN)
    return made


def value(custody: Custody, name: str = "github", tenant: str = "") -> bytes | None:
    """What a question for a secret gets, the same for callers of both kinds."""
    opened = custody.open(OpenSecret(name, tenant))
    assert asyncio.run(_awaited(custody, OpenSecret(name, tenant))) is opened
    return None if opened is None else opened.value


async def _awaited(custody: Custody, question: OpenSecret) -> Opened | None:
    answer = custody.open_async(question)
    return answer if answer is None or isinstance(answer, Opened) else await answer


def sought(custody: Custody) -> list[bytes]:
    """The values that answers are searched for."""
    found = custody.sought(AskSought())
    return [] if found is None else [each.octets for each in found.values]


def test_a_secret_that_is_there_opens_and_another_does_not(site: Site) -> None:
    custody = site.serve()
    opened = custody.open(OpenSecret("github"))
    assert opened is not None
    assert (opened.name, opened.value, opened.version, opened.tenant) == ("github", TOKEN, 1, "")
    assert value(custody, "gitlab") is None
    assert value(custody, "github", "acme") is None


def test_the_secret_of_a_tenant_is_opened_for_that_tenant_alone(site: Site) -> None:
    site.writer.put("github", OTHER, tenant="acme")
    custody = site.serve()
    assert (value(custody, tenant="acme"), value(custody)) == (OTHER, TOKEN)
    assert value(custody, tenant="umbra") is None


def test_nothing_is_looked_for_before_something_was_handed_out(site: Site) -> None:
    custody = site.serve()
    assert custody.sought(AskSought()) is None
    value(custody, "gitlab")
    assert custody.sought(AskSought()) is None
    value(custody)
    assert sought(custody) == [TOKEN]
    before = custody.sought(AskSought())
    value(custody)
    assert custody.sought(AskSought()) is before


def test_a_value_is_looked_for_before_it_is_handed_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*values: object) -> None:
        raise RuntimeError("it does not compile")

    custody = site.serve()
    monkeypatch.setattr(lending, "Sought", broken)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            custody.open(OpenSecret("github"))
    monkeypatch.undo()
    assert (value(custody), sought(custody)) == (TOKEN, [TOKEN])


def test_what_cannot_be_looked_for_is_not_handed_out(site: Site) -> None:
    site.writer.put("pin", b"12345678901")
    site.writer.put("code", b"123456789012")
    custody = site.serve()
    assert (value(custody, "pin"), value(custody, "code")) == (None, b"123456789012")
    for line in (b"0" * 40, b" " * 12, b"-=" * 20, b"\r\n\t" * 9):
        site.writer.put("line", line)
        assert value(site.serve(), "line") is None
    assert sought(custody) == [b"123456789012"]


def test_a_secret_that_expires_opens_until_then_whatever_becomes_of_the_clock(site: Site) -> None:
    site.writer.put("github", OTHER, expires_at=NOW + 10)
    custody = site.serve()
    site.wall.now = NOW + 9.9
    assert value(custody) == OTHER
    site.wall.now = NOW + 10
    assert value(custody) is None
    site.wall.now = NOW
    assert value(custody) is None
    assert sought(custody) == [OTHER]


def test_what_the_vault_holds_is_told_without_handing_it_out(site: Site) -> None:
    site.writer.put("own", OTHER, tenant="acme")
    site.writer.put("old", OTHER, expires_at=NOW + 10)
    site.writer.put("pin", b"1234")
    custody = site.serve()
    told = {name: (custody.holds(name, "shared"), custody.holds(name, "tenant")) for name in ("github", "own", "old")}
    assert told == {"github": (True, False), "own": (False, True), "old": (True, False)}
    site.wall.now = NOW + 10
    assert not any(custody.holds(name, "shared") for name in ("old", "pin", "none"))
    assert custody.sought(AskSought()) is None


def test_a_new_version_is_handed_out_within_a_second_and_the_old_one_looked_for_on(site: Site) -> None:
    custody = site.serve()
    assert value(custody) == TOKEN
    site.writer.put("github", OTHER)
    site.tick()
    assert value(custody) == OTHER
    assert sought(custody) == [TOKEN, OTHER]


def test_a_secret_that_was_removed_opens_no_more_within_a_second(site: Site) -> None:
    custody = site.serve()
    assert value(custody) == TOKEN
    site.writer.remove("github")
    site.tick()
    assert (value(custody), sought(custody)) == (None, [TOKEN])


def test_the_file_is_looked_at_once_a_second_however_many_ask(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_SETTLED", -1.0)
    custody = site.serve()
    value(custody)
    looks: list[object] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *given, **named: looks.append(given) or stat(*given, **named))
    for _ in range(100):
        custody.open(OpenSecret("github"))
    assert looks == []
    site.tick()
    for _ in range(100):
        custody.open(OpenSecret("github"))
    assert len(looks) == 1


def _torn(site: Site) -> None:
    site.path.write_bytes(site.path.read_bytes()[:-40])


def _tampered(site: Site) -> None:
    data = site.path.read_bytes()
    site.path.write_bytes(data.replace(b'"github"', b'"gitlab"', 1))


def _removed(site: Site) -> None:
    site.path.unlink()


def _readable_by_others(site: Site) -> None:
    site.path.chmod(0o604)


def _rolled_back(site: Site) -> None:
    older = site.path.with_name("older")
    shutil.copy2(site.path, older)
    mark = site.path.with_name("vault.smcp.mark").read_bytes()
    site.writer.put("github", OTHER)
    custody_sees(site)
    os.replace(older, site.path)
    site.path.with_name("vault.smcp.mark").write_bytes(mark)


def custody_sees(site: Site) -> None:
    """A moment in which the server reads what is there."""
    site.tick()
    assert site.served is not None
    value(site.served)


FAULTS: list[tuple[Callable[[Site], None], str]] = [
    (_torn, "vault.smcp"),
    (_tampered, "changed since it was written"),
    (_removed, "no such vault"),
    (_readable_by_others, "chmod"),
    (_rolled_back, "vault.smcp"),
]


@pytest.mark.parametrize(("spoil", "told"), FAULTS)
def test_while_the_file_cannot_be_believed_nothing_is_handed_out_until_it_is_mended(
    site: Site, spoil: Callable[[Site], None], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "smcp_security.vault")
    custody = site.served = site.serve()
    assert value(custody) == TOKEN
    spoil(site)
    for _ in range(3):
        site.tick()
        with pytest.raises(Unavailable):
            custody.open(OpenSecret("github"))
        with pytest.raises(Unavailable):
            asyncio.run(_awaited(custody, OpenSecret("github")))
    assert TOKEN in sought(custody)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("secrets are refused until this is mended: ") and told in line
    for leaked in (TOKEN, OTHER):
        assert leaked.decode() not in caplog.text


def test_a_file_that_is_mended_is_used_again_by_itself(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    custody, kept = site.serve(), site.path.read_bytes()
    _torn(site)
    site.tick()
    with pytest.raises(Unavailable):
        custody.open(OpenSecret("github"))
    site.path.write_bytes(kept)
    site.tick()
    assert value(custody) == TOKEN
    assert "can be used again" in caplog.text


def test_a_link_that_is_led_to_a_newer_file_is_followed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for place in ("one", "two"):
        shutil.copy2(site.path, tmp_path / place / "vault.smcp")
        site.writer.put("github", OTHER)
    link = tmp_path / "mounted"
    link.symlink_to(tmp_path / "one")
    site.path = link / "vault.smcp"
    custody = site.serve()
    assert value(custody) == TOKEN
    fresh = tmp_path / "fresh"
    fresh.symlink_to(tmp_path / "two")
    os.replace(fresh, link)
    site.tick()
    assert value(custody) == OTHER


def test_nothing_is_served_from_a_vault_that_cannot_be_believed_at_the_start(site: Site) -> None:
    with pytest.raises(VaultError, match="fingerprint"):
        site.serve(NEW)
    with pytest.raises(VaultDamaged, match="generation"):
        site.serve(generation=99)
    _torn(site)
    with pytest.raises(VaultDamaged):
        site.serve()
    site.path.unlink()
    with pytest.raises(VaultError, match="no such vault"):
        site.serve()


def test_a_key_is_exchanged_under_a_running_server_without_a_call_that_fails(site: Site) -> None:
    custody = site.serve(NEW, OLD)
    site.keys = [OLD, NEW]
    operator = Vault(FileStore(str(site.path)), from_callable(lambda: site.keys), clock=site.wall)
    (added,) = [key for key in operator.ring().keys if key.material == NEW]
    steps: list[Callable[[], object]] = [
        lambda: operator.add_key(added),
        lambda: operator.make_first(added.fingerprint),
        operator.rewrap,
        lambda: operator.put("github", OTHER),
        lambda: operator.retire_key(1),
    ]
    seen = []
    for step in steps:
        step()
        seen.append(value(custody))
        site.tick()
        seen.append(value(custody))
    assert seen == [TOKEN] * 7 + [OTHER] * 3
    assert value(site.serve(NEW)) == OTHER


def test_only_so_many_values_are_looked_for_and_those_used_last(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "MOST", 4)
    monkeypatch.setattr(lending, "SLACK", 2)
    monkeypatch.setattr(module, "KEPT", 3)
    for number in range(12):
        site.writer.put(f"s{number}", b"a-token-of-many-%02d" % number)
    custody = site.serve()
    for number in range(12):
        assert value(custody, f"s{number}") == b"a-token-of-many-%02d" % number
        assert value(custody, "s0") == b"a-token-of-many-00"
        assert len(sought(custody)) <= 6
        assert {b"a-token-of-many-00", b"a-token-of-many-%02d" % number} <= set(sought(custody))
    assert b"a-token-of-many-01" not in sought(custody)
    assert value(custody, "s1") == b"a-token-of-many-01"
    assert b"a-token-of-many-01" in sought(custody)


def test_many_threads_get_their_secrets_and_each_is_looked_for_then(site: Site) -> None:
    for number in range(20):
        site.writer.put(f"s{number}", b"a-token-of-many-%02d" % number)
    custody = site.serve()

    def ask(number: int) -> bool:
        opened = custody.open(OpenSecret(f"s{number % 20}"))
        return opened is not None and opened.value in sought(custody)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))
    assert len(sought(custody)) == 20


def test_after_a_reload_what_either_vault_hands_out_is_looked_for(site: Site) -> None:
    before = site.serve()
    site.writer.put("gitlab", OTHER)
    after = site.serve()
    assert value(before) == TOKEN
    after.adopt(before)
    assert sought(after) == [TOKEN]
    assert value(after, "gitlab") == OTHER
    assert sorted(sought(before)) == sorted(sought(after)) == [TOKEN, OTHER]


def test_a_closed_vault_hands_nothing_out_and_looks_on(site: Site) -> None:
    custody = site.serve()
    value(custody)
    custody.close()
    with pytest.raises(Unavailable):
        custody.open(OpenSecret("github"))
    with pytest.raises(Unavailable):
        custody.open_async(OpenSecret("github"))
    assert sought(custody) == [TOKEN]


def test_a_forked_child_opens_and_looks_as_its_parent_did(site: Site) -> None:
    custody = site.serve()
    value(custody)
    custody._loans._lock.acquire()
    custody._file._lock.acquire()
    custody.reset_locks()
    site.writer.put("gitlab", OTHER)
    site.tick()
    assert (value(custody), value(custody, "gitlab")) == (TOKEN, OTHER)
    assert sought(custody) == [TOKEN, OTHER]


def test_what_is_open_does_not_show_in_its_repr(site: Site) -> None:
    custody = site.serve()
    value(custody)
    for shown in (repr(custody), repr(custody._loans), repr(custody._last), str(vars(custody))):
        assert TOKEN.decode() not in shown
