"""What a tool raises, masked where an SDK would tell it to the client. Code that calls a tool gets what was raised, but
for what the vault has handed out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from traceback import TracebackException
from typing import TYPE_CHECKING, Any, Final

from smcp_security.adapters.sdk.refusals import like, tool_error
from smcp_security.adapters.tools.call import Call
from smcp_security.errors import SMCPDenied

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks

_MOST_BEHIND: Final = 64
_UNTELLABLE: Final = "<exception str() failed>"
"""What Python shows of an error whose text cannot be made: asked for it, it raises another one, which nobody masks."""


async def masked_error(masks: Masks | None, call: Call, error: BaseException) -> BaseException:
    """The error to be raised in place of this one; the very same one where nothing in it is to be masked.

    Raises the refusal of an error that may not be told.
    """
    if masks is None or not _is_judged(error) or not masks.steps(call, error=True):
        return error
    told = _told(error)
    return _as_told(call, error, told, await masks.masked(call, told, error=True))


def masked_error_now(masks: Masks | None, call: Call, error: BaseException) -> BaseException:
    """`masked_error` without an event loop."""
    if masks is None or not _is_judged(error) or not masks.steps(call, error=True):
        return error
    told = _told(error)
    return _as_told(call, error, told, masks.masked_sync(call, told, error=True))


def _is_judged(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, SMCPDenied)


def _told(error: BaseException) -> dict[str, Any]:
    """What the SDKs tell of an error, its text and the data of one of the protocol; and what they log besides."""
    told = {"message": _text(error), "data": getattr(error, "data", None)}
    led = [each if isinstance(each, str) else _text(each) for each in islice(_behind(error), _MOST_BEHIND)]
    return {**told, "led": led} if led else told


def _text(error: object) -> str:
    return str(TracebackException(type(error), error, None)) if isinstance(error, BaseException) else str(error)


def _behind(error: BaseException) -> Iterator[object]:
    """What a traceback shows besides the error: its notes, what it was raised from, what it groups."""
    seen, left = {id(error)}, [error]
    for each in left:
        yield from getattr(each, "__notes__", ())
        for other in (each.__cause__, each.__context__, *getattr(each, "exceptions", ())):
            if isinstance(other, BaseException) and id(other) not in seen:
                seen.add(id(other))
                left.append(other)
                yield other


def _as_told(call: Call, error: BaseException, before: dict[str, Any], after: dict[str, Any]) -> BaseException:
    if after is before and before["message"] != _UNTELLABLE:
        return error
    return like(error, after["message"], after["data"]) or tool_error(call.around.host, after["message"])
