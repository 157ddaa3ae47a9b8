"""The audit: one JSON line per decision and per outcome, to a logger or a file."""

from __future__ import annotations

from smcp_security.audit.digest import Digest
from smcp_security.audit.record import Seal, decision_record, encode, outcome_record, secret_record, store_record
from smcp_security.audit.sink import FileSink, LoggerSink, Sink, open_sink

__all__ = [
    "Digest",
    "FileSink",
    "LoggerSink",
    "Seal",
    "Sink",
    "decision_record",
    "encode",
    "open_sink",
    "outcome_record",
    "secret_record",
    "store_record",
]
