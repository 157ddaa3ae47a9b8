"""Lines of the audit, read again: a record with its sealed part opened, or the word for what keeps it shut. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from smcp_security.errors import AuditDamaged

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People

ERASED: Final = "erased"
SEALED: Final = "sealed"
DAMAGED: Final = "damaged"
"""What stands in place of a private field: its key was destroyed, it was not given, or what is sealed was changed."""

_CHAIN: Final = frozenset({"prev", "mac", "sig", "sealed"})
_PRIVATE: Final = {
    "decision": ("caller", "label", "address", "session", "arguments"),
    "secret": ("caller", "label", "address", "tenant"),
}
_TEXTS: Final = frozenset({
    "stream", "prev", "kind", "id", "at", "action", "method", "target", "era", "revision", "edge", "traceparent",
    "mode", "policy", "rules", "lock", "result", "error", "person", "mac", "sig", "label", "address", "session", "uri",
    "tenant", "secret", "receiver", "tool",
})  # fmt: skip
_NUMBERS: Final = frozenset({"seq", "us", "size", "status", "seconds", "count"})
_GREATEST: Final = 2**63
_LISTS: Final = frozenset({"codes", "findings"})
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


def record_of(line: bytes) -> dict[str, Any] | None:
    """The record in a line as it stands there; None for what is no record, such as a fragment that a crash left, or a
    line that somebody wrote whose fields are of the wrong kinds."""
    try:
        record = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # A few names are in all of them: what a writer wrote is told from what only looks like JSON.
    named = "stream" in record and "kind" in record and ("id" in record or record["kind"] != "decision")
    return record if named and _is_of_kinds(record) else None


def opened(record: Mapping[str, Any], people: People | None) -> dict[str, Any]:
    """A record without what only proves it, its private fields among the others, or a word in the place of each."""
    shown = {name: value for name, value in record.items() if name not in _CHAIN}
    if "sealed" not in record:
        return shown
    private = _private(record, people)
    if isinstance(private, str):
        return shown | dict.fromkeys(_PRIVATE.get(record["kind"], ("caller",)), private)
    # What everyone can read was told before: what is sealed adds to it, and replaces nothing.
    return shown | {name: value for name, value in private.items() if name not in shown}


def _private(record: Mapping[str, Any], people: People | None) -> dict[str, Any] | str:
    if people is None:
        return SEALED
    bound = f"{record['stream']}:{record.get('seq')}".encode()
    try:
        sealed = base64.b64decode(record["sealed"], validate=True)
        text = people.open_sealed(str(record.get("person")), sealed, bound)
        if text is None:
            return ERASED
        private = _DECODER.decode(text)
        return private if _is_of_kinds(private) else DAMAGED
    except (AuditDamaged, binascii.Error, msgspec.MsgspecError, TypeError, ValueError):
        return DAMAGED


def _is_of_kinds(fields: Mapping[str, Any]) -> bool:
    """Whether each field that readers use is of the kind that it has in every record."""
    for name, value in fields.items():
        if name in _TEXTS:
            right = isinstance(value, str)
        elif name in _NUMBERS:
            right = isinstance(value, int | float) and -_GREATEST < value < _GREATEST
        elif name in _LISTS:
            right = isinstance(value, list) and all(
                isinstance(each, str if name == "codes" else dict) for each in value
            )
        else:
            right = name != "caller" or value is None or _is_caller(value)
        if not right:
            return False
    return True


def _is_caller(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("roles", []), list)
