"""Prometheus: what is counted of verdicts, and what is read off the store and the audit when somebody scrapes.

`prometheus_client` is imported by the other files of this package alone, and only where the policy asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smcp_security.errors import PolicyError
from smcp_security.observers import Observer, Subject

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from smcp_security.policy.observation import MetricsPolicy


def observers_of(
    policy: MetricsPolicy, subject: Subject, registry: CollectorRegistry | None = None
) -> tuple[Observer, ...]:
    """The one that counts for Prometheus, if the policy wants it. `registry`: another than the process' own.

    Raises `PolicyError` where the package is missing, or something else has taken the names of the metrics.
    """
    if not policy.prometheus:
        return ()
    try:
        from smcp_security.metrics.desk import desk_of
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return (desk_of(registry).attach(subject),)


def exposition(registry: CollectorRegistry | None = None) -> tuple[bytes, str]:
    """What Prometheus reads, and its content type; of all worker processes where `PROMETHEUS_MULTIPROC_DIR` is set.

    Reads files then: some milliseconds. Raises `PolicyError` where the package is missing, `OSError` where the
    folder is gone.
    """
    try:
        from smcp_security.metrics.page import exposed
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return exposed(registry)


def _missing(error: ModuleNotFoundError) -> PolicyError:
    if error.name is None or error.name.partition(".")[0] != "prometheus_client":
        raise error
    return PolicyError("metrics.prometheus: it needs pip install 'smcp-security[prometheus]'")
