"""Events of OCSF: each is what the official schema of API Activity takes, and says what the record said."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from smcp_security.audit.export import OCSF_VERSION, event
from smcp_security.audit.reading.calls import calls_of
from tests.cli.audits import NOON, decision, outcome, refused

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@cache
def _validator() -> Any:
    embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema(OCSF_VERSION))
    schema = embedded.get_class_schema("api_activity", ["security_control", "trace"])
    return jsonschema.validators.validator_for(schema)(schema)


def _checked(*records: dict[str, Any]) -> dict[str, Any]:
    [call] = calls_of(records)
    made = event(call)
    assert [error.message for error in _validator().iter_errors(made)] == []
    return made


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"caller": None},
        {"caller": None, "label": "someone", "address": ""},
        {"caller": "erased", "label": "erased", "address": "erased", "session": "erased", "arguments": "erased"},
        {"caller": "sealed", "address": "sealed"},
        {"address": "2001:db8::1"},
        {"address": "unix"},
        {"method": "", "target": "", "era": "", "revision": "", "session": ""},
        {"method": "resources/read", "target": "docs:#3f", "uri": "docs://x"},
        {"traceparent": TRACE},
        {"arguments": {"q": [1, None, {"deep": True}]}},
        {"action": "report", "findings": [{"code": "SMCP601", "slug": "x", "severity": "critical", "about": ["a"]}]},
    ],
    ids=lambda fields: ",".join(fields) or "plain",
)
def test_every_record_of_a_call_is_an_event_of_the_schema(fields: dict[str, Any]) -> None:
    _checked(decision("a", **fields) if "caller" not in fields else decision("a") | fields)
    _checked((decision("a") | fields), outcome("a", tokens=3, error="-32603", result="error"))


def test_the_schema_refuses_an_event_that_lacks_what_it_wants() -> None:
    made = event(next(iter(calls_of([decision("a")]))))
    for name in ("actor", "api", "src_endpoint", "metadata", "type_uid"):
        assert list(_validator().iter_errors({key: value for key, value in made.items() if key != name}))
    assert list(_validator().iter_errors({**made, "invented": 1}))


def test_a_refused_call_is_denied_and_blocked_with_its_severity() -> None:
    made = _checked(refused("a"))
    assert (made["action_id"], made["disposition_id"], made["status_id"], made["severity_id"]) == (2, 2, 2, 4)
    assert made["is_alert"] and "SMCP501" in made["message"]


def test_an_allowed_call_says_who_what_whence_and_how_it_ended() -> None:
    made = _checked(decision("a", "ann"), outcome("a"))
    assert made["actor"]["user"]["uid"] == "ann" and made["api"]["operation"] == "tools/call"
    assert made["src_endpoint"] == {"ip": "203.0.113.7"} and made["resources"][0]["name"] == "search"
    assert (made["status_id"], made["duration"], made["http_response"]["code"]) == (1, 250, 200)
    assert made["time"] == NOON * 1000 and made["type_uid"] == 600399


@pytest.mark.parametrize(
    ("method", "activity"), [("tools/list", 2), ("resources/read", 2), ("tools/call", 99), ("", 99)]
)
def test_a_method_is_the_activity_that_the_schema_has_for_it(method: str, activity: int) -> None:
    made = _checked(decision("a", method=method))
    assert made["activity_id"] == activity and made["type_uid"] == 600300 + activity


def test_a_trace_is_carried_with_the_profile_for_it() -> None:
    made = _checked(decision("a", traceparent=TRACE))
    assert made["trace"]["uid"] == TRACE[3:35] and "trace" in made["metadata"]["profiles"]
    assert "trace" not in _checked(decision("a"))
