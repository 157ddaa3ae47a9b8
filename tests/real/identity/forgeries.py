"""Tokens that must not count, each made from what a good one of the same lab holds."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from tests.real.identity.keyring import signed
from tests.real.identity.lab import Lab

Forge = Callable[[Lab], str]


def _plain(place: Lab, algorithm: str) -> str:
    """A token without a signature, with a header of its own."""
    parts = [{"alg": algorithm, "typ": "at+jwt"}, place.claims()]
    return ".".join(_base64(json.dumps(part).encode()) for part in parts) + "."


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _public_key_as_secret(place: Lab, form: str) -> str:
    """The published key, taken for the shared secret of HS256. Libraries refuse to sign so: by hand."""
    key = place.issuer.authority.keyring.current
    secret = key.as_pem(private=False) if form == "pem" else json.dumps(key.as_dict(private=False)).encode()
    parts = [{"alg": "HS256", "typ": "at+jwt", "kid": key.kid}, place.claims()]
    text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_base64(hmac.digest(secret, text.encode(), 'sha256'))}"


@cache
def _strangers_key() -> RSAKey:
    return RSAKey.generate_key(2048)


def by_a_stranger(place: Lab, **header: Any) -> str:
    """A token that says all the right things, under a key that is nobody's."""
    plain = {"alg": "RS256", "kid": place.issuer.authority.keyring.current.kid, "typ": "at+jwt"}
    return signed(place.claims(), _strangers_key(), {**plain, **header})


def _embedded(place: Lab) -> str:
    own = _strangers_key().as_dict(private=False)
    return signed(place.claims(), _strangers_key(), {"alg": "RS256", "kid": "mine", "jwk": own})


def _psychic(place: Lab) -> str:
    """CVE-2022-21449: an ECDSA signature of zeros."""
    key = next(key for key in place.issuer.authority.keyring.keys if key.key_type == "EC")
    good = signed(place.claims(), key, {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"})
    return good.rpartition(".")[0] + "." + _base64(bytes(64))


def _nested(place: Lab) -> str:
    key = OctKey.generate_key(128)
    return str(jwe.encrypt_compact({"alg": "dir", "enc": "A128GCM", "cty": "JWT"}, place.token(), key))


def _cut(place: Lab, *, at: int) -> str:
    token = place.token()
    return token[:at] + token[at + 1 :]


FORGED: dict[str, Forge] = {
    "alg none": lambda place: _plain(place, "none"),
    "alg None": lambda place: _plain(place, "None"),
    "alg nOnE": lambda place: _plain(place, "nOnE"),
    "alg empty": lambda place: _plain(place, ""),
    "public key as HS256 secret": lambda place: _public_key_as_secret(place, "pem"),
    "jwk as HS256 secret": lambda place: _public_key_as_secret(place, "jwk"),
    "signed by a stranger": by_a_stranger,
    "its own key inside": _embedded,
    "key url inside": lambda place: by_a_stranger(place, jku="http://127.0.0.1:1/keys"),
    "kid is a path": lambda place: by_a_stranger(place, kid="../../../../dev/null"),
    "kid is sql": lambda place: by_a_stranger(place, kid="' UNION SELECT 'key'--"),
    "kid is huge": lambda place: by_a_stranger(place, kid="k" * 3000),
    "psychic signature": _psychic,
    "encrypted": _nested,
    "a letter less": lambda place: _cut(place, at=-20),
    "no signature": lambda place: place.token().rpartition(".")[0] + ".",
    "other issuer": lambda place: place.token(iss="https://issuer.example"),
    "issuer with a slash": lambda place: place.token(iss=place.issuer.authority.url + "/"),
    "no issuer": lambda place: place.token(iss=None),
    "no subject": lambda place: place.token(sub=""),
    "no expiry": lambda place: place.token(exp=None),
    "expiry is text": lambda place: place.token(exp="9999999999"),
    "id token": lambda place: place.issuer.authority.keyring.token(place.claims(), typ="id_token+jwt"),
    "logout token": lambda place: place.issuer.authority.keyring.token(place.claims(), typ="logout+jwt"),
}
