from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from smcp_security.errors import VaultDamaged, VaultError
from smcp_security.vault import document
from smcp_security.vault.document import ORDER, Line, encode, finished, parse
from tests.vault.chest import Shelf, filled


@pytest.fixture(scope="module")
def data() -> bytes:
    store = Shelf()
    filled(store)
    return store.forms[-1]


def _lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()]


def _spelt(lines: list[Any]) -> bytes:
    return b"".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for line in lines)


def test_what_parses_is_spelt_the_same_again(data: bytes) -> None:
    parsed = parse(data, "v")
    assert finished(encode(parsed.header, parsed.lines), parsed.mac) == data
    assert _spelt(_lines(data)) == data


def test_a_line_stands_for_each_version_in_the_order_of_tenant_name_and_version(data: bytes) -> None:
    lines = parse(data, "v").lines
    assert [(line.tenant, line.name, line.version) for line in lines] == [
        ("", "github", 1), ("", "github", 2), ("", "mail", 1), ("acme", "github", 1),
    ]  # fmt: skip


_DERIVATION = {"salt": "AAAAAAAAAAAAAAAAAAAAAA==", "memory": 8, "passes": 1, "lanes": 1}

WRONG_HEADERS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a field is unknown", lambda header: header.update(more=1), "unknown"),
    ("a field is missing", lambda header: header.pop("created"), "missing required field `created`"),
    ("a type is wrong", lambda header: header.update(generation="5"), "expected `int`, got `str` - at `$.generation`"),
    ("the generation is no count", lambda header: header.update(generation=0), "generation"),
    ("the generation is over what a file can have", lambda header: header.update(generation=2**63), "generation"),
    ("it changed before it was made", lambda header: header.update(changed=1.0), "created and changed"),
    ("the id of the vault is no id", lambda header: header.update(vault_id="x" * 32), "vault_id"),
    ("there is no key", lambda header: header.update(keys=[]), "keys"),
    ("the first key is none of them", lambda header: header.update(first_key_id=2), "first_key_id"),
    ("the first key was retired", lambda header: header.update(least_key_id=2), "first_key_id"),
    ("the least key is none", lambda header: header.update(least_key_id=0), "least_key_id"),
    ("a key id does not count", lambda header: header["keys"][0].update(id=2), "count up from 1"),
    ("a fingerprint is none", lambda header: header["keys"][0].update(fingerprint="A" * 16), "fingerprint"),
    ("a count of seals is none", lambda header: header["keys"][0].update(seals=-1), "seals"),
    ("passphrases would be derived weakly", lambda header: header.update(derivation=_DERIVATION), "Argon2id: memory"),
    ("a key stands there twice", lambda header: header["keys"].append({**header["keys"][0], "id": 2}), "twice"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), [row[1:] for row in WRONG_HEADERS], ids=[row[0] for row in WRONG_HEADERS])
def test_a_wrong_header_is_named_with_its_line(
    data: bytes, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    lines = _lines(data)
    change(lines[0])
    with pytest.raises(VaultDamaged) as caught:
        parse(_spelt(lines), "a.smcp")
    assert str(caught.value).startswith("a.smcp: line 1: ")
    assert words in str(caught.value)
    assert "restore" in str(caught.value)


WRONG_LINES: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a field is unknown", lambda line: line.update(more=1), "unknown"),
    ("the name is none", lambda line: line.update(name="git hub"), "name of a secret"),
    ("the tenant is none", lambda line: line.update(tenant="ac\u0085me"), "name of a tenant"),
    ("the version is none", lambda line: line.update(version=0), "version"),
    ("the time is none", lambda line: line.update(created=-1.0), "created"),
    ("the expiry is beyond all years", lambda line: line.update(expires=3.0e11), "expires"),
    ("a tag is none", lambda line: line.update(tags=["a b"]), "tags"),
    ("tags are in disorder", lambda line: line.update(tags=["b", "a"]), "order"),
    ("the key is unknown", lambda line: line.update(key_id=7), "key"),
    ("the wrapped key is too short", lambda line: line.update(wrapped="AAAA"), "wrapped"),
    ("the value is empty", lambda line: line.update(value=""), "value"),
    ("the value is no Base64", lambda line: line.update(value="%%"), "base64"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), [row[1:] for row in WRONG_LINES], ids=[row[0] for row in WRONG_LINES])
