"""A shared store for the tests that freeze it."""

from __future__ import annotations

from tests.real.identity.conftest import store

__all__ = ["store"]
