"""A call as an event of the Open Cybersecurity Schema Framework: API Activity, with the profile Security Control. Pure.

https://schema.ocsf.io/1.8.0/classes/api_activity
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final

from smcp_security.audit.reading.opening import DAMAGED, ERASED, SEALED
from smcp_security.version import VERSION

OCSF_VERSION: Final = "1.8.0"
CLASS: Final = 6003
_CATEGORY: Final = 6
_UNKNOWN, _OTHER = 0, 99
_READ, _UPDATE = 2, 3
_SUCCESS, _FAILURE = 1, 2
_ACTIVITY: Final = {1: "Create", _READ: "Read", _UPDATE: "Update", 4: "Delete"}
_CAPTIONS: Final = {
    "status": {_UNKNOWN: "Unknown", _SUCCESS: "Success", _FAILURE: "Failure"},
    "severity": {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"},
    "action": {1: "Allowed", 2: "Denied", 3: "Observed"},
    "disposition": {1: "Allowed", 2: "Blocked", 15: "Detected"},
}
_SEVERITIES: Final = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_VERDICTS: Final = {"pass": (1, 1), "block": (2, 2), "report": (3, 15)}
"""The action and the disposition of each verdict: what was only reported was seen, and went on."""

_ACTIVITIES: Final = {
    "tools/call": _OTHER, "resources/subscribe": 1, "resources/unsubscribe": 4, "tasks/cancel": 4,
    "logging/setLevel": _UPDATE, "initialize": _OTHER, "ping": _OTHER,
}  # fmt: skip
_READING: Final = ("/list", "/read", "/get", "/result", "/complete")
_SPENT: Final = frozenset({
    "kind", "id", "at", "action", "codes", "method", "target", "caller", "label", "address", "session", "edge",
    "policy", "mode", "outcome", "stream", "seq", "traceparent", "size",
})  # fmt: skip


def event(call: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a decision, with its outcome if it has one (`calls.calls_of`)."""
    outcome = call.get("outcome") or {}
    findings = [*call.get("findings", ()), *outcome.get("findings", ())]
    activity = _activity(str(call.get("method", "")))
    action, disposition = _VERDICTS.get(str(call.get("action")), (_UNKNOWN, _UNKNOWN))
    return {
        "class_uid": CLASS, "class_name": "API Activity",
        "category_uid": _CATEGORY, "category_name": "Application Activity",
        "type_uid": CLASS * 100 + activity,
        "time": _milliseconds(str(call.get("at"))),
        "activity_id": activity,
        # For "Other" the schema wants the source's own word.
        "activity_name": str(call.get("method") or "Unknown") if activity == _OTHER else _ACTIVITY[activity],
        **_named("severity", _severity(findings)),
        **_named("status", _status(call, outcome)),
        **_named("action", action),
        **_named("disposition", disposition),
        "is_alert": call.get("action") != "pass",
        "message": _message(call, findings),
        "metadata": _metadata(call),
        "actor": _actor(call),
        "api": _api(call, outcome),
        "src_endpoint": _source(call.get("address")),
        "policy": {"uid": str(call.get("policy") or "none"), "name": f"smcp {call.get('mode', '')}".strip()},
        **_ending(outcome),
        **_resource(call),
        **_trace(call),
        "unmapped": _unmapped(call, outcome),
    }  # fmt: skip


def _named(name: str, number: int) -> dict[str, Any]:
    caption = _CAPTIONS[name].get(number, "Unknown")
    return {f"{name}_id": number, name: caption}


def _activity(method: str) -> int:
    return _ACTIVITIES.get(method, _READ if method.endswith(_READING) else _OTHER)


def _severity(findings: list[Mapping[str, Any]]) -> int:
    return max((_SEVERITIES.get(str(each.get("severity")), 1) for each in findings), default=1)


def _status(call: Mapping[str, Any], outcome: Mapping[str, Any]) -> int:
    if not call.get("allowed"):
        return _FAILURE
    if not outcome:
        return _UNKNOWN
    return _SUCCESS if outcome.get("result") == "complete" else _FAILURE


def _message(call: Mapping[str, Any], findings: list[Mapping[str, Any]]) -> str:
    verdict = "allowed" if call.get("allowed") else "refused"
    what = " ".join(str(call.get(name)) for name in ("method", "target") if call.get(name))
    why = ", ".join(dict.fromkeys(f"{each.get('code')} {each.get('slug')}" for each in findings))
    return f"{verdict}: {what or 'a message that was not read'}" + (f" ({why})" if why else "")


