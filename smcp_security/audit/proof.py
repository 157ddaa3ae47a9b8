"""What proves that a line was written by who has the key: its HMAC, or its Ed25519 signature. Pure.

A line ends in `,"mac":"<64 hex digits>"}` or `,"sig":"<88 of base64>"}`, over all bytes before; so do checkpoints that
are kept elsewhere.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Callable
from typing import Final

from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.mac import Mac
from smcp_security.audit.signing import signer, verifier
from smcp_security.errors import AuditError

MAC: Final = -len(',"mac":"') - 64 - len('"}')
"""Where the MAC begins in a line that has one, counted from its end."""

SIG: Final = -len(',"sig":"') - 88 - len('"}')

_MACED: Final = re.compile(rb',"mac":"[0-9a-f]{64}"\}')
_SIGNED: Final = re.compile(rb',"sig":"([A-Za-z0-9+/]{86}==)"\}')

Check = Callable[[bytes], bool]


def is_maced(line: bytes) -> bool:
    """Whether a line ends in a MAC, right or not."""
    return _MACED.fullmatch(line[MAC:]) is not None


def is_signed(line: bytes) -> bool:
    """Whether a line ends in a signature, right or not."""
    return _SIGNED.fullmatch(line[SIG:]) is not None


def prover(keys: AuditKeys) -> Callable[[bytes], bytes]:
    """What makes a line of all that it says, without its last brace."""
    if keys.signing is None:
        code = Mac(keys.mac)
        return lambda body: b'%b,"mac":"%b"}' % (body, code(body))
    sign = signer(keys.signing)
    return lambda body: b'%b,"sig":"%b"}' % (body, b2a_base64(sign(body), newline=False))


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

    def proves(self, line: bytes) -> bool:
        """Whether what a line ends in is right, whichever of the two it is."""
        return any(right is not None and right(line) for right in (self.macs, self.signatures))

    @classmethod
    def of(cls, keys: AuditKeys) -> Proof:
        """What the keys of an audit prove."""
        return cls(mac=keys.mac, public=keys.public, fingerprint=keys.fingerprint)


def _macs(key: bytes) -> Check:
    code = Mac(key)
    return lambda line: line[MAC:] == b',"mac":"%b"}' % code(line[:MAC])


def _signatures(public: str) -> Check:
    try:
        verified = verifier(public)
    except ValueError:
        raise AuditError("the public key: expected 64 hexadecimal digits, as `smcp audit key` prints them") from None

    def right(line: bytes) -> bool:
        found = _SIGNED.fullmatch(line[SIG:])
        return found is not None and verified(b64decode(found[1]), line[:SIG])

    return right
