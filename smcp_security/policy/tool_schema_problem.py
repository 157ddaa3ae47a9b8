"""The mistake that checking a tool's schema raises; apart from the check, which imports jsonschema. Pure."""

from __future__ import annotations

from smcp_security.policy.places import Path


class SchemaProblem(ValueError):
    """What is wrong with a tool's schema, and where in it: `at` is the path from the schema's root."""

    def __init__(self, at: Path, message: str) -> None:
        super().__init__(message)
        self.at = at
