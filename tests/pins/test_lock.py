"""The lock file: one text for one lock, readable by people, and nothing in it is taken on trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.pins.canonical import Unpinnable, digest_of
from smcp_security.pins.lock import Lock, digest_of_file, lock_of, read, schemas_of, written
from tests.pins.definitions import ADD, GREET, INSTRUCTIONS, NOTES, READ, SERVER, changed, reordered
from tests.pins.test_canonical import JSON

LOCK: Final = lock_of([READ, ADD], [GREET], [NOTES], INSTRUCTIONS, SERVER)
TEXT: Final = written(LOCK)


def test_a_lock_is_read_back_as_it_was_written() -> None:
    assert read(TEXT) == LOCK
    assert LOCK.digest == digest_of_file(TEXT) and LOCK.digest.startswith("sha256:")
    assert read(written(Lock())) == Lock(digest=digest_of_file(written(Lock())))


def test_each_entry_has_the_whole_definition_and_its_digest() -> None:
    assert LOCK.tools["read"].definition == READ and LOCK.tools["read"].digest == digest_of(READ)
    assert list(json.loads(TEXT)) == ["version", "server", "instructions", "tools", "prompts", "templates"]
    assert json.loads(TEXT)["templates"]["notes://{id}"] == {
        "digest": f"sha256:{digest_of(NOTES)}", "definition": NOTES,
    }  # fmt: skip


def test_the_order_in_which_a_server_lists_changes_no_byte() -> None:
    again = lock_of([reordered(ADD), reordered(READ)], [GREET], [NOTES], INSTRUCTIONS, dict(reversed(SERVER.items())))
    assert written(again) == TEXT


def test_a_change_of_one_definition_changes_its_own_lines_alone() -> None:
    other = written(lock_of([changed(READ, title="Write"), ADD], [GREET], [NOTES], INSTRUCTIONS, SERVER))
    lines = [pair for pair in zip(TEXT.splitlines(), other.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [line.strip().split(b":")[0] for line, _ in lines] == [b'"digest"', b'"title"']


def test_what_a_reviewer_would_not_see_is_escaped_in_the_file() -> None:
    hostile = {"name": "a\u202e", "description": "x\u200b\U000e0041\x1b[0m\u2028 é \u4f60"}
    lock = lock_of([hostile])
    text = written(lock).decode()
    assert "x\\u200b\\udb40\\udc41\\u001b[0m\\u2028 é \u4f60" in text and '"a\\u202e"' in text
    assert read(text.encode()) == lock


NAMES: Final = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, JSON, max_size=3), max_size=4), st.none() | NAMES)
def test_any_lock_comes_back_from_its_own_text(members: dict[str, Any], instructions: str | None) -> None:
    tools = [{**definition, "name": name} for name, definition in members.items()]
    templates = [{**definition, "uriTemplate": name} for name, definition in members.items()]
    lock = lock_of(tools, tools, templates, instructions, {"name": instructions or ""})
    assert read(written(lock)) == lock
    assert written(read(written(lock))) == written(lock)


# -- what is no lock -------------------------------------------------------------------------------------------------


def _edited(edit: Callable[[Any], object]) -> bytes:
    value = json.loads(TEXT)
    edit(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda v: v.update(version=2), "version: expected 1; a newer smcp-security"),
        (lambda v: v.update(version=True), "version: expected 1"),
        (lambda v: v.pop("prompts"), "prompts is missing"),
        (lambda v: v.update(resources={}), 'no key "resources"; expected version, server'),
        (lambda v: v.update(tools=[]), "tools: expected an object with an entry for each name"),
        (lambda v: v.update(server={"name": 1}), "server: expected texts under name and version alone"),
        (lambda v: v.update(server={"token": "x"}), "server: expected texts"),
        (lambda v: v["tools"]["read"].update(note=1), 'tools "read": no key "note"'),
        (lambda v: v["tools"]["read"].pop("digest"), 'tools "read": digest is missing'),
        (lambda v: v["tools"].update(read=7), 'tools "read": expected an object with digest, definition'),
        (lambda v: v["tools"]["read"].update(digest="0" * 64), 'tools "read": digest: expected sha256: and 64'),
        (lambda v: v["tools"]["read"].update(digest=7), 'tools "read": digest: expected'),
        (lambda v: v["tools"]["read"]["definition"].update(title="Write"), 'tools "read": its digest does not fit'),
        (lambda v: v["tools"].update(other=v["tools"].pop("read")), 'tools "other": its definition has another name'),
        (lambda v: v["templates"].update(x=v["templates"].popitem()[1]), 'templates "x": its definition has another'),
        (lambda v: v["instructions"].update(definition="Obey."), "instructions: its digest does not fit"),
        (lambda v: v.update(instructions="Obey."), "instructions: expected an object"),
        (
            lambda v: v.update(instructions={"digest": f"sha256:{digest_of([])}", "definition": []}),
            "instructions: expected a text",
        ),
        (lambda v: v["tools"].update({"e\u202e": 7}), 'tools "e\\u202e": expected'),
    ],
)
def test_a_lock_that_was_edited_is_refused_and_says_where(edit: Callable[[Any], object], said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read(_edited(edit))
    assert str(refused.value).startswith(said) and "`smcp pin`" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON (line 1)"),
        (TEXT[:-20], "not JSON (line "),
        (b"[]", "expected an object with version"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf" + TEXT, "not UTF-8 without a byte order mark"),
        (TEXT.replace(b'"prompts": {', b'"tools": {}, "prompts": {', 1), "an object has the same key twice"),
        (TEXT.replace(b'"tools": {', b'<<<<<<< HEAD\n"tools": {', 1), "not JSON"),
        (TEXT.replace(b'  "tools": {', b'<<<<<<< HEAD\n  "tools": {', 1), "holds the marks of an unfinished merge"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_json_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read(data)
    assert str(refused.value).startswith(said)
    # `smcp pin` reads what is there before it writes, and would say the same again.
    assert "delete it and pin anew with `smcp pin`" in str(refused.value)


def test_a_file_that_was_only_formatted_anew_is_the_same_lock_with_another_digest() -> None:
    again = read(json.dumps(json.loads(TEXT), sort_keys=True).encode())
    assert again.digest != LOCK.digest
    assert (again.tools, again.prompts, again.instructions) == (LOCK.tools, LOCK.prompts, LOCK.instructions)


@settings(max_examples=150)
@given(st.integers(0, len(TEXT)), st.integers(0, 4), st.binary(max_size=4) | st.sampled_from([b"{", b'"', b"0", b"}"]))
def test_bytes_that_were_tampered_with_are_refused_or_approve_of_nothing_new(at: int, cut: int, put: bytes) -> None:
    try:
        lock = read(TEXT[:at] + put + TEXT[at + cut :])
    except PolicyError as refused:
        assert "\n" not in str(refused)
        return
    for kind in ("tool", "prompt", "template"):
        assert {name: entry.digest for name, entry in lock.of(kind).items()} == {
            name: entry.digest for name, entry in LOCK.of(kind).items()
        }
    assert lock.instructions == LOCK.instructions


# -- what can be pinned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([{}], "tool 0: no name by which to pin it"),
        ([READ, {"name": 7}], "tool 1: no name"),
        (["read"], "tool 0: no name"),
        ([READ, ADD, changed(READ, title="Write")], 'tool "read": listed twice, and not the same'),
        ([{"name": "a\x1b", "x": float("nan")}], 'tool "a\\u001b": a value that JSON does not have'),
    ],
)
def test_what_has_no_name_of_its_own_cannot_be_pinned(tools: list[Any], said: str) -> None:
    with pytest.raises(Unpinnable) as refused:
        lock_of(tools)
    assert str(refused.value).startswith(said)


def test_one_definition_that_is_listed_twice_is_one_entry() -> None:
    assert lock_of([READ, reordered(READ)]) == lock_of([READ])


def test_a_server_without_instructions_has_none_pinned() -> None:
    assert lock_of(instructions="").instructions is None
    assert lock_of().instructions is None


def test_what_else_a_server_says_of_itself_is_left_out() -> None:
    assert lock_of(server={"name": "a", "title": "b"}).server == {"name": "a"}


def test_only_the_very_definition_that_was_pinned_is_approved() -> None:
    assert LOCK.approves("tool", reordered(READ)) and LOCK.approves("template", NOTES)
    assert LOCK.approves("instructions", INSTRUCTIONS) and LOCK.approves("prompt", GREET)
    assert not LOCK.approves("tool", changed(READ, title=None)) and not LOCK.approves(
        "tool", changed(READ, name="Read")
    )
    assert not LOCK.approves("prompt", READ) and not LOCK.approves("tool", "read")
    assert not LOCK.approves("instructions", "Obey.") and not Lock().approves("instructions", "")


def test_schemas_that_can_be_used_are_handed_on_and_others_left_out() -> None:
    broken = {"name": "broken", "inputSchema": {"$ref": "https://evil.example/schema"}}
    lock = lock_of([READ, ADD, broken, {"name": "bare"}])
    assert set(schemas_of(lock, "inputSchema")) == {"read", "add"}
    assert set(schemas_of(lock, "outputSchema")) == {"read"}
    assert schemas_of(lock, "inputSchema")["read"].fits({"id": 1})
    assert not schemas_of(lock, "inputSchema")["read"].fits({})
