"""What a read of a resource gives and what is announced of resources: the URIs in it are held to the same rules. Pure.

A server may answer a read with several contents, each with a URI of its own, and may announce changes to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from smcp_security.checks.grants import Grants, Verdict
from smcp_security.checks.origins import asked_method, asked_target
from smcp_security.checks.rung import Context
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.message import Message


def readable(grants: Grants, context: Context, message: Message, result: Mapping[str, Any]) -> list[Any] | None:
    """The contents of a read without those of other resources that the caller may not read; None if it is no read."""
    contents = result.get("contents")
    if type(contents) is not list or asked_method(context, message) not in ("", "resources/read"):
        return None
    asked = _loosely(asked_target(context, message))
    return [each for each in contents if _may_be_read(grants, context, each, asked)]


def announced(grants: Grants, context: Context, message: Message) -> Outcome:
    """A change of a resource is no news for who could not read it."""
    uri = message.params.get("uri")
    if message.method != "notifications/resources/updated" or type(uri) is not str:
        return CLEAN
    seen = grants.ruling(context.caller, "resource", uri).listed
    return CLEAN if seen else denied("SMCP301", "/params/uri")


def _may_be_read(grants: Grants, context: Context, content: Any, asked: str) -> bool:
    uri = content.get("uri") if type(content) is dict else None
    if type(uri) is not str:
        return False
    # The very resource that was asked for was allowed; servers spell its URI their own way.
    if asked and _loosely(uri) == asked:
        return True
    return grants.ruling(context.caller, "resource", uri).verdict is Verdict.ALLOWED


def _loosely(uri: str) -> str:
    return unquote(uri).casefold().rstrip("/")
