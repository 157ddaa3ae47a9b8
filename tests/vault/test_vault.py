from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smcp_security.errors import VaultDamaged, VaultError
from smcp_security.vault.document import VALUE_MAX
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Secret, Vault
from tests.vault.chest import START, VALUE, Clock, Shelf, file_in, filled, given, key, opened, parts


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def vault(shelf: Shelf) -> Vault:
    return filled(shelf)


# -- in and out


def test_what_is_put_in_comes_out_in_its_newest_version(shelf: Shelf, vault: Vault) -> None:
    for each in (vault, opened(shelf)):
        assert parts(each.get("github")) == ("", "github", 2, VALUE + b" 2")
        assert each.get("github", version=1).value == VALUE + b" 1"
        assert parts(each.find("github", version=2)) == parts(each.get("github"))


def test_a_value_is_nowhere_in_the_file_and_a_name_is(shelf: Shelf, vault: Vault) -> None:
    assert b"github" in shelf.forms[-1]
    assert VALUE not in shelf.forms[-1]


def test_two_versions_of_the_same_value_share_no_sealed_byte(shelf: Shelf, vault: Vault) -> None:
    vault.put("twice", VALUE)
    vault.put("twice", VALUE)
    one, two = vault.current().versions("twice")
    assert one.value[:32] != two.value[:32] and one.wrapped[:32] != two.wrapped[:32]


def test_secrets_of_tenants_and_shared_ones_are_apart(vault: Vault) -> None:
    assert parts(vault.get("github", tenant="acme")) == ("acme", "github", 1, VALUE + b" 3")
    assert vault.find("mail", tenant="acme") is None
    assert vault.find("github", tenant="other") is None


@pytest.mark.parametrize("value", [b"\x00", b"\n", bytes(range(256)), b"x" * VALUE_MAX], ids=len)
def test_any_bytes_come_out_as_they_went_in(vault: Vault, value: bytes) -> None:
    assert vault.put("any", value).size == len(value)
    assert vault.get("any").value == value


def test_entries_tell_all_that_may_be_known(vault: Vault) -> None:
    first, second, mail, acme = vault.entries()
    assert (first.version, first.newest, first.tags, first.size) == (1, False, ("ci",), 24)
    assert (second.version, second.newest, second.tags) == (2, True, ())
    assert (mail.name, mail.expires_at, mail.created_at, mail.key_id) == ("mail", START + 60, START, 1)
    assert (acme.name, acme.tenant, acme.newest) == ("github", "acme", True)


def test_many_secrets_go_in_with_one_write(shelf: Shelf, vault: Vault) -> None:
    before = len(shelf.forms)
    made = vault.put_all([Secret("a", VALUE), Secret("b", VALUE, "acme", START + 1, ("x", "x")), Secret("a", VALUE)])
    assert len(shelf.forms) == before + 1
    assert [(each.name, each.version, each.newest, each.tags) for each in made] == [
        ("a", 1, False, ()), ("b", 1, True, ("x",)), ("a", 2, True, ()),
    ]  # fmt: skip


def test_one_wrong_secret_keeps_all_of_them_out(shelf: Shelf, vault: Vault) -> None:
    before = list(shelf.forms)
    with pytest.raises(VaultError, match="a value"):
        vault.put_all([Secret("a", VALUE), Secret("b", b"")])
    assert shelf.forms == before


WRONG: list[tuple[Callable[[Vault], object], str]] = [
    (lambda vault: vault.put("", VALUE), "the name of a secret"),
    (lambda vault: vault.put("a b", VALUE), "the name of a secret"),
    (lambda vault: vault.put("a" * 129, VALUE), "the name of a secret"),
    (lambda vault: vault.put("../a", VALUE), "the name of a secret"),
    (lambda vault: vault.put("a\n", VALUE), "the name of a secret"),
    (lambda vault: vault.put("a", VALUE, tenant="a b"), "the name of a tenant"),
    (lambda vault: vault.put("a", VALUE, tenant="\ud800"), "the name of a tenant"),
    (lambda vault: vault.put("a", b""), "not empty"),
    (lambda vault: vault.put("a", "text"), "a value: bytes"),  # type: ignore[arg-type]
    (lambda vault: vault.put("a", b"x" * (VALUE_MAX + 1)), "at most 64 KiB, found 65,537 bytes"),
    (lambda vault: vault.put("a", VALUE, expires_at=START), "in the future"),
    (lambda vault: vault.put("a", VALUE, expires_at=float("nan")), "in the future"),
    (lambda vault: vault.put("a", VALUE, expires_at=float("inf")), "in the future"),
    (lambda vault: vault.put("a", VALUE, tags=["a b"]), "tags"),
    (lambda vault: vault.put("a", VALUE, tags=[str(number) for number in range(33)]), "at most 32 tags"),
    (lambda vault: vault.prune(keep=0), "1 version or more"),
    (lambda vault: vault.remove("none"), "no secret 'none'"),
    (lambda vault: vault.remove("github", version=9), "has no version 9"),
    (lambda vault: vault.get("none"), "no secret 'none'; `smcp vault list`"),
    (lambda vault: vault.get("github", tenant="x"), "no secret 'github' of tenant 'x'"),
    (lambda vault: vault.get("github", version=3), "has no version 3"),
    (lambda vault: vault.create(), "is there already"),
    (lambda vault: vault.make_first("0" * 16), "does not know that key"),
    (lambda vault: vault.retire_key(2), "no key of that id"),
    (lambda vault: vault.retire_key(0), "no key of that id"),
    (lambda vault: vault.retire_key(1), "key 1 seals"),
]


