"""`Keys`: all that credentials of one policy are judged by, behind the questions that the identity rung asks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from threading import Event
from typing import Final

from smcp_security.checks.rung import ApiKey, FetchKeys, Introspect, LookUp, Question
from smcp_security.errors import PolicyError, Unavailable
from smcp_security.keys.api_key import ENVIRONMENT_KEY, environment_key
from smcp_security.keys.client_secret import OpenVault
from smcp_security.keys.introspection import Introspections
from smcp_security.keys.issuer_keys import Copy
from smcp_security.keys.key_file import KeyFile
from smcp_security.keys.key_sets import KeySets
from smcp_security.policy.identity import ApiKeysPolicy, IdentityPolicy
from smcp_security.policy.secret import check_key, is_token

_log: Final = logging.getLogger("smcp_security.keys")


class Keys:
    """Answers `LookUp`, `FetchKeys` and `Introspect`. Thread-safe; nothing is fetched before the first question.

    Raises `PolicyError` or `KeyFileError` if a file, a secret or a package that the policy needs is missing or wrong.
    """

    def __init__(
        self, policy: IdentityPolicy | None, environ: Mapping[str, str], *, vault: OpenVault | None = None
    ) -> None:
        identity = IdentityPolicy() if policy is None else policy
        self._own = _own_key(identity.api_keys, environ)
        named = identity.api_keys is not None and identity.api_keys.file is not None
        self._file = KeyFile(str(identity.api_keys.file)) if named and identity.api_keys is not None else None
        self._sets = KeySets(identity.jwt, environ)
        self._introspections = Introspections(identity.introspection, environ, vault=vault)
        self._closed = Event()

    @property
    def environment_key(self) -> bool:
        """Whether SMCP_API_KEY counts, and is not one that `smcp keys` made: that one is found by its id."""
        return self._own is not None and self._own.id == ENVIRONMENT_KEY

    def answer(self, question: Question) -> object:
        """The answer, however long it takes. Raises `Unavailable` where there is none."""
        self._check_open()
        if isinstance(question, LookUp):
            own = self._own_named(question.id)
            return own if own is not None or self._file is None else self._file.look_up(question.id)
        if isinstance(question, FetchKeys):
            return self._sets.fetch(question)
        if isinstance(question, Introspect):
            return self._introspections.fetch(question)
        raise TypeError(f"no key answers {type(question).__name__}")

    def answer_async(self, question: Question) -> object | Awaitable[object]:
        """The answer; awaitable where something must be read or fetched first, so that the event loop goes on."""
        self._check_open()
        if isinstance(question, LookUp):
            own = self._own_named(question.id)
            return own if own is not None or self._file is None else self._file.look_up_async(question.id)
        if isinstance(question, FetchKeys):
            return self._sets.fetch_async(question)
        if isinstance(question, Introspect):
            return self._introspections.fetch_async(question)
        raise TypeError(f"no key answers {type(question).__name__}")

    def thumbprints(self) -> Mapping[str, frozenset[str]]:
        """Issuer to the thumbprints of the keys that it has now; the same object while nothing changes."""
        return self._sets.thumbprints()

    def copy_of(self, issuer: str) -> Copy | None:
        """How old the keys are that an issuer gave; None where none were fetched, or they are read from elsewhere."""
        return self._sets.copy_of(issuer)

    def adopt(self, before: Keys) -> None:
        """After a reload: go on with what was fetched for parts of the policy that are the same."""
        self._sets.adopt(before._sets)
        self._introspections.adopt(before._introspections)

    def close(self) -> None:
        """Answer nothing from now on. What is being fetched ends by itself; after a reload, leave the old one open."""
        self._closed.set()

    def reset_locks(self) -> None:
        """Call in the child after a fork."""
        self._sets.reset_locks()
        self._introspections.reset_locks()
        if self._file is not None:
            self._file.reset_lock()

    def _own_named(self, id: str) -> ApiKey | None:
        return self._own if self._own is not None and self._own.id == id else None

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise Unavailable("the keys are closed")


def _own_key(policy: ApiKeysPolicy | None, environ: Mapping[str, str]) -> ApiKey | None:
    secret = environ.get(ENVIRONMENT_KEY)
    if policy is None or secret is None:
        return None
    if not secret.strip():
        raise PolicyError(f"{ENVIRONMENT_KEY}: set but empty; set it to a key of at least 32 characters, or unset it")
    check_key(secret, ENVIRONMENT_KEY)
    if policy.header is None and not is_token(secret):
        _log.warning(
            "%s has characters that Authorization: Bearer does not carry: name identity.api_keys.header, or use"
            " letters, digits and . _ ~ + / - alone",
            ENVIRONMENT_KEY,
        )
    return environment_key(secret, policy.roles)
