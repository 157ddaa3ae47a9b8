"""OTLP log records, read by the decoder that OpenTelemetry publishes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from smcp_security.audit.ship.otlp import OtlpLogs

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def line(**fields: Any) -> bytes:
    return json.dumps({"kind": "decision", "at": "2026-11-22T03:28:43.123456+00:00", **fields}).encode()


def received(*lines: bytes) -> ExportLogsServiceRequest:
    """What a receiver makes of the request. Ids are hexadecimal there, where plain protobuf JSON has base64."""
    request = json.loads(OtlpLogs("shop").body(lines))
    for record in request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        for name in {"traceId", "spanId"} & set(record):
            record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    return json_format.ParseDict(request, ExportLogsServiceRequest())


def record(text: bytes) -> LogRecord:
    return received(text).resource_logs[0].scope_logs[0].log_records[0]


def attributes(found: LogRecord) -> dict[str, Any]:
    return {each.key: json_format.MessageToDict(each.value) for each in found.attributes}


def test_a_record_holds_the_line_as_it_is() -> None:
    text = line(id="d1", allowed=True, codes=[])
    assert record(text).body.string_value.encode() == text


def test_a_receiver_finds_the_service_and_the_scope() -> None:
    (resource,) = received(line()).resource_logs
    (service,) = resource.resource.attributes
    assert (service.key, service.value.string_value) == ("service.name", "shop")
    assert resource.scope_logs[0].scope.name == "smcp_security.audit"


def test_a_record_keeps_its_time_to_the_microsecond() -> None:
    found = record(line())
    assert found.time_unix_nano == 1_795_318_123_123_456_000
    assert found.observed_time_unix_nano > 0


@pytest.mark.parametrize("at", ["", "soon", "2026-11-22T03:28:43"])
def test_a_record_without_a_time_has_only_that_of_its_sending(at: str) -> None:
    found = record(line(at=at))
    assert found.time_unix_nano == 0 and found.observed_time_unix_nano > 0


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"allowed": True}, SeverityNumber.SEVERITY_NUMBER_INFO),
        ({"allowed": False}, SeverityNumber.SEVERITY_NUMBER_WARN),
        ({"kind": "lost"}, SeverityNumber.SEVERITY_NUMBER_ERROR),
        ({"kind": "purged"}, SeverityNumber.SEVERITY_NUMBER_INFO2),
    ],
)
def test_a_record_is_as_severe_as_its_line(fields: dict[str, Any], severity: int) -> None:
    assert record(line(**fields)).severity_number == severity


def test_a_record_can_be_found_by_what_it_is() -> None:
    found = record(line(id="d1", allowed=False, codes=["SMCP112", "SMCP601"]))
    assert found.event_name == "smcp.audit.decision"
    assert attributes(found) == {
        "smcp.kind": {"stringValue": "decision"},
        "smcp.id": {"stringValue": "d1"},
        "smcp.allowed": {"boolValue": False},
        "smcp.codes": {"arrayValue": {"values": [{"stringValue": "SMCP112"}, {"stringValue": "SMCP601"}]}},
    }


def test_a_record_joins_the_trace_of_its_request() -> None:
    found = record(line(traceparent=f"00-{TRACE}-{SPAN}-01"))
    assert (found.trace_id.hex(), found.span_id.hex(), found.flags) == (TRACE, SPAN, 1)
    assert not record(line()).trace_id


def test_ids_are_hexadecimal_as_the_specification_says() -> None:
    body = OtlpLogs().body([line(traceparent=f"00-{TRACE}-{SPAN}-01")])
    found = json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert (found["traceId"], found["spanId"]) == (TRACE, SPAN)


@pytest.mark.parametrize("torn", [b"\xff\x00{", b'{"kind":"de'])
def test_a_torn_piece_arrives_byte_for_byte(torn: bytes) -> None:
    found = record(torn)
    assert (found.body.bytes_value or found.body.string_value.encode()) == torn
    assert found.severity_number == SeverityNumber.SEVERITY_NUMBER_ERROR


@pytest.mark.parametrize(
    ("rejected", "count"), [({}, 0), ({"rejectedLogRecords": 3, "errorMessage": "no"}, 3), ({"errorMessage": "hm"}, 0)]
)
def test_records_that_a_receiver_rejects_for_good_are_counted(rejected: dict[str, Any], count: int) -> None:
    response = json_format.ParseDict({"partialSuccess": rejected}, ExportLogsServiceResponse())
    assert OtlpLogs().refused(json_format.MessageToJson(response).encode()) == count


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ok",
        b"[]",
        b'{"partialSuccess":{"rejectedLogRecords":"x"}}',
        b"\xff",
        b'{"partialSuccess":{"x":' + b"[" * 30_000,
        b'{"partialSuccess":{"rejectedLogRecords":"' + b"9" * 5000 + b'"}}',
    ],
    ids=lambda answer: repr(answer[:50]),
)
def test_any_other_answer_means_that_all_were_taken(answer: bytes) -> None:
    assert OtlpLogs().refused(answer) == 0
