"""What the tests of the chain share: a plain second reading of its format, in which nothing of the writer is used."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.audit.conftest import people_and_keys

ZEROS = "0" * 64


def said(path: Path) -> list[dict[str, Any]]:
    """Every line of a file that is a record."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def texts(path: Path) -> list[str]:
    """What the records of a test say, without what the writer says of itself."""
    return [record["text"] for record in said(path) if "text" in record]


def kinds(path: Path) -> list[str]:
    """The kinds of all records; `-` for those of a test."""
    return [record.get("kind", "-") for record in said(path)]


@dataclass
class Walk:
    """A walk along the lines of an audit, oldest file first, that fails at the first that does not fit."""

    signature: str = "hmac"
    prev: str = ZEROS
    seqs: dict[str, int] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    _torn: bytes = b""
    _whole: str = ZEROS
    _lines: int = 0

    def over(self, *paths: Path) -> Walk:
        """Read these files on; the last line of each has to be whole."""
        for path in paths:
            self._lines = 0
            data = path.read_bytes()
            assert data.endswith(b"\n"), f"{path.name} ends within a line"
            for line in data[:-1].split(b"\n"):
                self._lines += 1
                self._step(line)
        assert not self._torn, "a fragment that nobody recorded"
        return self

    def _step(self, line: bytes) -> None:
        try:
            record = json.loads(line)
        except ValueError:
            # All that is no record, up to the next one that is.
            self._torn = self._torn + b"\n" + line if self._torn else line
            self.prev = hashlib.sha256(self._torn).hexdigest()
            return
        assert record["prev"] == self.prev, record
        self._check_torn(record)
        self._check_place(record)
        self._check_proof(line, record)
        self.records.append(record)
        self.prev = self._whole = hashlib.sha256(line).hexdigest()

    def _check_torn(self, record: dict[str, Any]) -> None:
        if self._torn:
            found = (record["kind"], record["bytes"], record["sha256"], record["after"])
            assert found == ("torn", len(self._torn), self.prev, self._whole)
            self._torn = b""

    def _check_place(self, record: dict[str, Any]) -> None:
        stream, seq = record["stream"], record["seq"]
        assert seq == self.seqs.get(stream, -1) + 1, record
        assert seq > 0 or record["kind"] in ("open", "torn"), record
        self.seqs[stream] = seq
        if record.get("kind") == "checkpoint":
            assert record["records"] == self._lines, record
            assert all(self.seqs[stream] == seq for stream, seq in record["streams"].items()), record

    def _check_proof(self, line: bytes, record: dict[str, Any]) -> None:
        _, keys = people_and_keys(self.signature)
        if self.signature == "hmac":
            body = line.rpartition(b',"mac":')[0]
            assert record["mac"] == hmac.new(keys.mac, body, "sha256").hexdigest(), record
        elif "sig" in record:
            assert keys.signing is not None
            public = Ed25519PrivateKey.from_private_bytes(keys.signing).public_key()
            public.verify(base64.b64decode(record["sig"]), line.rpartition(b',"sig":')[0])
