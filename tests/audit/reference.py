"""The audit's format once more, written from its description alone: what it makes must verify, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET = bytes(range(32))
OTHER_SECRET = bytes(range(1, 33))
AT = "2026-11-22T00:00:00.000000+00:00"


def derived(secret: bytes, label: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"smcp.audit/1 {label}".encode()).derive(secret)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Writer:
    """Writes lines of any stream into files in memory: the last one is live, those before it are segments."""

    secret: bytes = SECRET
    signature: str = "hmac"
    files: list[bytearray] = field(default_factory=lambda: [bytearray()])
    prev: str = "0" * 64
    seqs: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)

    def append(self, stream: str, *records: dict[str, Any]) -> None:
        """One append: with Ed25519 its last line is signed."""
        for record in records:
            seq = self.seqs[stream] = self.seqs.get(stream, -1) + 1
            fields = {"stream": stream, "seq": seq, "prev": self.prev, "v": 2, **record}
            body = json.dumps(fields, separators=(",", ":"))[:-1].encode()
            if self.signature == "hmac":
                mac = hmac.new(derived(self.secret, "mac"), body, "sha256").hexdigest()
                line = body + f',"mac":"{mac}"}}'.encode()
            elif record is records[-1]:
                key = Ed25519PrivateKey.from_private_bytes(derived(self.secret, "signing"))
                line = body + b',"sig":"' + base64.b64encode(key.sign(body)) + b'"}'
            else:
                line = body + b"}"
            self.files[-1] += line + b"\n"
            self.prev, self.since[stream] = digest(line), seq

    def open(self, stream: str, *more: dict[str, Any]) -> None:
        """A stream begins."""
        cites = None
        if self.files[-1]:
            last = json.loads(self.files[-1].splitlines()[-1])
            cites = {"stream": last["stream"], "seq": last["seq"], "hash": self.prev}
        said = {"version": "0", "order": "file", "key": derived(self.secret, "fingerprint")[:8].hex()}
        self.append(stream, {"kind": "open", "at": AT, **said, "signature": self.signature, "cites": cites}, *more)

    def checkpoint(self, stream: str) -> None:
        """What has been written so far."""
        streams = {**self.since, stream: self.seqs[stream] + 1}
        records = self.files[-1].count(b"\n") + 1
        self.append(stream, {"kind": "checkpoint", "at": AT, "records": records, "streams": streams})
        self.since = {}

    def rotate(self, stream: str) -> None:
        """The live file becomes a segment."""
        self.checkpoint(stream)
        self.files.append(bytearray())

    def kill(self, fragment: bytes, stream: str) -> None:
        """A writer leaves a fragment; another one, in a stream of its own, tells of it."""
        after = self.prev
        self.files[-1] += fragment + b"\n"
        self.prev = digest(fragment)
        self.append(stream, {"kind": "torn", "at": AT, "bytes": len(fragment), "sha256": self.prev, "after": after})


def decision(number: int) -> dict[str, Any]:
    return {"kind": "decision", "id": f"{number:04}", "at": AT, "allowed": True}


def outcome(number: int) -> dict[str, Any]:
    return {"kind": "outcome", "id": f"{number:04}", "at": AT, "result": "complete"}
