"""Spellings of session ids: several may be one session to the server. Pure."""

from __future__ import annotations

from uuid import UUID


def folded(session: str) -> str:
    """One spelling of an id for all that a server may take for it: SDKs parse theirs as UUIDs, in Python's lax way.

    Two ids that fold into one are refused to whoever comes second, which is the safe side.
    """
    try:
        return UUID(session.strip("()")).hex
    except ValueError:
        return session.lower()
