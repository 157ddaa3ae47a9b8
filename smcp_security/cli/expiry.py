"""The option `--expires`: a span from now, a day, or a moment, as unix seconds."""

from __future__ import annotations

import re
from typing import Final

import click

_SPAN: Final = re.compile(r"[1-9][0-9]{0,4}[smhd]", re.ASCII)
_EXPECTED: Final = "expected a time from now such as 90d or 12h, a day such as 2027-01-01, or 2027-01-01T12:00:00Z"

expires_option = click.option(
    "--expires", metavar="WHEN", help="90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z. Default: never."
)


def expiry(text: str, now: float) -> float:
    """The moment that `text` names. Raises `click.UsageError` for what names none, or one that is past."""
    from smcp_security.keys.api_key import Misfit, check_text, moment
    from smcp_security.policy.units import parse_duration

    try:
        if _SPAN.fullmatch(text):
            ends = now + parse_duration(text)
        else:
            check_text("expires", text)
            ends = moment(text)
    except (ValueError, Misfit):
        raise click.UsageError(f"--expires: {_EXPECTED}", click.get_current_context()) from None
    if ends <= now:
        raise click.UsageError("--expires: that is in the past; name a later time", click.get_current_context())
    return ends