@pytest.mark.parametrize(("ask", "words"), WRONG)
def test_wrong_input_is_one_clear_line_and_changes_nothing(
    shelf: Shelf, vault: Vault, ask: Callable[[Vault], object], words: str
) -> None:
    before = list(shelf.forms)
    with pytest.raises(VaultError) as caught:
        ask(vault)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("shelf: ")
    assert shelf.forms == before


def test_a_secret_in_the_place_of_a_name_is_not_quoted(vault: Vault) -> None:
    pasted = "hunter" + "2 hunter2"
    asks: list[Callable[[str], object]] = [
        vault.get, vault.remove, lambda name: vault.put(name, VALUE), lambda name: vault.get("a", tenant=name),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(VaultError) as caught:
            ask(pasted)
        assert pasted not in str(caught.value)


def test_a_vault_that_is_not_there_says_how_to_make_one(shelf: Shelf) -> None:
    asks: list[Callable[[Vault], object]] = [
        lambda v: v.get("a"), lambda v: v.put("a", VALUE), lambda v: v.verify(), lambda v: v.entries(),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(VaultError, match="no such vault; make it with `smcp vault init`"):
            ask(opened(shelf))


def test_values_and_keys_are_in_no_repr(vault: Vault) -> None:
    shown = f"{vault!r} {vault.current()!r} {Secret('a', VALUE)!r} {vault.get('github')!r} {vault.verify()!r}"
    assert VALUE.decode() not in shown
    assert key().material.hex() not in shown


# -- removing


def test_removing_takes_all_versions_of_one_secret_alone(shelf: Shelf, vault: Vault) -> None:
    assert vault.remove("github") == 2
    assert vault.find("github") is None
    assert opened(shelf).get("github", tenant="acme").value == VALUE + b" 3"


def test_removing_one_version_leaves_the_others(vault: Vault) -> None:
    assert vault.remove("github", version=2) == 1
    assert vault.get("github").version == 1


def test_pruning_keeps_the_newest_versions(vault: Vault) -> None:
    vault.put("github", VALUE + b" 5")
    assert vault.prune(keep=2) == 1
    assert [entry.version for entry in vault.entries() if entry.name == "github"] == [2, 3, 1]
    assert vault.prune(keep=2) == 0


def test_pruning_nothing_writes_nothing(shelf: Shelf, vault: Vault) -> None:
    before = len(shelf.forms)
    assert vault.prune(keep=9) == 0
    assert len(shelf.forms) == before


def test_pruning_an_expired_secret_brings_no_older_version_back(shelf: Shelf) -> None:
    clock = Clock()
    vault = filled(shelf, clock=clock)
    vault.put("mail", VALUE + b" newest", expires_at=START + 5)
    clock.now += 10
    assert vault.find("mail") is None
    assert vault.prune(keep=9) == 2
    assert vault.find("mail") is None and vault.find("github") is not None


# -- time


def test_a_secret_opens_until_it_expires(shelf: Shelf) -> None:
    clock = Clock()
    vault = filled(shelf, clock=clock)
    clock.now = START + 59.9
    assert vault.get("mail").value == VALUE + b" 4"
    clock.now = START + 60
    assert vault.find("mail") is None
    with pytest.raises(VaultError, match="'mail' has expired; put in a new version"):
        vault.get("mail")
    assert vault.verify().expired == 1


def test_an_older_version_does_not_stand_in_for_an_expired_one(vault: Vault) -> None:
    vault.put("github", VALUE, expires_at=START + 1)
    assert vault.get("github").version == 3
    vault._clock = lambda: START + 2
    assert vault.find("github") is None


def test_a_clock_put_back_revives_nothing_in_the_process_that_saw_it_expire(shelf: Shelf) -> None:
    clock = Clock()
    vault = filled(shelf, clock=clock)
    clock.now = START + 61
    assert vault.find("mail") is None
    clock.now = START - 1000
    assert vault.find("mail") is None
    assert vault.find("github") is not None


def test_a_clock_put_back_revives_nothing_after_a_later_write(shelf: Shelf) -> None:
    clock = Clock()
    filled(shelf, clock=clock)
    clock.now = START + 61
    opened(shelf, clock=clock).put("other", VALUE)
    clock.now = START - 1000
    vault = opened(shelf, clock=clock)
    assert vault.find("mail") is None
    assert "clock is behind" in vault.verify().warnings[0]


def test_times_in_the_file_never_go_back(shelf: Shelf) -> None:
    clock = Clock()
    vault = filled(shelf, clock=clock)
    clock.now = START - 1000
    assert opened(shelf, clock=clock).put("other", VALUE).created_at == START
    assert vault.current().header.changed == START


# -- what two see of each other


def test_a_reader_sees_the_next_version_without_being_told(shelf: Shelf, vault: Vault) -> None:
    reader = opened(shelf)
    assert reader.get("github").version == 2
    vault.put("github", VALUE + b" new")
    assert parts(reader.get("github")) == ("", "github", 3, VALUE + b" new")


def test_two_writers_lose_nothing_of_each_other(shelf: Shelf, vault: Vault) -> None:
    other = opened(shelf)
    for number in range(10):
        (vault, other)[number % 2].put(f"n{number}", VALUE)
        (vault, other)[number % 2].put("both", VALUE)
    assert {f"n{number}" for number in range(10)} <= {entry.name for entry in vault.entries()}
    assert vault.get("both").version == other.get("both").version == 10
    assert vault.verify().generation == other.verify().generation == 25


def test_threads_that_write_and_read_at_once_lose_nothing(tmp_path: Path) -> None:
    vault = filled(file_in(tmp_path))
    faults: list[BaseException] = []

    def write(thread: int) -> None:
        try:
            for number in range(5):
                vault.put(f"t{thread}-{number}", VALUE)
                assert vault.get("github").version == 2
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert vault.verify().versions == 24


def test_what_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(file_in(tmp_path))
    store = FileStore(str(tmp_path / "vault.smcp"))
    monkeypatch.setattr("smcp_security.vault.file_store._SETTLED", 0.0)
    vault = opened(store)
    contents = vault.current()
    monkeypatch.setattr(store, "read", None)
    assert vault.get("github").version == 2
    assert vault.current() is contents


def test_the_same_bytes_written_again_are_not_parsed_again(shelf: Shelf, vault: Vault) -> None:
    contents = vault.current()
    shelf.write(bytes(bytearray(shelf.forms[-1])))
    assert vault.current() is contents


# -- verify


def test_verify_opens_everything_and_tells_how_far_it_is(vault: Vault) -> None:
    heard: list[tuple[int, int]] = []
    report = vault.verify(lambda done, all: heard.append((done, all)))
    assert (report.generation, report.secrets, report.versions, report.least_key_id) == (5, 3, 4, 1)
    assert heard == [(0, 4), (4, 4)]


def test_verify_names_a_key_in_the_ring_that_the_vault_does_not_know(shelf: Shelf, vault: Vault) -> None:
    warnings = opened(shelf, key(), key("two")).verify().warnings
    assert warnings == ("env:TWO is no key of this vault; add it, or take it out of the configuration",)


def test_a_generation_that_the_operator_expects_is_demanded(shelf: Shelf, vault: Vault) -> None:
    assert opened(shelf, least=5).get("github").version == 2
    with pytest.raises(VaultDamaged, match="rolled back: generation 5, expected 6 or later"):
        opened(shelf, least=6).get("github")


def test_a_fork_takes_a_lock_of_its_own(vault: Vault) -> None:
    vault._reader._lock.acquire()
    vault.reset_lock()
    assert vault.verify().versions == 4


def test_a_new_vault_in_the_place_of_one_that_was_removed_is_taken_by_who_makes_it(shelf: Shelf, vault: Vault) -> None:
    reader = opened(shelf)
    reader.current()
    shelf.forms.clear()
    assert vault.create().generation == 1
    assert vault.entries() == ()
    with pytest.raises(VaultDamaged, match="another vault than this process has read"):
        reader.entries()
    assert given()(None).first == key()
