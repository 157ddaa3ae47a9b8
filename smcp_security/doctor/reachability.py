"""Whether what a policy relies on can be reached: the shared store, files of keys, the keys of issuers."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Final

from smcp_security.checks.rung import FetchKeys
from smcp_security.doctor.codes import Found
from smcp_security.errors import KeyFileError, PolicyError, Unavailable
from smcp_security.keys.ring import Keys
from smcp_security.policy import IntrospectionPolicy, Policy
from smcp_security.policy.vault import named_by
from smcp_security.stores.store import open_store

_log: Final = logging.getLogger("smcp_security.keys")


class _Overheard(logging.Handler):
    """What the keys log of a failure: an error says that there are none, the log says why."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()

    def __enter__(self) -> _Overheard:
        _log.addHandler(self)
        return self

    def __exit__(self, *raised: object) -> None:
        _log.removeHandler(self)


def unreachable(policy: Policy) -> Iterator[Found]:
    """What does not answer. Introspection is not asked: there is no question without somebody's token."""
    yield from _store(policy)
    if policy.identity is not None:
        yield from _keys(policy)


def _store(policy: Policy) -> Iterator[Found]:
    try:
        store = open_store(policy.store, policy.workers, on_change=lambda state: None)
    except PolicyError as error:
        yield Found("DOC030", "store", str(error))
        return
    try:
        store.revoked()
    except Unavailable as error:
        yield Found("DOC031", "store.url", str(error))
    finally:
        store.close()


def _keys(policy: Policy) -> Iterator[Found]:
    # Whether the vault has our secret at an issuer is not asked here: it may be opened with what only a server has.
    identity = (
        None
        if policy.identity is None
        else policy.identity.model_copy(
            update={"introspection": tuple(each for each in policy.identity.introspection if not _in_vault(each))}
        )
    )
    try:
        keys = Keys(identity, os.environ)
    except (PolicyError, KeyFileError) as error:
        yield Found("DOC032", "identity", str(error))
        return
    for index, issuer in enumerate(policy.identity.jwt if policy.identity is not None else ()):
        with _Overheard() as heard:
            problem = _problem(keys, issuer.issuer)
        if problem:
            yield Found("DOC032", f"identity.jwt[{index}]", heard.last.partition("; next attempt")[0] or problem)
    keys.close()


def _in_vault(asked: IntrospectionPolicy) -> bool:
    return named_by(asked.client_secret) is not None


def _problem(keys: Keys, issuer: str) -> str:
    """What keeps an issuer's keys from being had; empty if nothing does."""
    try:
        return "" if keys.answer(FetchKeys(issuer)) else "the issuer publishes no key that can be used"
    except Unavailable as error:
        return str(error)
