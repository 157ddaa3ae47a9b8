"""A mistake inside a value that is checked on its own: a tool's schema, a contract. Apart from those checks. Pure."""

from __future__ import annotations

from smcp_security.policy.places import Path


class SchemaProblem(ValueError):
    """What is wrong with a key inside of a schema or contract: `at` is the path to it from the root of the value."""

    def __init__(self, at: Path, message: str) -> None:
        super().__init__(message)
        self.at = at
