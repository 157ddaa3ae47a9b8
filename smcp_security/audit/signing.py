"""Ed25519 (RFC 8032) for the chain, in one file; `cryptography` is imported when somebody signs or verifies."""

from __future__ import annotations

from collections.abc import Callable


def signer(seed: bytes) -> Callable[[bytes], bytes]:
    """What signs with the key that `seed` (32 bytes) stands for: 64 bytes a signature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign


def verifier(public: str) -> Callable[[bytes, bytes], bool]:
    """Whether a signature (first) over some bytes (second) was made with the key of `public` (64 hex digits).

    Raises `ValueError` if `public` is no such key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))

    def verified(signature: bytes, data: bytes) -> bool:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return verified
