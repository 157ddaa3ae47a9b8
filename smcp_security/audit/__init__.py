"""The audit: one JSON line per decision and per outcome, to a logger or a file."""

from __future__ import annotations

from smcp_security.audit.arguments import arguments_of
from smcp_security.audit.digest import Digest
from smcp_security.audit.entry import Entry, entry_of, person_of
from smcp_security.audit.record import Seal, decision_record, encode, outcome_record, secret_record, store_record
from smcp_security.audit.sink import FileSink, LoggerSink, Sink, open_sink

__all__ = [
    "Digest",
    "Entry",
    "FileSink",
    "LoggerSink",
    "Seal",
    "Sink",
    "arguments_of",
    "decision_record",
    "encode",
    "entry_of",
    "open_sink",
    "outcome_record",
    "person_of",
    "secret_record",
    "store_record",
]
