"""The effective policy: an argument, a file, the environment. It alone of the policy logs and reads the clock.

Logs names of overrides, exclusions that have expired and paths of what is said in vain, never a value.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from smcp_security.errors import PolicyError
from smcp_security.policy.model import Policy, validated
from smcp_security.policy.places import Places, shown_path
from smcp_security.policy.reach import in_vain
from smcp_security.policy.source import copied, read
from smcp_security.policy.sources import (
    ENVIRONMENT_KEY,
    NOBODY,
    admits_nobody,
    ignores_environment_key,
    with_environment_key,
)

FILE_VARIABLE: Final = "SMCP_POLICY"
_log: Final = logging.getLogger("smcp_security.policy")

Given = Policy | Mapping[str, Any] | str | os.PathLike[str] | None


def resolve(policy: Given, environ: Mapping[str, str]) -> Policy:
    """The effective policy: `policy`, or the file that SMCP_POLICY names, or the defaults; then the overrides.

    SMCP_API_KEY is a source of callers where the policy names none, or names `api_keys`. Each override
    `SMCP_<SECTION>__<KEY>` is logged at INFO by name; at WARNING what has expired and what can never match or act.

    Raises:
        PolicyError: the source cannot be used, a name of that form fits no key, SMCP_API_KEY is weak, or nobody could
            ever call.
    """
    raw, places = _given(policy, environ)
    overridden = any(name.startswith("SMCP_") and "__" in name[5:] for name in environ)
    if overridden:
        result = _overridden(raw, places, environ)
    else:
        result = policy if isinstance(policy, Policy) else validated(raw, places)
    result = _with_callers(result, places, environ)
    _warn_of_expired(result, datetime.now(UTC).date())
    for path, problem in in_vain(result):
        _log.warning("%s: %s: %s", places.shown(places.of_value(path)), shown_path(path), problem)
    return result


def _with_callers(policy: Policy, places: Places, environ: Mapping[str, str]) -> Policy:
    result = with_environment_key(policy, environ)
    if admits_nobody(result, environ):
        raise PolicyError(f"{places.shown(places.of_value(('identity',)))}: identity: {NOBODY}")
    if ignores_environment_key(result, environ):
        _log.warning(
            "%s is set and lets nobody in: the policy names other sources; add identity.api_keys", ENVIRONMENT_KEY
        )
    return result


def _given(policy: Given, environ: Mapping[str, str]) -> tuple[dict[str, Any], Places]:
    if isinstance(policy, Policy):
        return policy.model_dump(mode="json"), Places("policy")
    if isinstance(policy, Mapping):
        return copied(policy, "policy"), Places("policy")
    if policy is not None:
        return read(os.fsdecode(policy))
    if FILE_VARIABLE not in environ:
        return {}, Places("defaults")
    if not environ[FILE_VARIABLE].strip():
        raise PolicyError(f"{FILE_VARIABLE}: set but empty; name the policy file, or unset it to run on the defaults")
    return read(environ[FILE_VARIABLE])


def _overridden(raw: dict[str, Any], places: Places, environ: Mapping[str, str]) -> Policy:
    from smcp_security.policy.environment import override
    from smcp_security.policy.keys import known_keys

    names = override(raw, places, environ, known_keys(Policy))
    result = validated(raw, places)
    for name in names:
        _log.info("%s overrides the policy", name)
    return result


def _warn_of_expired(policy: Policy, today: date) -> None:
    for index, exclusion in enumerate(policy.injection.exclude):
        if exclusion.expired(today):
            _log.warning(
                "injection.exclude[%d] (%s) ended on %s and no longer counts: renew or remove it",
                index, exclusion.rule, exclusion.until,
            )  # fmt: skip
