"""What proves that a line was written by who has the key: its HMAC, or its Ed25519 signature. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Final

from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.mac import Mac
from smcp_security.audit.reading.shape import MAC, SIG, SIGNATURE
from smcp_security.audit.signing import verifier
from smcp_security.errors import AuditError

Check = Callable[[bytes], bool]


class Proof:
    """What a verifier holds: the key of the MACs, the public key of the signatures, both, or nothing.

    `macs` and `signatures` say of a line whether what it ends in is right; None where there is no key for it.
    """

    def __init__(self, *, mac: bytes | None = None, public: str = "", fingerprint: str = "") -> None:
        self.fingerprint: Final = fingerprint
        self.macs: Final = None if mac is None else _macs(mac)
        self.signatures: Final = _signatures(public) if public else None

    @property
    def keyless(self) -> bool:
        """Whether nothing but the hashes can be checked."""
        return self.macs is None and self.signatures is None

    @classmethod
    def of(cls, keys: AuditKeys) -> Proof:
        """What the keys of an audit prove."""
        return cls(mac=keys.mac, public=keys.public, fingerprint=keys.fingerprint)


def _macs(key: bytes) -> Check:
    code = Mac(key)

    def right(line: bytes) -> bool:
        return line[MAC:] == b',"mac":"%b"}' % code(line[:MAC])

    return right


def _signatures(public: str) -> Check:
    try:
        verified = verifier(public)
    except ValueError:
        raise AuditError("the public key: expected 64 hexadecimal digits, as `smcp audit key` prints them") from None

    def right(line: bytes) -> bool:
        found = SIGNATURE.fullmatch(line[SIG:])
        return found is not None and verified(b64decode(found[1]), line[:SIG])

    return right
