"""`smcp revoke`: what it writes is what the servers look for, and it says clearly what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from smcp_security.stores.redis import RedisStore
from smcp_security.stores.store import open_remote
from tests.cli.terminal import Run, smcp
from tests.stores.keyserver import KeyServer, MissingServer, free_port, valkey_binary

_serial: Final = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    """A server of keys with a password."""
    try:
        binary = valkey_binary()
    except MissingServer as missing:
        pytest.skip(f"missing: {missing}")
    made = KeyServer(binary, tmp_path_factory.mktemp("valkey"), "--requirepass", "hidden-password").start()
    yield made
    made.kill()


class Desk:
    """An operator at a store of this test alone."""

    def __init__(self, server: KeyServer) -> None:
        self.url = server.url.replace("//", "//:hidden-password@")
        self.namespace = f"revoke{next(_serial)}"
        self.remote: RedisStore = open_remote(self.url, self.namespace, 10.0)

    def run(self, *arguments: str) -> Run:
        """`smcp revoke` at that store."""
        return smcp("revoke", "--store", "env:THE_STORE", "--namespace", self.namespace, *arguments)

    @property
    def names(self) -> frozenset[str] | None:
        """What servers see."""
        return self.remote.standing(b"").names


@pytest.fixture
def desk(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(server)
    monkeypatch.setenv("THE_STORE", made.url)
    yield made
    made.remote.close()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--jti", "https://as.example", "t-1"), "jti:https://as.example#t-1"),
        (("--subject", "jwt:https://as.example#ann"), "sub:jwt:https://as.example#ann"),
        (("--subject", "key:billing"), "sub:key:billing"),
        (("--key", "k7f3"), "key:k7f3"),
    ],
)
def test_what_is_revoked_stands_until_it_is_lifted(desk: Desk, arguments: tuple[str, ...], name: str) -> None:
    done = desk.run(*arguments)
    assert (done.code, done.out, done.err) == (0, f"revoked for ever: {name}\n", "")
    assert desk.names == {name}
    assert desk.run("--list").out == f"{name}\n"
    lifted = desk.run(*arguments, "--lift")
    assert (lifted.code, lifted.out) == (0, f"counts again: {name}\n")
    assert desk.names == frozenset()


def test_a_revocation_for_a_time_has_an_end(desk: Desk) -> None:
    assert desk.run("--key", "a", "--for", "30d").out == "revoked for 30d: key:a\n"
    assert desk.run("--key", "b", "--for", "1").out == "revoked for 1: key:b\n"
    assert desk.names == {"key:a", "key:b"}


def test_the_list_is_sorted_and_may_be_json(desk: Desk) -> None:
    assert desk.run("--list", "--format", "json").json == []
    for name in ("b", "a"):
        desk.run("--key", name)
    assert desk.run("--list", "--format", "json").json == ["key:a", "key:b"]


def test_a_name_cannot_write_on_the_screen_what_it_likes(desk: Desk) -> None:
    desk.run("--key", "a\x1b[2J\nkey:innocent")
    assert desk.run("--list").out == "key:a\\x1b[2J\\nkey:innocent\n"


def test_lifting_what_is_not_revoked_is_an_error(desk: Desk) -> None:
    missed = desk.run("--key", "a", "--lift")
    assert missed.code == 2 and "--list shows" in missed.complaint


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--lift",),
        ("--key", "a", "--list"),
        ("--key", "a", "--subject", "b"),
        ("--key", ""),
        ("--jti", "", "t"),
        ("--jti", "https://as.example", ""),
        ("--key", "a" * 5000),
        ("--subject", "ann"),
        ("--subject", "https://as.example#ann"),
        ("--key", "a", "--for", "soon"),
        ("--key", "a", "--for", "0"),
        ("--key", "a", "--for", "-1d"),
        ("--key", "a", "--for", "1d", "--lift"),
        ("--list", "--for", "1d"),
        ("--key", "a", "--namespace", "a b"),
    ],
)
def test_what_makes_no_sense_changes_nothing(desk: Desk, arguments: tuple[str, ...]) -> None:
    refused = desk.run(*arguments)
    assert refused.code == 2 and refused.complaint.startswith("smcp revoke: ")
    assert desk.names == frozenset()


def test_a_store_in_memory_cannot_be_reached_from_here() -> None:
    refused = smcp("revoke", "--store", "memory://", "--list")
    assert refused.code == 2 and "inside each server process" in refused.complaint


@pytest.mark.parametrize("url", ["env:NO_SUCH_STORE", "ftp://hidden-password", "redis://:hidden-password@", ""])
def test_a_store_that_cannot_be_meant_is_refused_without_showing_it(url: str) -> None:
    refused = smcp("revoke", "--store", url, "--list")
    assert refused.code == 2 and "--store: " in refused.complaint
    assert "hidden" not in refused.complaint


def test_a_store_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    refused = smcp("revoke", "--store", f"redis://:hidden-password@127.0.0.1:{free_port()}", "--key", "a")
    assert refused.code == 2 and "may not be done" in refused.complaint
    assert "hidden" not in refused.complaint