def test_a_wrong_line_is_named_with_its_number(
    data: bytes, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    lines = _lines(data)
    change(lines[2])
    with pytest.raises(VaultDamaged) as caught:
        parse(_spelt(lines), "a.smcp")
    assert str(caught.value).startswith("a.smcp: line 3: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("spelling", "number"),
    [
        (lambda data: data.replace(b'{"tenant"', b'{ "tenant"', 1), 2),
        (lambda data: data.replace(b'"version":1,', b'"version":1,"version":1,', 1), 2),
        (lambda data: data.replace(b'"tags":["ci"]', b'"tags":["\\u0063i"]', 1), 2),
        (lambda data: data.replace(b"\n", b"\r\n", 1), 1),
        (lambda data: data.replace(b'==","value"', b'=","value"', 1), 2),
        (lambda data: re.sub(rb'.(==","value")', rb"B\1", data, count=1), 2),
        (lambda data: data.replace(b'{"mac":"', b'{"mac": "', 1), 6),
    ],
    ids=[
        "a space",
        "a field twice",
        "an escape",
        "another line end",
        "padding",
        "bits that count for nothing",
        "a space in the last line",
    ],
)
def test_another_spelling_of_the_same_is_refused(data: bytes, spelling: Callable[[bytes], bytes], number: int) -> None:
    changed = spelling(data)
    assert changed != data
    with pytest.raises(VaultDamaged, match=f"line {number}:|cut off"):
        parse(changed, "v")


@pytest.mark.parametrize(
    ("order", "words"),
    [((0, 2, 1, 3, 4, 5), "not in its order"), ((0, 1, 1, 2, 3, 4, 5), "the same version twice")],
    ids=["swapped", "repeated"],
)
def test_lines_that_were_moved_are_named(data: bytes, order: tuple[int, ...], words: str) -> None:
    lines = data.splitlines(keepends=True)
    with pytest.raises(VaultDamaged, match=rf"v: line 3: {words}"):
        parse(b"".join(lines[index] for index in order), "v")


@pytest.mark.parametrize("other", [b"hello\n", b"{}\n", b'{"format":"other/1"}\n', b"\x00\xff", b"[" * 100_000])
def test_what_is_no_vault_is_an_error_and_no_damage(other: bytes) -> None:
    with pytest.raises(VaultError, match="not a vault") as caught:
        parse(other, "v")
    assert type(caught.value) is VaultError


def test_a_vault_of_a_later_format_is_no_damage(data: bytes) -> None:
    with pytest.raises(VaultError, match="later release") as caught:
        parse(data.replace(b"smcp.vault/1", b"smcp.vault/2", 1), "v")
    assert type(caught.value) is VaultError


def test_nesting_without_an_end_is_refused(data: bytes) -> None:
    header, rest = data.split(b"\n", 1)
    with pytest.raises(VaultDamaged, match="line 2"):
        parse(header + b"\n" + b"[" * 200_000 + b"\n" + rest, "v")


def test_too_much_is_refused_before_it_is_read(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "VERSIONS_MAX", 3)
    with pytest.raises(VaultError, match="more than 3 versions"):
        parse(data, "v")
    monkeypatch.setattr(document, "VERSIONS_MAX", 4)
    assert len(parse(data, "v").lines) == 4
    monkeypatch.setattr(document, "BYTES_MAX", len(data) - 1)
    with pytest.raises(VaultError, match="larger than"):
        parse(data, "v")


def test_errors_quote_nothing_of_the_file(data: bytes) -> None:
    secret = "hunter" + "2hunter2"
    for place in ("tenant", "name", "version", "created", "expires", "tags", "key_id", "wrapped", "value", secret):
        lines = _lines(data)
        lines[1][place] = f" {secret}"
        with pytest.raises(VaultDamaged) as caught:
            parse(_spelt(lines), "v")
        assert secret not in str(caught.value)


_NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
_TENANTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), max_size=8)


@examples(
    st.dictionaries(
        st.tuples(_TENANTS, _NAMES, st.integers(1, 2**63 - 1)),
        st.tuples(st.floats(0, 2**37), st.none() | st.floats(0, 2**37), st.integers(1, 100)),
        max_size=5,
    )
)
def test_any_lines_come_back_as_they_were(found: dict[Any, Any]) -> None:
    store = Shelf()
    header = parse(_EMPTY, "v").header
    lines = [
        Line(tenant, name, version, created, expires, ("a", "b"), 1, bytes(124), bytes(92 + size))
        for (tenant, name, version), (created, expires, size) in found.items()
    ]
    lines.sort(key=ORDER)
    store.write(finished(encode(header, lines), "0" * 64))
    assert list(parse(store.forms[-1], "v").lines) == lines


def _empty() -> bytes:
    store = Shelf()
    filled(store)
    return store.forms[0]


_EMPTY = _empty()
