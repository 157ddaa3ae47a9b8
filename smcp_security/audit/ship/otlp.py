"""Lines as OpenTelemetry log records: OTLP 1 over HTTP in its JSON encoding. Pure but for the clock.

Written by hand: the encoding is a stable part of the specification, and the SDK's exporter would bring a queue, a
thread and retries of its own, which know nothing of the cursor.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from smcp_security.audit.ship.label import Label, Weight, label_of
from smcp_security.version import VERSION

SERVICE: Final = "smcp-security"
_SCOPE: Final = "smcp_security.audit"
_SEVERITY: Final = {
    Weight.ERROR: (17, "ERROR"),
    Weight.WARNING: (13, "WARN"),
    Weight.NOTICE: (10, "INFO2"),
    Weight.INFORMATION: (9, "INFO"),
}


class _PartialSuccess(msgspec.Struct):
    rejected: int | str = msgspec.field(default=0, name="rejectedLogRecords")


class _Response(msgspec.Struct):
    partial: _PartialSuccess | None = msgspec.field(default=None, name="partialSuccess")


class OtlpLogs:
    """An ExportLogsServiceRequest. `service` is the resource's service.name."""

    kind = "application/json"

    def __init__(self, service: str = SERVICE) -> None:
        self._resource = {"attributes": [_attribute("service.name", service)]}

    def body(self, lines: Sequence[bytes]) -> bytes:
        """The request for these lines; empty if there is none in them."""
        observed = str(time.time_ns())
        records = [_record(line, observed) for line in lines if line]
        if not records:
            return b""
        scope = {"scope": {"name": _SCOPE, "version": VERSION}, "logRecords": records}
        return msgspec.json.encode({"resourceLogs": [{"resource": self._resource, "scopeLogs": [scope]}]})

    def refused(self, answer: bytes) -> int:
        """The records that a partial success names: they must not be sent again."""
        try:
            partial = msgspec.json.decode(answer, type=_Response).partial
            return 0 if partial is None else max(int(partial.rejected), 0)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return 0


def _record(line: bytes, observed: str) -> dict[str, Any]:
    label = label_of(line)
    number, text = _SEVERITY[label.weight]
    fields: dict[str, Any] = {
        "observedTimeUnixNano": observed,
        "severityNumber": number,
        "severityText": text,
        "body": _body(line),
        "attributes": _attributes(label),
    }
    if moment := _nanoseconds(label.at):
        fields["timeUnixNano"] = moment
    if label.kind:
        fields["eventName"] = f"smcp.audit.{label.kind}"
    if trace := label.trace:
        # Hexadecimal, and not base64 as everything else that is bytes: the specification says so.
        fields["traceId"], fields["spanId"], fields["flags"] = trace
    return fields


def _body(line: bytes) -> Mapping[str, str]:
    # A torn piece may hold anything; base64 keeps it as it is.
    return {"stringValue": line.decode()} if line.isascii() else {"bytesValue": msgspec.to_builtins(line)}


def _attributes(label: Label) -> list[Mapping[str, Any]]:
    given = [_attribute(f"smcp.{name}", text) for name, text in (("kind", label.kind), ("id", label.id)) if text]
    if label.allowed is not None:
        given.append({"key": "smcp.allowed", "value": {"boolValue": label.allowed}})
    if label.codes:
        values = [{"stringValue": code} for code in label.codes]
        given.append({"key": "smcp.codes", "value": {"arrayValue": {"values": values}}})
    return given


def _attribute(key: str, text: str) -> Mapping[str, Any]:
    return {"key": key, "value": {"stringValue": text}}


def _nanoseconds(at: str) -> str:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return ""
    if moment.tzinfo is None:
        return ""
    since = moment - datetime.fromtimestamp(0, moment.tzinfo)
    return str((since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 1000)
