"""Quiet for the servers of these tests."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    """FastMCP draws a picture of every error of a tool's, which takes a second."""
    caplog.set_level(logging.CRITICAL + 1, "fastmcp")