def _metadata(call: Mapping[str, Any]) -> dict[str, Any]:
    profiles = ["security_control", *(["trace"] if _trace(call) else [])]
    caller = call.get("caller")
    tenant = caller.get("tenant") if isinstance(caller, Mapping) else ""
    return {
        "version": OCSF_VERSION,
        "profiles": profiles,
        "product": {"name": "smcp-security", "vendor_name": "smcp-security", "version": VERSION},
        "uid": str(call["id"]),
        "correlation_uid": str(call["id"]),
        "original_time": str(call.get("at")),
        "log_name": "audit",
        "log_provider": str(call.get("stream", "")),
        "sequence": int(call.get("seq", 0)),
        **({"tenant_uid": str(tenant)} if tenant else {}),
    }


def _actor(call: Mapping[str, Any]) -> dict[str, Any]:
    caller = call.get("caller")
    session = {"session": {"uid": str(call["session"])}} if call.get("session") else {}
    if not isinstance(caller, Mapping):
        # A word in the place of the caller (erased, sealed, damaged), or nobody.
        name = str(caller or call.get("label") or "unknown")
        return {"user": {"name": name, "type_id": _UNKNOWN, "type": "Unknown"}, **session}
    user = {"uid": str(caller.get("id") or "unknown"), "type_id": 1, "type": "User"}
    if caller.get("credential"):
        user["credential_uid"] = str(caller["credential"])
    if call.get("label"):
        user["name"] = str(call["label"])
    if caller.get("tenant"):
        user["org"] = {"uid": str(caller["tenant"])}
    if caller.get("roles"):
        user["groups"] = [{"name": str(role)} for role in caller["roles"]]
    return {"user": user, **session}


def _api(call: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    api: dict[str, Any] = {
        "operation": str(call.get("method") or "unknown"),
        "service": {"name": "mcp", "labels": [str(call.get("edge", ""))]},
        "request": {"uid": str(call["id"])},
    }
    if call.get("revision"):
        api["version"] = str(call["revision"])
    if outcome.get("error"):
        api["response"] = {"error": str(outcome["error"])}
    return api


def _source(address: Any) -> dict[str, Any]:
    """Where it came from: an address, or a name for what is none, since the schema wants one of the two."""
    try:
        return {"ip": str(ip_address(str(address)))}
    except ValueError:
        return {"name": str(address) if address in (ERASED, SEALED, DAMAGED) else str(address or "unknown")}


def _ending(outcome: Mapping[str, Any]) -> dict[str, Any]:
    if not outcome:
        return {}
    fields: dict[str, Any] = {
        "duration": round(float(outcome.get("seconds", 0)) * 1000),
        "status_detail": str(outcome.get("result", "")),
    }
    if outcome.get("status"):
        fields["http_response"] = {"code": int(outcome["status"]), "body_length": int(outcome.get("size", 0))}
    return fields


def _resource(call: Mapping[str, Any]) -> dict[str, Any]:
    if not call.get("target"):
        return {}
    kind = str(call.get("method", "")).partition("/")[0]
    return {"resources": [{"name": str(call["target"]), "type": kind, "uid": str(call.get("uri") or call["target"])}]}


def _trace(call: Mapping[str, Any]) -> dict[str, Any]:
    """W3C `00-<trace>-<span>-<flags>`; the schema's span wants times that nobody knows here."""
    parts = str(call.get("traceparent") or "").split("-")
    return {"trace": {"uid": parts[1]}} if len(parts) == 4 else {}


def _unmapped(call: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in call.items() if name not in _SPENT}
    if call.get("traceparent"):
        rest["traceparent"] = call["traceparent"]
    if isinstance(call.get("caller"), Mapping):
        rest["verified"], rest["source"] = call["caller"].get("verified"), call["caller"].get("source")
    if outcome:
        rest["outcome"] = {name: outcome[name] for name in ("codes", "findings", "tokens", "size") if name in outcome}
    return {name: value for name, value in rest.items() if value not in (None, "", [], {})}


def _milliseconds(at: str) -> int:
    try:
        return round(datetime.fromisoformat(at).astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        # Nobody's clock: `metadata.original_time` has what stood there.
        return 0
