"""Whether a guard can do its work now: what it needs is asked, not remembered, and nothing is waited for in vain."""

from __future__ import annotations

from smcp_security.health.report import Health, Part

__all__ = ["Health", "Part"]
