"""The response side of revocation: who was revoked while a call ran, or a stream was open, is told nothing more. Pure.

Expiry is another matter: what was asked in time is answered, and clients keep a stream open when they renew a token.
"""

from __future__ import annotations

from typing import Final

from smcp_security.checks.rung import AskStanding, Context, Run, Rung, Standing
from smcp_security.checks.tokens import revocable
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.errors import Unavailable

_STANDING: Final = AskStanding()


def build() -> Rung:
    """The rung for policies with identity."""

    def standing(context: Context) -> Run[Outcome]:
        if context.caller is None:
            return CLEAN
        try:
            known: Standing = yield _STANDING
        except Unavailable:
            # New messages are refused then. What was let through while it was known goes on.
            return CLEAN
        return CLEAN if known.revoked.isdisjoint(revocable(context.caller)) else denied("SMCP205")

    return standing
