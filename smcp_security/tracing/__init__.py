"""OpenTelemetry: verdicts as attributes of the span that a call has anyway, and the metrics of `metrics` once more.

`opentelemetry` is imported by the other files of this package alone, and only where the policy asks for it: its API, no
SDK. Where no SDK is set up in the process nothing is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smcp_security.errors import PolicyError
from smcp_security.observers import Observer, Subject

if TYPE_CHECKING:
    from smcp_security.policy.observation import MetricsPolicy


def observers_of(policy: MetricsPolicy, subject: Subject) -> tuple[Observer, ...]:
    """Those of spans and of metrics, if the policy wants them. Raises `PolicyError` where the package is missing."""
    if not policy.opentelemetry:
        return ()
    try:
        from smcp_security.tracing.joining import CALLS
        from smcp_security.tracing.meters import ledger
        from smcp_security.tracing.spans import Spans
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "opentelemetry":
            raise
        raise PolicyError("metrics.opentelemetry: it needs pip install 'smcp-security[otel]'") from None
    return (Spans(subject, CALLS), ledger().attach(subject))
