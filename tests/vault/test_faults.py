"""What happens to a vault file, by accident or on purpose: it is noticed and named, and the last good copy stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from smcp_security.errors import VaultDamaged, VaultError
from smcp_security.vault.document import ORDER, Document, Line, parse
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault
from tests.vault.chest import START, VALUE, Shelf, file_in, filled, key, opened, parts, signed


@pytest.fixture(scope="module")
def good() -> Shelf:
    shelf = Shelf()
    filled(shelf)
    return shelf


def _shelf(data: bytes, mark: bytes | None = None) -> Shelf:
    shelf = Shelf()
    shelf.write(data)
    shelf.mark = mark
    return shelf


def _fault(data: bytes, mark: bytes | None = None) -> VaultError:
    """What a process says that finds this, and knows nothing of what was there before."""
    with pytest.raises(VaultError) as caught:
        opened(_shelf(data, mark)).verify()
    assert str(caught.value).startswith("shelf: ") and "\n" not in str(caught.value)
    return caught.value


# -- torn, and changed by accident


def test_a_file_cut_off_at_any_byte_is_noticed(good: Shelf) -> None:
    data = good.forms[-1]
    for length in range(len(data)):
        fault = _fault(data[:length])
        assert isinstance(fault, VaultDamaged), length
        assert "cut off" in str(fault), length
    assert opened(_shelf(data)).verify().versions == 4


def test_a_byte_changed_anywhere_is_noticed(good: Shelf) -> None:
    data = good.forms[-1]
    for place in range(len(data)):
        for changed in (data[place] ^ 1, 0x20 if data[place] != 0x20 else 0x21):
            _fault(data[:place] + bytes([changed]) + data[place + 1 :])


def test_a_byte_more_or_less_anywhere_is_noticed(good: Shelf) -> None:
    data = good.forms[-1]
    for place in range(0, len(data), 3):
        _fault(data[:place] + data[place + 1 :])
        _fault(data[:place] + b"0" + data[place:])
        _fault(data[:place] + b"\n" + data[place:])
    for more in (b"\n", b" ", b"\x00", b"{}\n", data):
        assert isinstance(_fault(data + more), VaultDamaged)


def test_zeros_in_the_place_of_a_block_are_noticed(good: Shelf) -> None:
    data = good.forms[-1]
    for start in range(0, len(data), 512):
        _fault(data[:start] + bytes(len(data[start : start + 512])) + data[start + 512 :])


@pytest.mark.parametrize(
    "order",
    [(0, 1, 2, 3, 5), (0, 1, 2, 3, 4, 4, 5), (0, 2, 1, 3, 4, 5), (1, 0, 2, 3, 4, 5), (0, 1, 2, 3, 5, 4), (0, 5)],
    ids=["dropped", "repeated", "swapped", "header later", "last line earlier", "emptied"],
)
def test_lines_that_somebody_moved_are_noticed(good: Shelf, order: Sequence[int]) -> None:
    lines = good.forms[-1].splitlines(keepends=True)
    _fault(b"".join(lines[index] for index in order))


# -- changed on purpose, without a key


def _moved(document: Document, change: Callable[[list[Line]], None]) -> tuple[Line, ...]:
    lines = list(document.lines)
    change(lines)
    return tuple(sorted(lines, key=ORDER))


def _swap_values(lines: list[Line]) -> None:
    one, other = lines[0], lines[3]
    lines[0] = replace(one, value=other.value, wrapped=other.wrapped)
    lines[3] = replace(other, value=one.value, wrapped=one.wrapped)


def _swap_versions(lines: list[Line]) -> None:
    one, other = lines[0], lines[1]
    lines[0], lines[1] = replace(one, version=other.version), replace(other, version=one.version)


def _give_to_a_tenant(lines: list[Line]) -> None:
    lines[1] = replace(lines[1], tenant="evil", version=1)


def _rename(lines: list[Line]) -> None:
    lines[1] = replace(lines[1], name="public", version=1)


SWAPS = [_swap_values, _swap_versions, _give_to_a_tenant, _rename]


@pytest.mark.parametrize("swap", SWAPS)
def test_ciphertexts_swapped_by_somebody_without_a_key_are_noticed(
    good: Shelf, swap: Callable[[list[Line]], None]
) -> None:
    document = parse(good.forms[-1], "v")
    lines = _moved(document, swap)
    by_a_stranger = signed(document.header, lines, key("stranger"))
    with_the_old_line = by_a_stranger[: by_a_stranger.rindex(b'{"mac"')] + b'{"mac":"' + document.mac.encode() + b'"}\n'
    for data in (by_a_stranger, with_the_old_line):
        fault = _fault(data)
        assert isinstance(fault, VaultDamaged)
        assert "changed since it was written" in str(fault)


@pytest.mark.parametrize("swap", SWAPS)
def test_ciphertexts_swapped_do_not_open_even_where_the_file_is_vouched_for(
    good: Shelf, swap: Callable[[list[Line]], None]
) -> None:
    document = parse(good.forms[-1], "v")
    forged = signed(document.header, _moved(document, swap), key())
    fault = _fault(forged)
    assert isinstance(fault, VaultDamaged)
    assert "does not open: it was sealed for another name, version, tenant or vault" in str(fault)
    assert VALUE.decode() not in str(fault)
    honest = signed(document.header, document.lines, key())
    assert opened(_shelf(honest)).verify().versions == 4


def test_a_line_of_another_vault_of_the_same_key_does_not_open(good: Shelf) -> None:
    other = Shelf()
    filled(other)
    ours, theirs = (parse(shelf.forms[-1], "v") for shelf in (good, other))
    data = signed(ours.header, theirs.lines, key())
    with pytest.raises(VaultDamaged, match=r"'github', version 2, does not open"):
        opened(_shelf(data)).get("github")


def test_an_expiry_or_a_tag_changed_by_somebody_without_a_key_is_noticed(good: Shelf) -> None:
    data = good.forms[-1]
    later = data.replace(b'"expires":1800000060.0', b'"expires":1900000060.0')
    assert later != data
    assert "changed since it was written" in str(_fault(later))


def test_a_stranger_who_names_a_key_of_his_own_is_refused(good: Shelf) -> None:
    document = parse(good.forms[-1], "v")
    header = document.header
    his = replace(header, keys=(replace(header.keys[0], fingerprint=key("his").fingerprint),))
    fault = _fault(signed(his, document.lines, key("his")))
    assert f"needs its key 1, of fingerprint {key('his').fingerprint}" in str(fault)


# -- rolled back


def test_an_older_copy_is_noticed_by_the_process_that_read_the_newer_one(good: Shelf) -> None:
    shelf = _shelf(good.forms[-1])
    vault = opened(shelf)
    assert vault.get("github").version == 2
    shelf.write(good.forms[-3])
    with pytest.raises(VaultDamaged, match="rolled back: generation 3 is older, by 2, than this process has read"):
        vault.get("github")
    shelf.write(good.forms[-1])
    assert vault.get("github").version == 2


def test_an_older_copy_is_noticed_by_its_mark(good: Shelf) -> None:
    fault = _fault(good.forms[-2], good.mark)
    assert isinstance(fault, VaultDamaged)
    assert "rolled back: generation 4 is older, by 1, than was written here last" in str(fault)
    assert "remove shelf.mark" in str(fault)


def test_an_older_copy_that_is_meant_is_taken_without_its_mark(good: Shelf) -> None:
    shelf = _shelf(good.forms[-2])
    vault = opened(shelf)
    assert vault.verify().generation == 4
    vault.put("a", VALUE)
    assert opened(shelf).verify().generation == 5


def test_an_older_copy_that_was_written_to_again_is_noticed(good: Shelf) -> None:
    forked = _shelf(good.forms[-2])
    opened(forked).put("mail", VALUE)
    assert "rolled back and written again" in str(_fault(forked.forms[-1], good.mark))
    shelf = _shelf(good.forms[-1])
    vault = opened(shelf)
    vault.current()
    shelf.write(forked.forms[-1])
    with pytest.raises(VaultDamaged, match="rolled back and written again: generation 5 is another one"):
        vault.current()


def test_a_mark_of_another_vault_is_noticed(good: Shelf) -> None:
    other = Shelf()
    filled(other)
    assert "another vault than was written here last" in str(_fault(good.forms[-1], other.mark))


@pytest.mark.parametrize("mark", [b"", b"{}", b"\xff", b"[" * 5000, b'{"vault_id":"a","generation":"5","sha256":""}'])
def test_a_mark_that_is_none_is_an_error_that_says_what_to_do(good: Shelf, mark: bytes) -> None:
    with pytest.raises(VaultDamaged, match=r"shelf\.mark: no mark of a vault; if shelf is the newest copy, remove"):
        opened(_shelf(good.forms[-1], mark)).verify()


def test_a_mark_that_is_behind_is_no_fault(good: Shelf) -> None:
    shelf = Shelf()
    vault = filled(shelf)
    before = shelf.mark
    vault.put("a", VALUE)
    shelf.mark = before
    assert opened(shelf).verify().generation == 6


def test_a_key_that_was_retired_cannot_vouch_for_a_later_copy(good: Shelf) -> None:
    shelf = _shelf(good.forms[-1])
    vault = opened(shelf, key("two"), key())
    document = parse(good.forms[-1], "v")
    vault.add_key(key("two"))
    vault.make_first(key("two").fingerprint)
    vault.rewrap()
    vault.retire_key(1)
    shelf.write(signed(replace(document.header, generation=99), document.lines, key()))
    with pytest.raises(VaultDamaged, match="a key opens again that was retired"):
        vault.current()


def test_no_damage_is_written_over(good: Shelf) -> None:
    changes: list[Callable[[Vault], object]] = [
        lambda vault: vault.put("a", VALUE),
        lambda vault: vault.remove("github"),
        lambda vault: vault.prune(keep=1),
        lambda vault: vault.rewrap(),
        lambda vault: vault.add_key(key("two")),
        lambda vault: vault.make_first(key().fingerprint),
        lambda vault: vault.retire_key(1),
        lambda vault: vault.create(),
    ]
    for damage in (good.forms[-1][:-1], good.forms[-1].replace(b"ci", b"cd"), b"", good.forms[-2]):
        for change in changes:
            shelf = _shelf(damage, good.mark)
            with pytest.raises(VaultError):
                change(opened(shelf))
            assert shelf.forms == [damage]
            assert shelf.mark == good.mark


def test_what_was_read_before_stays_known_after_damage(good: Shelf) -> None:
    shelf = _shelf(good.forms[-1])
    vault = opened(shelf)
    known = vault.current()
    shelf.write(good.forms[-1][:-5])
    with pytest.raises(VaultDamaged, match="cut off"):
        vault.get("github")
    assert parts(known.find("github", now=START)) == ("", "github", 2, VALUE + b" 2")
    shelf.write(good.forms[-1])
    assert vault.get("github").version == 2


# -- a file, its disk and its folder


def _refusing(number: int) -> Callable[..., None]:
    def refuse(*args: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_write_that_fails_loses_nothing_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = filled(file_in(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _refusing(28))
        with pytest.raises(VaultError, match=r"cannot be written .*; make room on its disk; what was there is still"):
            vault.put("a", VALUE)
    assert opened(file_in(tmp_path)).verify().generation == 5
    assert vault.find("a") is None
    vault.put("a", VALUE)
    assert opened(file_in(tmp_path)).verify().generation == 6


def test_a_mark_that_cannot_be_written_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = file_in(tmp_path)
    vault = filled(store)
    monkeypatch.setattr(store, "write_mark", lambda data: False)
    assert vault.put("a", VALUE).version == 1
    assert "vault.smcp.mark: cannot be written; until it can, an older copy may pass for new" in caplog.text
    assert opened(FileStore(store.name)).get("a").value == VALUE
    assert VALUE.decode() not in caplog.text


def test_a_vault_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    store = file_in(tmp_path)
    filled(store)
    for end in (".lock", ".mark"):
        os.unlink(store.name + end)
    os.chmod(store.name, 0o440)
    assert opened(FileStore(store.name)).verify().versions == 4
    assert os.listdir(tmp_path) == ["vault.smcp"]


def test_a_file_that_lay_open_to_others_is_refused_until_it_does_not(tmp_path: Path) -> None:
    store = file_in(tmp_path)
    vault = filled(store)
    os.chmod(store.name, 0o644)
    for ask in (lambda: vault.get("github"), lambda: vault.put("a", VALUE), vault.verify):
        with pytest.raises(VaultError, match="others may write it, or read the names in it; run: chmod g-w,o="):
            ask()
    os.chmod(store.name, 0o600)
    assert vault.get("github").version == 2
