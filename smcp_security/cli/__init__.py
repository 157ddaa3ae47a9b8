"""The command line `smcp`: arguments in, text and exit codes out. Loads nothing of the engine until a command runs."""

from __future__ import annotations

from smcp_security.cli.program import main

__all__ = ["main"]
