"""The file with a key per person: who gets one, who can read what was sealed, and how many there may be."""

from __future__ import annotations

import base64
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smcp_security.audit.callers import roll
from smcp_security.audit.callers.people import open_people, people_file
from smcp_security.audit.keys import keys_of
from smcp_security.errors import AuditDamaged, PolicyError
from tests.audit.crowd import BOUND, WORDS, came, opened, readable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl.keys"


def test_what_is_sealed_for_a_person_opens_again(file: Path) -> None:
    people = opened(file)
    handle, sealed = people.seal("caller:ann", b"private", BOUND)
    assert b"private" not in sealed and len(handle) == 16
    assert people.open_sealed(handle, sealed, BOUND) == b"private"


def test_it_opens_in_another_process_and_after_a_restart(file: Path) -> None:
    sealed = came(opened(file), "caller:ann", "nobody")
    assert readable(opened(file, create=False), sealed) == {"caller:ann", "nobody"}


def test_it_opens_in_its_place_alone(file: Path) -> None:
    people = opened(file)
    handle, sealed = people.seal("caller:ann", b"private", b"stream:7")
    other, _ = people.seal("caller:bob", b"", BOUND)
    for wrong in ((handle, sealed, b"stream:8"), (other, sealed, b"stream:7"), (handle, sealed[:-1], b"stream:7"),
                  (handle, b"", b"stream:7")):  # fmt: skip
        with pytest.raises(AuditDamaged, match="was changed"):
            people.open_sealed(*wrong)
    assert people.open_sealed(handle, sealed, b"stream:7") == b"private"


def test_a_person_keeps_the_handle_and_others_get_their_own(file: Path) -> None:
    people = opened(file)
    first = people.seal("caller:ann", b"", BOUND)[0]
    assert people.seal("caller:ann", b"", BOUND)[0] == first
    assert people.seal("label:ann", b"", BOUND)[0] != first
    assert opened(file).seal("caller:ann", b"", BOUND)[0] == first


def test_the_same_text_is_sealed_differently_each_time(file: Path) -> None:
    people = opened(file)
    assert len({people.seal("caller:ann", b"x", BOUND)[1] for _ in range(100)}) == 100


def test_two_that_write_at_once_agree_on_the_handle(file: Path) -> None:
    one, two = opened(file), opened(file)
    assert one.seal("caller:ann", b"", BOUND)[0] == two.seal("caller:ann", b"", BOUND)[0]
    assert [person.name for person in one.everybody()] == ["caller:ann"]


def test_threads_that_bring_the_same_people_agree_on_their_handles(file: Path) -> None:
    people = opened(file)
    told: list[list[str]] = []

    def bring() -> None:
        told.append([people.seal(f"caller:{number}", b"", BOUND)[0] for number in range(50)])

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told[0] == told[1] == told[2] == told[3] and len(set(told[0])) == 50


def test_the_file_shows_neither_names_nor_keys_of_persons(file: Path) -> None:
    people = opened(file, "env:K", K=WORDS)
    came(people, "caller:ann@example.com")
    text = file.read_text()
    assert "ann" not in text and WORDS not in text and json.loads(text.splitlines()[0])["secret"] is None
    assert "ann" not in repr(people)


def test_the_file_is_its_owners_alone(file: Path) -> None:
    before = os.umask(0)
    try:
        came(opened(file), "caller:ann")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_format_of_a_line_is_as_it_is_documented(file: Path) -> None:
    people = opened(file, "env:K", K=WORDS)
    handle, sealed = people.seal("caller:ann", b"private", BOUND)
    header, line = (json.loads(text) for text in file.read_text().splitlines())
    keys = keys_of(WORDS.encode(), "hmac")
    assert set(header) == {"format", "id", "fingerprint", "secret"}
    assert (header["format"], header["fingerprint"]) == ("smcp.audit-keys/1", keys.fingerprint)
    assert set(line) == {"handle", "sealed"} and line["handle"] == handle
    wrapped = base64.b64decode(line["sealed"])
    plain = AESGCM(keys.wrapping).decrypt(wrapped[:12], wrapped[12:], f"{header['id']}:{handle}".encode())
    assert plain[32:] == b"caller:ann"
    assert AESGCM(plain[:32]).decrypt(sealed[:12], sealed[12:], BOUND) == b"private"


@pytest.mark.parametrize("kind", ["address", "label"])
def test_persons_nobody_vouched_for_are_bounded_and_share_a_key_beyond(
    file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(roll, "MOST", 3)
    people = opened(file)
    handles = [people.seal(f"{kind}:{number}", b"", BOUND)[0] for number in range(6)]
    assert len(set(handles)) == 4 and handles[3] == handles[4] == handles[5]
    assert [person.name for person in people.everybody()][-1] == f"{kind}:others"
    # Who has a key already keeps it, and so it is in every other process.
    assert people.seal(f"{kind}:1", b"", BOUND)[0] == handles[1]
    assert opened(file).seal(f"{kind}:7", b"", BOUND)[0] == handles[3]


def test_callers_with_credentials_are_not_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "MOST", 3)
    people = opened(file)
    assert len({people.seal(f"caller:{number}", b"", BOUND)[0] for number in range(20)}) == 20


def test_an_erased_address_makes_room_for_another(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "MOST", 2)
    people = opened(file)
    came(people, "address:1", "address:2")
    people.erase("address:1")
    handle = people.seal("address:3", b"", BOUND)[0]
    assert people.find("address:3")[0].handle == handle


