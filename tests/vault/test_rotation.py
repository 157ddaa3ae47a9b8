"""The exchange of a key in three phases: each may be repeated, and be interrupted by anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from smcp_security.errors import VaultError
from smcp_security.vault.document import parse
from smcp_security.vault.vault import Vault
from tests.vault.chest import VALUE, Shelf, filled, key, opened, signed

OLD, NEW = key(), key("two")


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    filled(shelf)
    return shelf


def _exchanged(shelf: Shelf) -> Vault:
    """All three phases, with both keys in the ring."""
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    vault.make_first(NEW.fingerprint)
    vault.rewrap()
    vault.retire_key(1)
    return vault


def test_after_an_exchange_the_new_key_alone_opens_everything(shelf: Shelf) -> None:
    _exchanged(shelf)
    report = opened(shelf, NEW).verify()
    assert [(each.id, each.first, each.known) for each in report.keys] == [(1, False, False), (2, True, True)]
    assert (report.least_key_id, report.versions, report.warnings) == (2, 4, ())
    with pytest.raises(VaultError, match="needs its key 2"):
        opened(shelf, OLD).verify()


def test_a_server_that_has_both_keys_serves_in_every_phase(shelf: Shelf) -> None:
    server, operator = opened(shelf, OLD, NEW), opened(shelf, NEW, OLD)
    steps: list[Callable[[], object]] = [
        lambda: operator.add_key(NEW),
        lambda: operator.make_first(NEW.fingerprint),
        lambda: operator.put("github", VALUE + b" 2"),
        operator.rewrap,
        lambda: operator.retire_key(1),
    ]
    for step in steps:
        step()
        assert server.get("github").value == VALUE + b" 2"


def test_a_server_without_the_new_key_serves_until_it_becomes_the_first(shelf: Shelf) -> None:
    server, operator = opened(shelf, OLD), opened(shelf, NEW, OLD)
    operator.add_key(NEW)
    assert server.get("github").version == 2
    operator.make_first(NEW.fingerprint)
    with pytest.raises(VaultError, match=f"needs its key 2, of fingerprint {NEW.fingerprint}"):
        server.get("github")


def test_a_new_key_seals_only_once_it_is_the_first(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    assert vault.put("a", VALUE).key_id == 1
    vault.make_first(NEW.fingerprint)
    assert vault.put("a", VALUE).key_id == 2
    old, new = vault.keys()
    assert (old.seals, new.seals) == (5, 1)
    assert [vault.get("a", version=each).value for each in (1, 2)] == [VALUE, VALUE]


def test_every_phase_may_be_repeated_and_writes_but_once(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    phases: list[tuple[Callable[[], object], object]] = [
        (lambda: vault.add_key(NEW), None),
        (lambda: vault.make_first(NEW.fingerprint), None),
        (vault.rewrap, 0),
        (lambda: vault.retire_key(1), None),
    ]
    for phase, again in phases:
        first = phase()
        written = len(shelf.forms)
        assert phase() == (first if again is None else again)
        assert len(shelf.forms) == written


def test_rewrapping_touches_no_value_and_tells_how_far_it_is(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    vault.make_first(NEW.fingerprint)
    before = parse(shelf.forms[-1], "v").lines
    heard: list[tuple[int, int]] = []
    assert vault.rewrap(lambda done, all: heard.append((done, all))) == 4
    after = parse(shelf.forms[-1], "v").lines
    assert [line.value for line in before] == [line.value for line in after]
    assert not {line.wrapped for line in before} & {line.wrapped for line in after}
    assert {line.key_id for line in after} == {2}
    assert heard[-1] == (4, 4)
    assert [state.seals for state in opened(shelf, NEW).verify().keys] == [4, 4]


def test_a_rewrap_that_is_interrupted_changes_nothing(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    vault.make_first(NEW.fingerprint)
    before = list(shelf.forms)

    def interrupt(done: int, all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.rewrap(interrupt)
    assert shelf.forms == before
    assert vault.rewrap() == 4


def test_a_key_is_not_retired_while_anything_hangs_on_it(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    with pytest.raises(VaultError, match="key 1 seals; make a later key the first one"):
        vault.retire_key(1)
    vault.make_first(NEW.fingerprint)
    vault.put("mail", VALUE)
    with pytest.raises(VaultError, match="4 versions of secrets hang on keys up to 1; `smcp vault rewrap` frees them"):
        vault.retire_key(1)
    with pytest.raises(VaultError, match="key 2 seals"):
        vault.retire_key(2)
    vault.rewrap()
    assert vault.retire_key(1).id == 1


def test_an_exchange_can_be_turned_back_before_the_old_key_is_retired(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    vault.make_first(NEW.fingerprint)
    vault.put("a", VALUE)
    assert vault.make_first(OLD.fingerprint).first
    vault.rewrap()
    assert opened(shelf, OLD).verify().versions == 5


def test_a_retired_key_never_comes_back(shelf: Shelf) -> None:
    vault = _exchanged(shelf)
    asks: list[Callable[[], object]] = [lambda: vault.add_key(OLD), lambda: vault.make_first(OLD.fingerprint)]
    for ask in asks:
        with pytest.raises(VaultError, match="key 1 was retired and comes back no more"):
            ask()
    assert vault.verify().warnings == ("env:ONE is key 1, which was retired; take it out of the configuration",)


def test_what_hangs_on_a_retired_key_opens_no_more_though_the_key_is_given(shelf: Shelf) -> None:
    vault = opened(shelf, NEW, OLD)
    vault.add_key(NEW)
    vault.make_first(NEW.fingerprint)
    vault.put("new", VALUE)
    document = parse(shelf.forms[-1], "v")
    shelf.mark = None
    shelf.write(signed(replace(document.header, least_key_id=2), document.lines, NEW))
    later = opened(shelf, NEW, OLD)
    assert later.get("new").value == VALUE
    with pytest.raises(VaultError, match=r"'github', version 2, is sealed under key 1, and keys below 2 were retired"):
        later.get("github")


def test_a_key_becomes_the_first_only_when_the_ring_has_it(shelf: Shelf) -> None:
    vault = opened(shelf, OLD)
    with pytest.raises(VaultError, match="does not know that key; add it first"):
        vault.make_first(NEW.fingerprint)
    assert not vault.add_key(NEW).known
    with pytest.raises(VaultError, match=f"needs its key 2, of fingerprint {NEW.fingerprint}; given was env:ONE"):
        vault.make_first(NEW.fingerprint)


def test_rewrapping_without_the_old_key_says_which_one_is_needed(shelf: Shelf) -> None:
    both = opened(shelf, NEW, OLD)
    both.add_key(NEW)
    both.make_first(NEW.fingerprint)
    alone = opened(shelf, NEW)
    asks: list[Callable[[], object]] = [alone.rewrap, alone.verify, lambda: alone.get("github")]
    for ask in asks:
        with pytest.raises(VaultError, match=f"needs its key 1, of fingerprint {OLD.fingerprint}; given was env:TWO"):
            ask()
    alone.put("new", VALUE)
    assert alone.get("new").value == VALUE


def test_three_keys_one_after_the_other_leave_the_last_one(shelf: Shelf) -> None:
    third = key("three")
    _exchanged(shelf)
    vault = opened(shelf, third, NEW)
    assert vault.add_key(third).id == 3
    vault.make_first(third.fingerprint)
    assert vault.rewrap() == 4
    assert vault.retire_key(2).id == 2
    assert opened(shelf, third).verify().least_key_id == 3
