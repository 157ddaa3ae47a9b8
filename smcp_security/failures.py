"""A message whose check failed is denied, and the log tells types and places, never what it held."""

from __future__ import annotations

import logging
import os
import traceback
from typing import Final

from smcp_security import engine
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision, finding
from smcp_security.errors import Unavailable

_log: Final = logging.getLogger("smcp_security")


def broken(error: Exception, context: Context) -> Decision:
    """The verdict on a message whose check failed."""
    log_frames(error)
    return engine.denial(finding(_code(error), retry_after=engine.AWAY), context, context.id)


def withheld_after(error: Exception, decision: Decision) -> Decision:
    """The verdict on a result whose check failed."""
    log_frames(error)
    return engine.withheld(_code(error), decision)


def log_frames(error: Exception, what: str = "a check failed, the message was denied") -> None:
    """Types and places only: messages of validators hold the input."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}:{frame.name}" for frame in frames)
    _log.error("%s: %s at %s", what, type(error).__name__, places)


def _code(error: Exception) -> str:
    return "SMCP206" if isinstance(error, Unavailable) else "SMCP001"
