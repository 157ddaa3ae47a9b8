"""The keys of every issuer that the policy names: from a URL, a local file, or a shared secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from smcp_security.checks.rung import FetchKeys, VerificationKey
from smcp_security.errors import KeyFileError, PolicyError
from smcp_security.keys.fetch import Fetcher, Resolve, check_source, resolve_name
from smcp_security.keys.issuer_keys import Copy, IssuerKeys
from smcp_security.keys.jwks import Unusable, chosen, nameless, parse_jwks, secret_key
from smcp_security.keys.watched import Watched, parsed
from smcp_security.policy.identity import IssuerPolicy
from smcp_security.policy.secret import check_secret

_log: Final = logging.getLogger("smcp_security.keys")

Keys = Sequence[VerificationKey]


class Source(Protocol):
    """Where the keys of one issuer come from."""

    def thumbprints(self) -> frozenset[str] | None:
        """Of the keys that count now; None if that is not known."""

    def fetch(self, kid: str) -> Keys:
        """The keys for `kid`. Raises `Unavailable`."""

    def fetch_async(self, kid: str) -> Keys | Awaitable[Keys]:
        """`fetch`; awaitable where it would have to wait."""

    def reset_lock(self) -> None:
        """Call in the child after a fork."""


class KeySets:
    """Answers `FetchKeys`. Thread-safe.

    Raises `PolicyError` or `KeyFileError` if a secret or a local file cannot be used; a URL is not asked yet.
    """

    def __init__(
        self,
        issuers: Sequence[IssuerPolicy],
        environ: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        resolve: Resolve = resolve_name,
    ) -> None:
        self._policies = {issuer.issuer: issuer for issuer in issuers}
        self._sources = {
            issuer.issuer: _source(issuer, f"identity.jwt[{index}]", environ, clock, resolve)
            for index, issuer in enumerate(issuers)
        }
        self._seen: tuple[frozenset[str] | None, ...] = ()
        self._thumbprints: Mapping[str, frozenset[str]] = MappingProxyType({})

    def fetch(self, question: FetchKeys) -> Keys:
        """The keys that a token of the issuer may be signed with. Raises `Unavailable`."""
        source = self._sources.get(question.issuer)
        return () if source is None else source.fetch(question.kid)

    def fetch_async(self, question: FetchKeys) -> Keys | Awaitable[Keys]:
        """`fetch`; awaitable where it would have to wait."""
        source = self._sources.get(question.issuer)
        return () if source is None else source.fetch_async(question.kid)

    def thumbprints(self) -> Mapping[str, frozenset[str]]:
        """Issuer to the thumbprints of the keys that count now; the same object while nothing changes."""
        seen = tuple([source.thumbprints() for source in self._sources.values()])
        if seen != self._seen:
            pairs = zip(self._sources, seen, strict=True)
            self._thumbprints = MappingProxyType({issuer: prints for issuer, prints in pairs if prints is not None})
            self._seen = seen
        return self._thumbprints

    def copy_of(self, issuer: str) -> Copy | None:
        """Of the keys that were fetched from an issuer; None where they were not, or are read from elsewhere."""
        source = self._sources.get(issuer)
        return source.copy() if isinstance(source, IssuerKeys) else None

    def adopt(self, before: KeySets) -> None:
        """Go on with what was fetched for issuers whose policy is the same."""
        for name, policy in self._policies.items():
            source = before._sources.get(name)
            if isinstance(source, IssuerKeys) and before._policies[name] == policy:
                self._sources[name] = source

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        for source in self._sources.values():
            source.reset_lock()


def _source(
    issuer: IssuerPolicy, where: str, environ: Mapping[str, str], clock: Callable[[], float], resolve: Resolve
) -> Source:
    if issuer.secret is not None:
        return _Fixed(_secret(issuer.secret, where, environ))
    if issuer.jwks is None:
        raise PolicyError(f"{where}: expected jwks or secret")
    if "://" not in issuer.jwks:
        return _LocalKeys(issuer.jwks, clock)
    check_source(f"{where}.jwks")
    fetcher, url = Fetcher(issuer, resolve), issuer.jwks
    return IssuerKeys(
        issuer.issuer,
        lambda: fetcher.get(url),
        timeout=fetcher.timeout,
        max_stale=issuer.max_stale,
        clock=clock,
    )


def _secret(reference: str, where: str, environ: Mapping[str, str]) -> VerificationKey:
    name = reference.removeprefix("env:")
    if name not in environ:
        raise PolicyError(f"{where}.secret: the environment variable {name} is not set; set it to the shared secret")
    return secret_key(check_secret(environ[name], name))


class _Fixed:
    """One key that never changes, whatever a token calls it."""

    def __init__(self, key: VerificationKey) -> None:
        self._keys = (key,)
        self._thumbprints = frozenset({key.thumbprint})

    def thumbprints(self) -> frozenset[str]:
        return self._thumbprints

    def fetch(self, kid: str) -> Keys:
        return self._keys

    def fetch_async(self, kid: str) -> Keys:
        return self._keys

    def reset_lock(self) -> None:
        return None


class _LocalKeys:
    """A JWKS in a file, read again when it changes."""

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self._file: Watched[tuple[Keys, frozenset[str]]] = Watched(path, parsed(_read), clock)

    def thumbprints(self) -> frozenset[str] | None:
        known = self._file.glance()
        return None if known is None else known[1]

    def fetch(self, kid: str) -> Keys:
        return _fitting(self._file.current()[0], kid)

    def fetch_async(self, kid: str) -> Keys | Awaitable[Keys]:
        known = self._file.current_async()
        return _fitting(known[0], kid) if isinstance(known, tuple) else _fitting_after(known, kid)

    def reset_lock(self) -> None:
        self._file.reset_lock()


def _fitting(keys: Keys, kid: str) -> Keys:
    return chosen(keys, kid) or nameless(keys)


async def _fitting_after(reading: Awaitable[tuple[Keys, frozenset[str]]], kid: str) -> Keys:
    return _fitting((await reading)[0], kid)


def _read(data: bytes, path: str) -> tuple[Keys, frozenset[str]]:
    try:
        keys, left_out = parse_jwks(data)
    except Unusable as problem:
        raise KeyFileError(f"{path}: {problem}; expected the issuer's public keys as a JWKS (RFC 7517)") from None
    for reason in sorted(set(left_out)):
        _log.warning("%s: a key is left out: %s", path, reason)
    if not keys:
        raise KeyFileError(f"{path}: holds no key that can be used; put the issuer's public keys there")
    return keys, frozenset(key.thumbprint for key in keys)
