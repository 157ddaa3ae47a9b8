"""The tools of the table as functions with real parameters, each of which says that it ran, and with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Final

from tests.acceptance.rows import ROWS

_LEFT_OUT: Final = None
Ran = Callable[[str, dict[str, Any]], str]


def signatures() -> dict[str, tuple[str, ...]]:
    """The tools that the table calls, with the names of all their arguments."""
    found: dict[str, dict[str, None]] = {}
    for sent in (sent for row in ROWS for sent in row.sent):
        if not isinstance(sent.message, bytes) and sent.message["method"] == "tools/call":
            params = sent.message["params"]
            found.setdefault(params["name"], {}).update(dict.fromkeys(params["arguments"]))
    return {tool: tuple(names) for tool, names in found.items()}


def made(tool: str, names: Sequence[str], ran: Ran, *, asynchronous: bool = False) -> Callable[..., Any]:
    """A function with these parameters, all of them optional, that calls `ran` with what it was given."""
    places = [f"a{number}" for number in range(len(names))]
    given = "".join(f"{place}: Any = None, " for place in places)
    source = f"{'async ' * asynchronous}def made({given}) -> str: return ran(({''.join(f'{p},' for p in places)}))"

    def note(values: tuple[Any, ...]) -> str:
        pairs = zip(names, values, strict=True)
        return ran(tool, {name: value for name, value in pairs if value is not _LEFT_OUT})

    scope: dict[str, Any] = {"Any": Any, "ran": note}
    exec(compile(source, tool, "exec"), scope)
    function: FunctionType = scope["made"]
    # Source text would fold names as Python does, and some arguments of the table are spelt so that this shows.
    function.__code__ = function.__code__.replace(co_varnames=tuple(names))
    function.__annotations__ = {**dict.fromkeys(names, Any), "return": str}
    function.__name__ = function.__qualname__ = tool.replace(".", "_")
    function.__doc__ = "A tool of the table."
    return function
