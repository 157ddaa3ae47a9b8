"""What a tool raises, masked where an SDK would tell it to the client. Code that calls a tool gets what was raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smcp_security.adapters.sdk.refusals import like, tool_error
from smcp_security.adapters.tools.call import Call
from smcp_security.errors import SMCPDenied

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks


async def masked_error(masks: Masks | None, call: Call, error: BaseException) -> BaseException:
    """The error to be raised in place of this one; the very same one where nothing in it is to be masked.

    Raises the refusal of an error that may not be told.
    """
    if masks is None or not _is_told(call, error):
        return error
    told = _told(error)
    return _as_told(call, error, told, await masks.masked(call, told))


def masked_error_now(masks: Masks | None, call: Call, error: BaseException) -> BaseException:
    """`masked_error` without an event loop."""
    if masks is None or not _is_told(call, error):
        return error
    told = _told(error)
    return _as_told(call, error, told, masks.masked_sync(call, told))


def _is_told(call: Call, error: BaseException) -> bool:
    return call.around.host is not None and isinstance(error, Exception) and not isinstance(error, SMCPDenied)


def _told(error: BaseException) -> dict[str, Any]:
    """What the SDKs tell of an error: its text, and the data of one of the protocol."""
    return {"message": str(error), "data": getattr(error, "data", None)}


def _as_told(call: Call, error: BaseException, before: dict[str, Any], after: dict[str, Any]) -> BaseException:
    if after is before:
        return error
    return like(error, after["message"], after["data"]) or tool_error(call.around.host, after["message"])
