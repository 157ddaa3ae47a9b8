"""Lines that prove each other: what a chain makes of entries, and that nothing is taken for written which was not."""

from __future__ import annotations

import hmac
import json
import os
from hashlib import sha256

import pytest

from smcp_security.audit.entry import Entry
from smcp_security.audit.mac import Mac
from smcp_security.audit.signing import signer, verifier
from smcp_security.audit.writing.chain import GENESIS, Chain
from tests.audit.conftest import people_and_keys

ENTRIES = (Entry(b'{"v":2,"n":1}'), Entry(b'{"v":2,"n":2}', b'{"caller":"ann"}', "caller:ann"))


def chain(signature: str = "hmac") -> Chain:
    """A stream with the keys of every test."""
    return Chain(*people_and_keys(signature))


def test_each_line_cites_the_one_before_it() -> None:
    lines = chain().extend(ENTRIES, GENESIS)
    first, second = lines.data.splitlines()
    assert json.loads(first)["prev"] == GENESIS
    assert json.loads(second)["prev"] == sha256(first).hexdigest()
    assert lines.head == sha256(second).hexdigest()


def test_a_line_has_its_fields_in_the_order_that_is_written_down() -> None:
    lines = chain().extend(ENTRIES, GENESIS).data.splitlines()
    assert [list(json.loads(line)) for line in lines] == [
        ["stream", "seq", "prev", "v", "n", "mac"],
        ["stream", "seq", "prev", "v", "n", "person", "sealed", "mac"],
    ]
    assert b" " not in lines[1] and lines[1].isascii()


def test_lines_that_are_not_committed_leave_no_gap() -> None:
    stream = chain()
    first = stream.extend(ENTRIES, GENESIS)
    again = stream.extend(ENTRIES, GENESIS)
    assert first.data == again.data and not stream.begun
    stream.commit(again)
    assert json.loads(stream.extend(ENTRIES, again.head).data.splitlines()[0])["seq"] == 2


def test_every_stream_has_a_name_of_its_own() -> None:
    streams = {chain().stream for _ in range(50)}
    renewed = chain()
    streams.add(renewed.stream)
    renewed.renew()
    assert len(streams | {renewed.stream}) == 52 and renewed.seq == 0


def test_with_ed25519_the_last_line_alone_is_signed_and_no_mac_is_made() -> None:
    lines = chain("ed25519").extend(ENTRIES, GENESIS).data.splitlines()
    assert ["sig" in json.loads(line) for line in lines] == [False, True]
    assert not any("mac" in json.loads(line) for line in lines)


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 200])
def test_the_code_is_the_one_of_the_standard_library(size: int) -> None:
    key, data = os.urandom(size), os.urandom(300)
    assert Mac(key)(data).decode() == hmac.new(key, data, "sha256").hexdigest()


def test_a_signature_is_of_its_text_and_of_no_other() -> None:
    """RFC 8032, 7.1, test 2."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = signer(seed)(b"\x72")
    assert signature.hex().startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da")
    assert verifier(public)(signature, b"\x72") and not verifier(public)(signature, b"\x73")
