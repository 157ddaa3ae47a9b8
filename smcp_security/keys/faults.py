"""How a fetch fails where others need to know it."""

from __future__ import annotations

from smcp_security.errors import Unavailable


class Unreachable(Unavailable):
    """There is no connection to the other side, whatever it is asked."""
