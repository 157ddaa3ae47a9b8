"""The lines of the file of callers: a header, then one line per person. Must not import a file system.

    {"format":"smcp.audit-keys/1","id":I,"fingerprint":F,"secret":S}
    {"handle":H,"sealed":B}

I and H are 16 random hex digits, F tells the secret of the audit, S is that secret (64 hex digits) or null where the
environment holds it. B is base64 of a nonce (12 bytes) and, sealed with AES-256-GCM under the wrapping key, the
person's key (32 bytes) and name (UTF-8); bound to `I:H`.
"""

from __future__ import annotations

import binascii
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from smcp_security.audit.keys import KEY_BYTES
from smcp_security.errors import AuditDamaged

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT: Final = "smcp.audit-keys/1"
HEADER_START: Final = b'{"format":"smcp.audit-keys/'
"""What every such file begins with: nothing else is taken for one that a killed process left unfinished."""

END: Final = b"}"
"""The last byte of a line but its line break, and nowhere else in it."""

HANDLE_BYTES: Final = 8
NONCE_BYTES: Final = 12
# Half a surrogate pair can come in a name from JSON; it must not stop the writer.
_CODEC: Final = ("utf-8", "surrogatepass")


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line. Without a `repr` of its own: one would show the secret."""

    format: str
    id: str
    fingerprint: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Header(id={self.id!r}, fingerprint={self.fingerprint!r})"

    @property
    def raw_secret(self) -> bytes | None:
        """The secret as bytes; None where the environment holds it. Raises `ValueError` for what is no secret."""
        if self.secret is None:
            return None
        secret = bytes.fromhex(self.secret)
        if len(secret) != KEY_BYTES or secret.hex() != self.secret:
            raise ValueError("no secret of 32 bytes")
        return secret


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    handle: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Known:
    """A person and their key."""

    handle: str
    name: str
    key: bytes = field(repr=False)


_headers: Final = msgspec.json.Decoder(Header)
_lines: Final = msgspec.json.Decoder(_Line)


def header_line(fingerprint: str, secret: bytes | None) -> bytes:
    """The first line of a new file."""
    text = None if secret is None else secret.hex()
    return msgspec.json.encode(Header(FORMAT, random_handle(), fingerprint, text)) + b"\n"


def read_header(line: bytes) -> Header | None:
    """What the first line says; None if it is no header of this format."""
    try:
        header = _headers.decode(line)
        _ = header.raw_secret
    except (msgspec.MsgspecError, ValueError):
        return None
    return header if header.format == FORMAT else None


def random_handle() -> str:
    """16 random hex digits."""
    return secrets.token_hex(HANDLE_BYTES)


def new_person(name: str) -> Known:
    """A person of that name, with a handle and a key that nobody had."""
    return Known(random_handle(), name, secrets.token_bytes(KEY_BYTES))


def person_line(known: Known, wrapping: AESGCM, file_id: str) -> bytes:
    """The line that keeps a person."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = wrapping.encrypt(nonce, known.key + known.name.encode(*_CODEC), f"{file_id}:{known.handle}".encode())
    return _encoded(known.handle, nonce + sealed) + b"\n"


def read_person(line: bytes, wrapping: AESGCM, file_id: str) -> Known:
    """The person that a line without its line break keeps. Raises `AuditDamaged`, without a text, if there is none."""
    from cryptography.exceptions import InvalidTag

    try:
        parts = _lines.decode(line)
        sealed = binascii.a2b_base64(parts.sealed, strict_mode=True)
        plain = wrapping.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], f"{file_id}:{parts.handle}".encode())
        if line == _encoded(parts.handle, sealed):
            return Known(parts.handle, plain[KEY_BYTES:].decode(*_CODEC), plain[:KEY_BYTES])
    except (msgspec.MsgspecError, ValueError, InvalidTag):
        pass
    # Here, not above: what was read is no part of the traceback.
    raise AuditDamaged


def _encoded(handle: str, sealed: bytes) -> bytes:
    return msgspec.json.encode(_Line(handle, binascii.b2a_base64(sealed, newline=False).decode()))


def handle_of(line: bytes) -> str:
    """Whose line it is; empty for a line of nobody."""
    try:
        return _lines.decode(line).handle
    except (msgspec.MsgspecError, ValueError):
        return ""
