"""The policy: one frozen value that says what is let through. Imports nothing that a check or an edge owns."""

from __future__ import annotations

from smcp_security.policy.access import AllowRule, Condition, DenyRule, RolePolicy, TenantAssertion
from smcp_security.policy.audit import AuditPolicy
from smcp_security.policy.identity import (
    ApiKeysPolicy,
    CertificatePolicy,
    ForwardedPolicy,
    IdentityPolicy,
    IntrospectionPolicy,
    IssuerPolicy,
)
from smcp_security.policy.injection import DetectorsPolicy, Exclusion, InjectionPolicy
from smcp_security.policy.limits import BudgetPolicy, ConcurrencyPolicy, CostPolicy, LimitPolicy
from smcp_security.policy.load import resolve
from smcp_security.policy.model import ArgumentsPolicy, ModePolicy, Policy
from smcp_security.policy.offers import PromptPolicy, ResourcePolicy
from smcp_security.policy.pins import PinsPolicy
from smcp_security.policy.results import Kept, ResultsPolicy
from smcp_security.policy.schema import json_schema
from smcp_security.policy.server import FloodPolicy, ServerPolicy
from smcp_security.policy.store import StorePolicy
from smcp_security.policy.tools import ToolPolicy
from smcp_security.policy.units import Allowance, Rate
from smcp_security.policy.vault import GrantPolicy, VaultPolicy

__all__ = [
    "AllowRule",
    "Allowance",
    "ApiKeysPolicy",
    "ArgumentsPolicy",
    "AuditPolicy",
    "BudgetPolicy",
    "CertificatePolicy",
    "ConcurrencyPolicy",
    "Condition",
    "CostPolicy",
    "DenyRule",
    "DetectorsPolicy",
    "Exclusion",
    "FloodPolicy",
    "ForwardedPolicy",
    "GrantPolicy",
    "IdentityPolicy",
    "InjectionPolicy",
    "IntrospectionPolicy",
    "IssuerPolicy",
    "Kept",
    "LimitPolicy",
    "ModePolicy",
    "PinsPolicy",
    "Policy",
    "PromptPolicy",
    "Rate",
    "ResourcePolicy",
    "ResultsPolicy",
    "RolePolicy",
    "ServerPolicy",
    "StorePolicy",
    "TenantAssertion",
    "ToolPolicy",
    "VaultPolicy",
    "json_schema",
    "resolve",
]
