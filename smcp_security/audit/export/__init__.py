"""What leaves the audit for other programs: JSON Lines, CSV that no spreadsheet runs, OCSF events. Pure."""

from __future__ import annotations

from smcp_security.audit.export.ocsf import OCSF_VERSION, event
from smcp_security.audit.export.table import COLUMNS, heading, row

__all__ = ["COLUMNS", "OCSF_VERSION", "event", "heading", "row"]
