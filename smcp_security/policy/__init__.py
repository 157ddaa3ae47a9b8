"""The policy: one frozen value that says what is let through. Imports nothing that a check or an edge owns."""

from __future__ import annotations

from smcp_security.policy.injection import Exclusion, InjectionPolicy
from smcp_security.policy.load import resolve
from smcp_security.policy.model import (
    ArgumentsPolicy,
    AuditPolicy,
    LimitPolicy,
    ModePolicy,
    Policy,
    ResultsPolicy,
)
from smcp_security.policy.schema import json_schema
from smcp_security.policy.server import FloodPolicy, ServerPolicy
from smcp_security.policy.tools import ToolPolicy
from smcp_security.policy.units import Rate

__all__ = [
    "ArgumentsPolicy",
    "AuditPolicy",
    "Exclusion",
    "FloodPolicy",
    "InjectionPolicy",
    "LimitPolicy",
    "ModePolicy",
    "Policy",
    "Rate",
    "ResultsPolicy",
    "ServerPolicy",
    "ToolPolicy",
    "json_schema",
    "resolve",
]
