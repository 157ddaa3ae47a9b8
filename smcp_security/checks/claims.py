"""What the claims of a token say: for whom it is, how long it counts, and who calls with which roles. Pure.

The claims were read strictly and are the issuer's: verified, or told by its introspection endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from smcp_security.checks.credentials import LONGEST_NAME, Refused
from smcp_security.decision import Caller
from smcp_security.policy import IntrospectionPolicy, IssuerPolicy

LEEWAY: Final = 30
"""Seconds of clock skew with an issuer that is asked about each token: it judges the time itself."""

# Seconds in the year 5138: a time past it was written in milliseconds.
_LATEST: Final = 1e11
_URL: Final = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?)://([^/?#@\\]+)([^#]*)")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
# Only ID tokens bind codes and tokens to themselves, and only event tokens (a logout) carry events.
_OTHER_KINDS: Final = frozenset({"at_hash", "c_hash", "events"})
# What issuers say of the kind of a token in its claims (Keycloak's `typ`, Cognito's `token_use`), in small letters.
_KINDS: Final = {"typ": frozenset({"id", "refresh", "offline", "logout"}), "token_use": frozenset({"id", "refresh"})}


class Hierarchy:
    """Scopes with all that they include, however far."""

    __slots__ = ("_included",)

    def __init__(self, stated: Mapping[str, Iterable[str]]) -> None:
        self._included = {scope: _closure(scope, stated) for scope in stated}

    def expand(self, scopes: Iterable[str]) -> frozenset[str]:
        """`scopes` and what they include."""
        given = frozenset(scopes)
        if not self._included:
            return given
        return given.union(*(self._included[scope] for scope in given if scope in self._included))


def _closure(scope: str, stated: Mapping[str, Iterable[str]]) -> frozenset[str]:
    reached = [scope]
    for each in reached:
        reached += [included for included in stated.get(each, ()) if included not in reached]
    return frozenset(reached)


class Meaning:
    """What the claims of one issuer mean under a policy."""

    __slots__ = ("_audiences", "_hierarchy", "_leeway", "_policy", "_source")

    def __init__(self, policy: IssuerPolicy | IntrospectionPolicy, resource: str | None, hierarchy: Hierarchy) -> None:
        named = policy.audience if policy.audience is not None else (resource,) if resource is not None else ()
        self._policy = policy
        self._source = "jwt" if isinstance(policy, IssuerPolicy) else "introspection"
        self._leeway = policy.leeway if isinstance(policy, IssuerPolicy) else LEEWAY
        self._audiences = frozenset(map(canonical, named))
        self._hierarchy = hierarchy

    def caller(self, claims: Mapping[str, Any], now: float) -> Caller:
        """Who the claims name. Raises `Refused` if they do not count here and now."""
        if not _OTHER_KINDS.isdisjoint(claims) or _is_of_another_kind(claims):
            raise _bad("an access token")
        expires = self._times(claims, now)
        self._audience(claims)
        policy = self._policy
        subject = _name(look_up(claims, policy.subject_claim), policy.subject_claim)
        if not subject:
            raise _bad(f"the claim {policy.subject_claim}")
        return Caller(
            id=f"{self._source}:{policy.issuer}#{subject}",
            verified=True,
            source=self._source,
            roles=_several(claims, policy.roles_claim, "[, ]+"),
            scopes=self._hierarchy.expand(_several(claims, policy.scopes_claim, " +")),
            tenant=_name(look_up(claims, policy.tenant_claim), "tenant_claim"),
            issuer=policy.issuer,
            subject=subject,
            client=_name(claims.get("azp"), "azp") or _name(claims.get("client_id"), "client_id"),
            credential=_name(claims.get("jti"), "jti"),
            expires_at=expires,
            claims=MappingProxyType(dict(claims)),
        )

    def ends(self, expires_at: float) -> float:
        """When a token stops to count, the leeway included."""
        return expires_at + self._leeway

    def _times(self, claims: Mapping[str, Any], now: float) -> float | None:
        expires = _time(claims, "exp")
        if expires is None and self._source == "jwt":
            raise _bad("the claim exp")
        if expires is not None and now >= self.ends(expires):
            raise Refused("SMCP203", hint="a token that has not expired")
        for name in ("nbf", "iat"):
            begins = _time(claims, name)
            if begins is not None and begins > now + self._leeway:
                raise Refused("SMCP203", hint=f"{name} in the past")
        return expires

    def _audience(self, claims: Mapping[str, Any]) -> None:
        """An absent one is a wrong one: a token that names nobody is good for nobody."""
        given = claims.get("aud", ())
        named = (given,) if isinstance(given, str) else given
        if not isinstance(named, list | tuple) or not all(isinstance(each, str) for each in named):
            raise _bad("aud as a text or a list of texts")
        if self._audiences.isdisjoint(map(canonical, named)):
            raise Refused("SMCP204", hint="aud that names this resource")


def canonical(audience: str) -> str:
    """A resource's URL with scheme and host in lower case, without default port and trailing slash; else as it is."""
    match = _URL.fullmatch(audience)
    if match is None:
        return audience
    scheme, authority, rest = match[1].lower(), match[2].lower(), match[3]
    rest = rest if "?" in rest else rest.removesuffix("/")
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORTS[scheme])}{rest}"


def look_up(claims: Mapping[str, Any], name: str | None) -> Any:
    """The claim of that very name, else the one that its dots lead to; None if there is none."""
    if name is None or name in claims:
        return None if name is None else claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _is_of_another_kind(claims: Mapping[str, Any]) -> bool:
    said = {name: claims.get(name) for name in _KINDS}
    return any(isinstance(kind, str) and kind.lower() in _KINDS[name] for name, kind in said.items())


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    # True is an int for Python, and NaN fails both comparisons.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise _bad(f"{name} as seconds since 1970")
    return value


def _name(value: Any, what: str) -> str:
    """A claim that is a name, "" for none. It stands in keys and in the audit, so it is one short printable line."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        raise _bad(f"{what} as one line of text")
    return value


def _several(claims: Mapping[str, Any], name: str | None, between: str) -> tuple[str, ...]:
    """A claim of several words, as a list or in one text; none where it is absent or null."""
    value = look_up(claims, name)
    if value is None:
        return ()
    words = re.split(between, value) if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _bad(f"{name} as a text or a list of texts")
    return tuple(dict.fromkeys(word for word in words if word))


def _bad(hint: str) -> Refused:
    return Refused("SMCP202", hint=hint, guess="token")
