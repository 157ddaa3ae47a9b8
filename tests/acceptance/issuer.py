"""Who signs the tokens of the table's callers, and who forges them."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.real.identity.keyring import Keyring, claims, signed

RESOURCE: Final = "http://127.0.0.1:8000/mcp"
ISSUER: Final = "https://issuer.example"


class Issuer:
    """An issuer whose public keys stand in a file."""

    def __init__(self) -> None:
        self.keyring, self._stranger = Keyring("RS256"), Keyring("RS256")

    def publish(self, file: Path) -> None:
        """Write the public keys."""
        file.write_text(json.dumps(self.keyring.published()), encoding="utf-8")

    def token(self, subject: str = "ann", *, roles: Sequence[str] = ("reader",), **others: Any) -> str:
        """A good token; `others` replace or add claims."""
        return self.keyring.token(self._claims(subject, roles=list(roles), **others))

    def forged(self) -> dict[str, str]:
        """Tokens that must not count."""
        plain, key = self._claims("ann", roles=["admin"]), self.keyring.current
        header = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid}
        return {
            "a token for another resource": self.token(aud="https://other.example/mcp"),
            "a token without an algorithm": f"{_joined({'alg': 'none', 'typ': 'at+jwt'}, plain)}.",
            "the public key as a secret": self._confused(plain),
            "a stranger's signature": signed(plain, self._stranger.current, header),
            "a token of another issuer": self.token(iss="https://other.example"),
            "a token that has expired": self.token(exp=1),
        }

    def _claims(self, subject: str, **others: Any) -> dict[str, Any]:
        return claims(ISSUER, RESOURCE, subject, **others)

    def _confused(self, plain: Mapping[str, Any]) -> str:
        key = self.keyring.current
        text = _joined({"alg": "HS256", "typ": "at+jwt", "kid": key.kid}, plain)
        return f"{text}.{_base64(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


def _joined(*parts: Mapping[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in parts)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
