"""Master keys: told apart by fingerprints, and shown by nothing that prints, dumps or copies objects."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import VaultError
from smcp_security.vault.envelope import bound, derived
from smcp_security.vault.keyring import KeyRing, MasterKey

MATERIAL = sha256(b"a master key of the tests").digest()
OTHER = sha256(b"another master key of the tests").digest()


@pytest.fixture
def key() -> MasterKey:
    return MasterKey(MATERIAL, "env:SMCP_VAULT_KEY")


def _shows(text: str | bytes, material: bytes = MATERIAL) -> bool:
    """Whether any eight bytes of the key stand in `text`, as they are or as Python and JSON write bytes."""
    data = text.encode() if isinstance(text, str) else text
    pieces = [material[at : at + 8] for at in range(0, 32, 8)]
    spelt = [form for piece in pieces for form in (piece, piece.hex().encode(), repr(piece)[2:-1].encode())]
    return any(form in data for form in spelt)


@pytest.mark.parametrize(
    "shown",
    [
        repr, str, "{}".format, "{!r}".format, "{!s}".format, ascii, pprint.pformat,
        lambda key: repr([key]), lambda key: repr({"key": (key,)}), lambda key: f"{key}",
        lambda key: str(ValueError(key)), lambda key: repr(KeyRing([key])), lambda key: str(KeyRing([key])),
        lambda key: "%s %r" % (key, key),  # noqa: UP031
    ],
)  # fmt: skip
def test_nothing_that_prints_shows_a_key(key: MasterKey, shown: Callable[[object], str]) -> None:
    assert not _shows(shown(key))
    assert "env:SMCP_VAULT_KEY" in shown(key)


@pytest.mark.parametrize(
    "dumped",
    [
        msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, msgspec.structs.asdict, json.dumps,
        pydantic_core.to_json, pydantic_core.to_jsonable_python, dataclasses.asdict, vars, pickle.dumps, copy.copy,
        copy.deepcopy, lambda key: key.__getstate__(), lambda key: key.__reduce__(), lambda key: key.__reduce_ex__(4),
        lambda key: dict(key), lambda key: bytes(key), lambda key: list(key),
    ],
)  # fmt: skip
def test_nothing_that_dumps_objects_takes_a_key(key: MasterKey, dumped: Callable[[Any], object]) -> None:
    for each in (key, KeyRing([key])):
        try:
            result = dumped(each)
        except (TypeError, ValueError, AttributeError) as error:
            # pydantic's error is a ValueError and shows the object by `repr`.
            assert not _shows(str(error))
        else:
            assert isinstance(each, KeyRing)
            assert not _shows(repr(result))


def test_a_key_is_refused_by_pickle_even_inside_of_something(key: MasterKey) -> None:
    for holder in (key, KeyRing([key]), [key], {"key": key}):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                pickle.dumps(holder, protocol)
    assert pickle.loads(pickle.dumps(key.fingerprint)) == key.fingerprint


def test_the_log_and_a_traceback_show_no_key(key: MasterKey, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("tests").warning("opened with %s and %r of %s", key, key, KeyRing([key]))
    try:
        raise RuntimeError(key)
    except RuntimeError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "env:SMCP_VAULT_KEY" in told
    assert not _shows(told)
    assert not _shows(caplog.text)


def test_a_key_does_not_change(key: MasterKey) -> None:
    for name in ("material", "label", "_material", "fingerprint", "anything"):
        with pytest.raises(AttributeError):
            setattr(key, name, OTHER)
        with pytest.raises(AttributeError):
            delattr(key, name)
    assert (key.material, key.label) == (MATERIAL, "env:SMCP_VAULT_KEY")


def test_keys_are_equal_by_what_they_are_and_not_by_where_they_come_from(key: MasterKey) -> None:
    same, other = MasterKey(MATERIAL, "file:key"), MasterKey(OTHER, "env:SMCP_VAULT_KEY")
    assert key == same
    assert hash(key) == hash(same)
    assert key != other
    assert key != MATERIAL


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_is_16_digits_that_say_nothing_of_the_key(material: bytes) -> None:
    key = MasterKey(material, "env:K")
    assert len(key.fingerprint) == 16
    assert set(key.fingerprint) <= set("0123456789abcdef")
    assert key.fingerprint not in material.hex()
    assert key.fingerprint == MasterKey(material, "file:k").fingerprint
    assert key.fingerprint != derived(material, bound("mac"), 8).hex()


@pytest.mark.parametrize("material", [b"", b"short", bytes(31), bytes(33), "x" * 32, bytearray(32), None])
def test_what_is_no_key_of_32_bytes_is_refused_without_being_shown(material: Any) -> None:
    with pytest.raises(VaultError, match="env:K: expected a key of 32 bytes, found ") as caught:
        MasterKey(material, "env:K")
    assert "xxx" not in str(caught.value)
    assert MasterKey(bytes(32), "env:K").material == bytes(32)


def test_a_ring_finds_its_keys_by_their_fingerprints(key: MasterKey) -> None:
    other = MasterKey(OTHER, "file:old")
    ring = KeyRing([key, other])
    assert ring.first is key
    assert ring.keys == (key, other)
    assert ring.find(key.fingerprint) is key
    assert ring.find(other.fingerprint) is other
    assert ring.find("0" * 16) is None
    assert ring.find("") is None


def test_a_ring_refuses_the_same_key_under_two_names(key: MasterKey) -> None:
    with pytest.raises(VaultError, match=r"file:copy: is the same key as env:SMCP_VAULT_KEY; name each key once"):
        KeyRing([key, MasterKey(OTHER, "file:old"), MasterKey(MATERIAL, "file:copy")])
    assert len(KeyRing([key, MasterKey(OTHER, "file:old")]).keys) == 2


def test_a_ring_without_keys_is_refused() -> None:
    with pytest.raises(VaultError, match="no master key is given; name at least one"):
        KeyRing([])
