"""Which store a policy opens: memory unless a URL names a server, and clear errors where it cannot be had."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from smcp_security.checks.rung import Charge, Spend
from smcp_security.errors import PolicyError
from smcp_security.policy.store import StorePolicy
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.shared import SharedStore
from smcp_security.stores.store import open_store, revocable
from tests.stores.keyserver import KeyServer, free_port


def _open(url: str, environ: dict[str, str] | None = None) -> Any:
    return open_store(StorePolicy(url=url), 1, on_change=lambda state: None, environ=environ or {})


def test_the_default_store_is_the_memory_of_the_process() -> None:
    assert isinstance(_open("memory://"), MemoryStore)
    assert isinstance(_open("env:STORE", {"STORE": "memory://"}), MemoryStore)


def test_a_url_in_the_environment_opens_the_server_that_it_names(valkey: KeyServer) -> None:
    store = _open("env:STORE", {"STORE": f"{valkey.url}\n"})
    assert isinstance(store, SharedStore)
    assert store.answer(Spend([Charge("environment", 1.0, 5)])) is None and not store.away
    store.close()


@pytest.mark.parametrize(
    "value", [None, "", "  ", "redis://a b", "redis://a\x00", "redis://" + "a" * 5000, "ftp://secret"]
)
def test_a_variable_that_holds_no_url_stops_the_start(value: str | None) -> None:
    environ = {} if value is None else {"STORE": value}
    with pytest.raises(PolicyError, match=r"^store\.url: ") as refused:
        _open("env:STORE", environ)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_away_stops_no_start() -> None:
    store = _open(f"redis://127.0.0.1:{free_port()}")
    assert store.answer(Spend([Charge("k", 1000.0, 1)])) is None
    assert store.away
    store.close()


def _python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


_OPEN = (
    "from smcp_security.policy.store import StorePolicy\n"
    "from smcp_security.stores.store import open_store\n"
    "open_store(StorePolicy(url={url!r}), 1, on_change=print)\n"
)


def test_a_missing_package_is_named_and_memory_needs_none() -> None:
    """In one process: to start one takes a second."""
    told = _python(
        "import sys\n" + _OPEN.format(url="memory://") + "print('redis' in sys.modules); sys.modules['redis'] = None\n"
        f"try: exec({_OPEN.format(url='redis://a')!r})\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    imported, error = told.splitlines()
    assert imported == "False"
    assert error.startswith("PolicyError") and "pip install 'smcp-security[redis]'" in error


@pytest.mark.parametrize(
    "name",
    ["ann", "", "key:", "jti:t-1", "sub:ann", "sub:https://as.example#ann", "sub:jwt:", "subject:key:ann", "KEY:a"],
)
def test_a_name_that_no_check_looks_for_is_not_revoked(name: str) -> None:
    with pytest.raises(ValueError, match="expected jti:ISSUER#JTI"):
        revocable(name)


@pytest.mark.parametrize(
    "name", ["key:k1", "jti:https://as.example#t-1", "sub:jwt:https://as.example#a\nb", "sub:cert:CN=a", "sub:user:ann"]
)
def test_a_name_that_some_check_looks_for_is_revoked(name: str) -> None:
    assert revocable(name) == name
