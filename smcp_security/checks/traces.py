"""Which trace a message says that it belongs to (W3C Trace Context): the caller's word, no proof. Pure."""

from __future__ import annotations

import re
from typing import Final

from smcp_security.checks.rung import Context

_NAME: Final = "traceparent"
# No part of zeros alone: those are what a tracer says that has no trace.
_FORM: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_LENGTH: Final = 55


def traceparent(context: Context) -> str:
    """The trace and span of the sender, by the HTTP header, else by the `_meta` of the message; "" if neither fits."""
    http = context.http
    if http is not None and _NAME in http.headers.first and _NAME not in http.headers.repeated:
        told = http.headers.get(_NAME)
        if _fits(told):
            return str(told)
    meta = context.message.params.get("_meta") if context.message is not None else None
    told = meta.get(_NAME) if type(meta) is dict else None
    return told if type(told) is str and _fits(told) else ""


def _fits(told: str | None) -> bool:
    return told is not None and len(told) == _LENGTH and _FORM.fullmatch(told) is not None
