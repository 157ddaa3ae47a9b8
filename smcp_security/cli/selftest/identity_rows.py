"""Attacks on who calls: the credential left out, cut, renamed or in the wrong place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from smcp_security.cli.selftest.shot import PATH, Fields, Shot, Voice
from smcp_security.cli.selftest.table import IDENTITY, Row, Trial
from smcp_security.cli.selftest.wire_rows import SPELLINGS

_CREDENTIAL: Final = re.compile(r"auth|cookie|key|secret|token", re.IGNORECASE)


def credential_of(fields: Fields) -> tuple[str, str] | None:
    """The header that says who calls; None if none does."""
    found = [field for field in fields if _CREDENTIAL.search(field[0])]
    return min(found, key=lambda field: field[0].lower() != "authorization", default=None)


def _nobody(voice: Voice) -> Shot:
    """The plain request with nothing that could say who calls: any of several credentials may be enough."""
    others = tuple(field for field in voice.credential if not _CREDENTIAL.search(field[0]))
    return replace(voice, credential=others).plain()


def _without(voice: Voice) -> Shot:
    given = credential_of(voice.credential)
    others = tuple(field for field in voice.credential if field != given)
    return replace(voice, credential=others).plain()


def _bare(voice: Voice) -> Iterator[Trial]:
    yield Trial("no credential", _nobody(voice), voice.plain())
    for name, path in SPELLINGS:
        yield Trial(f"none, and {name}", _nobody(voice).at(path), voice.plain())


def _spoilt(voice: Voice) -> Iterator[Trial]:
    given = credential_of(voice.credential)
    if given is None:
        return
    name, value = given
    scheme, _, token = value.rpartition(" ")
    half = token[: max(len(token) // 2, 1)] if len(token) > 1 else "x"
    lead = f"{scheme} " if scheme else ""
    shots = [("the first half of it", _without(voice).adding((name, lead + half)))]
    shots.append(("one character of it changed", _without(voice).adding((name, lead + _turned(token)))))
    if scheme:
        shots.append(("another scheme", _without(voice).adding((name, f"Basic {token}"))))
    for told, shot in shots:
        yield Trial(told, shot, voice.plain())


def _turned(token: str) -> str:
    # The last character of Base64 may hold bits that count for nothing; one in the middle always counts.
    at = len(token) * 3 // 4
    return token[:at] + ("A" if token[at : at + 1] != "A" else "B") + token[at + 1 :]


def _in_the_query(voice: Voice) -> Iterator[Trial]:
    given = credential_of(voice.credential)
    if given is not None:
        token = quote(given[1].rpartition(" ")[2], safe="")
        shot = _without(voice).at(f"{PATH}?access_token={token}")
        yield Trial("access_token in the URL", shot, voice.plain())


IDENTITY_ROWS: Final = (
    Row("SLF201", "no-credential", "CVE-2026-33032: nobody was asked who calls", "CWE-306", _bare, IDENTITY),
    Row("SLF202", "spoilt-credential", "a token that was never checked", "CWE-287", _spoilt, IDENTITY),
)
QUERY_ROW: Final = Row(
    "SLF203", "credential-in-query", "a token where logs keep it", "CWE-598", _in_the_query, IDENTITY
)
