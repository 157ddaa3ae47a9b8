"""The signing keys of an issuer: RSA, EC and Ed25519, one in use at a time, exchanged at will."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count, cycle
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

ALGORITHMS: Final = ("RS256", "ES256", "Ed25519", "EdDSA")
Key = RSAKey | ECKey | OKPKey


# RSA keys take a tenth of a second to make: no test has as many at a time, so none meets the same key twice.
_rsa_keys: Final = cycle(range(8))


@cache
def _rsa_key(number: int) -> dict[str, Any]:
    return dict(RSAKey.generate_key(2048).as_dict(private=True))


def fresh(algorithm: str, kid: str) -> Key:
    """A new private key for an algorithm."""
    parameters: Any = {"kid": kid, "use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        plain: Any = _rsa_key(next(_rsa_keys))
        return RSAKey.import_key({name: part for name, part in plain.items() if name != "kid"}, parameters)
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def signed(claims: Mapping[str, Any], key: Any, header: Mapping[str, Any]) -> str:
    """A JWT with exactly this header."""
    with warnings.catch_warnings():
        # Older issuers still say EdDSA where RFC 9864 says Ed25519.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(dict(header), dict(claims), key, algorithms=[header["alg"]])


@dataclass
class Keyring:
    """Keys in the order of their making: the last one signs, all that are not withdrawn are published."""

    algorithm: str = "RS256"
    keys: list[Key] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self, algorithm: str = "", *, withdraw: bool = False) -> None:
        """A new key signs from now on; the old ones stay published unless they are withdrawn."""
        self.algorithm = algorithm or self.algorithm
        if withdraw:
            self.keys.clear()
        self.keys.append(fresh(self.algorithm, f"{self.algorithm.lower()}-{next(self._numbers)}"))

    @property
    def current(self) -> Key:
        """The key that signs."""
        return self.keys[-1]

    @property
    def ring(self) -> KeySet:
        """The key that signs, as a set: joserfc then names it in the token."""
        return KeySet([self.current])

    def published(self) -> dict[str, Any]:
        """The JWKS document."""
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A token signed by the current key; `header` replaces or adds fields of its header."""
        plain = {"alg": self.algorithm, "typ": "at+jwt", "kid": self.current.kid}
        return signed(claims, self.current, {**plain, **header})


def claims(issuer: str, audience: str, subject: str, **others: Any) -> dict[str, Any]:
    """The claims of an access token (RFC 9068) that is good for an hour; `others` replace or add some."""
    now = int(time.time())
    plain = {"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + 3600, "client_id": "by-hand"}
    return {**plain, "jti": f"{subject}-{time.monotonic_ns()}", **others}
