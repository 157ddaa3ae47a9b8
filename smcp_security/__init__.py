"""Every message between a model and its tools, checked: the public names. Each loads on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from smcp_security.codes import Severity
from smcp_security.decision import Action, Answer, Caller, Decision, Finding
from smcp_security.errors import (
    AuditUnavailable,
    FrameworkClosed,
    Misplaced,
    PolicyError,
    RulesError,
    ScanUnproven,
    SMCPDenied,
    SMCPError,
)
from smcp_security.version import VERSION as __version__

if TYPE_CHECKING:
    from smcp_security.adapters.asgi import SMCPMiddleware
    from smcp_security.adapters.decorator import secure_tool, security_context
    from smcp_security.adapters.sdk.secure import secure
    from smcp_security.checks.rung import Detected
    from smcp_security.contexts import RequestContext
    from smcp_security.detectors import Detector
    from smcp_security.framework import SMCPSecurityFramework
    from smcp_security.policy import Policy

_LATE = {
    "Detected": "smcp_security.checks.rung",
    "Detector": "smcp_security.detectors",
    "Policy": "smcp_security.policy",
    "RequestContext": "smcp_security.contexts",
    "SMCPMiddleware": "smcp_security.adapters.asgi",
    "SMCPSecurityFramework": "smcp_security.framework",
    "secure": "smcp_security.adapters.sdk.secure",
    "secure_tool": "smcp_security.adapters.decorator",
    "security_context": "smcp_security.adapters.decorator",
}

__all__ = [
    "Action",
    "Answer",
    "AuditUnavailable",
    "Caller",
    "Decision",
    "Detected",
    "Detector",
    "Finding",
    "FrameworkClosed",
    "Misplaced",
    "Policy",
    "PolicyError",
    "RequestContext",
    "RulesError",
    "SMCPDenied",
    "SMCPError",
    "SMCPMiddleware",
    "SMCPSecurityFramework",
    "ScanUnproven",
    "Severity",
    "__version__",
    "secure",
    "secure_tool",
    "security_context",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