def test_a_name_that_is_no_text_is_kept_all_the_same(file: Path) -> None:
    name = "caller:\ud800" + "\n}\x00\u202e"
    handle, sealed = opened(file).seal(name, b"private", BOUND)
    came(opened(file), "caller:ann")
    assert opened(file).open_sealed(handle, sealed, BOUND) == b"private"
    assert [person.name for person in opened(file).everybody()] == [name, "caller:ann"]


def test_somebody_is_found_by_kind_and_name_or_by_name_alone(file: Path) -> None:
    people = opened(file)
    came(people, "caller:ann", "label:ann", "caller:label:ann", "address:10.0.0.7", "address:2001:db8::/64", "nobody")
    found = {name: [person.name for person in people.find(name)] for name in (
        "caller:ann", "ann", "label:ann", "address", "10.0.0.7", "2001:db8::/64", "nobody", "an", "",
    )}  # fmt: skip
    assert found == {
        "caller:ann": ["caller:ann"], "ann": ["caller:ann", "label:ann"], "label:ann": ["label:ann"],
        "address": [], "10.0.0.7": ["address:10.0.0.7"], "2001:db8::/64": ["address:2001:db8::/64"],
        "nobody": ["nobody"], "an": [], "": [],
    }  # fmt: skip


def test_letting_the_file_go_forgets_nobody(file: Path) -> None:
    people = opened(file)
    sealed = came(people, "caller:ann")
    people.close()
    assert people.seal("caller:ann", b"", BOUND)[0] == sealed["caller:ann"][0]


def test_a_forked_child_has_a_file_of_its_own_and_goes_on(file: Path) -> None:
    people = opened(file)
    came(people, "caller:ann")
    # What a thread of the parent holds at the fork stays held in the child for ever.
    with people._lock:
        child = os.fork()
        if child == 0:
            try:
                came(people, "caller:ann", "caller:bob")
                os._exit(0)
            finally:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert [person.name for person in people.everybody()] == ["caller:ann", "caller:bob"]


def test_the_file_stands_beside_the_audit_unless_it_is_named() -> None:
    assert people_file("/var/audit.jsonl", None) == "/var/audit.jsonl.keys"
    assert people_file("/var/audit.jsonl", "/keys/callers") == "/keys/callers"
    assert people_file("audit.jsonl", None) == os.path.abspath("audit.jsonl.keys")


# -- the start


def test_a_file_of_its_own_secret_opens_without_any_other(file: Path) -> None:
    first = open_people(os.fspath(file), None, "hmac", {}, create=True)[1]
    again = open_people(os.fspath(file), None, "ed25519", {}, create=False)[1]
    assert first.mac == again.mac and again.public and not first.public
    assert len(json.loads(file.read_text().splitlines()[0])["secret"]) == 64


def _refusal(file: Path, key: str | None = None, *, create: bool = True, **environ: str) -> str:
    with pytest.raises((PolicyError, AuditDamaged)) as caught:
        opened(file, key, create=create, **environ)
    text = str(caught.value)
    assert "\n" not in text and not any(value in text for value in environ.values())
    return text


def test_a_missing_file_is_made_only_where_there_are_no_records_yet(file: Path) -> None:
    assert "is missing" in _refusal(file, create=False) and not file.exists()
    opened(file, create=True)
    opened(file, create=False)


def test_another_secret_than_the_one_of_the_audit_stops_the_start(file: Path) -> None:
    opened(file, "env:K", K=WORDS)
    text = _refusal(file, "env:K", K=WORDS[::-1])
    assert "K holds another secret" in text and keys_of(WORDS.encode(), "hmac").fingerprint in text
    opened(file, "env:OTHER", OTHER=WORDS)


def test_a_secret_in_the_file_and_one_in_the_policy_stop_the_start(file: Path) -> None:
    opened(file)
    assert "has a secret of its own" in _refusal(file, "env:K", K=WORDS)
    opened(file)


def test_a_secret_that_the_policy_names_no_more_stops_the_start(file: Path) -> None:
    opened(file, "env:K", K=WORDS)
    assert "name its variable" in _refusal(file)


@pytest.mark.parametrize("environ", [{}, {"K": "brief" + "3xQ"}], ids=["missing", "short"])
def test_a_variable_that_holds_no_secret_stops_the_start(file: Path, environ: dict[str, str]) -> None:
    assert "variable K" in _refusal(file, "env:K", **environ) and not file.exists()


def test_a_file_that_others_may_read_stops_the_start(file: Path) -> None:
    opened(file)
    for mode in (0o640, 0o604, 0o660):
        file.chmod(mode)
        assert f"{mode:04o}" in _refusal(file) and "chmod 600" in _refusal(file, create=False)
    file.chmod(0o600)
    opened(file)


def test_what_is_no_file_of_callers_stops_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "is a folder" in _refusal(tmp_path / "folder")
    assert "directory" in _refusal(tmp_path / "none" / "keys")
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a regular file" in _refusal(tmp_path / "pipe")
    for text in ("notes", "notes\n", '{"format":"smcp.audit-keys/2"}\n', "\n"):
        other = tmp_path / "other"
        other.write_text(text)
        other.chmod(0o600)
        assert _refusal(other) and other.read_text() == text
    assert "among devices" in _refusal(Path("/dev/stdout.keys"))


def test_a_file_with_a_second_name_stops_the_start(file: Path, tmp_path: Path) -> None:
    opened(file)
    os.link(file, tmp_path / "copy")
    assert "another name" in _refusal(file)
    (tmp_path / "copy").unlink()
    opened(file)


def test_a_link_leads_to_the_file_and_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    people = opened(link)
    came(people, "caller:ann")
    people.erase("ann")
    assert link.is_symlink() and file.exists() and opened(file).everybody() == ()


def test_a_link_to_itself_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be used" in _refusal(tmp_path / "loop")
