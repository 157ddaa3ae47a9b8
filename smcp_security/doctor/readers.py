"""Which middleware reads the body of a request by itself, told from its source. Pure."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Final

# Starlette keeps what `body()` and `json()` have read and gives it on; of a stream nothing is left.
_DRAINS: Final = frozenset({"stream"})
_ENTRIES: Final = ("__call__", "dispatch", "process_request", "process_view")
_FRAMEWORKS: Final = ("starlette.", "fastapi.", "django.", "mcp.", "fastmcp.", "smcp_security.", "werkzeug.", "flask.")


def reads_body(thing: Any) -> bool:
    """Whether the code that each request passes takes what belongs to the server behind it.

    Code of the known frameworks gives back what it reads; code without source is not judged.
    """
    kind = thing if isinstance(thing, type) or inspect.isfunction(thing) else type(thing)
    if (kind.__module__ or "").startswith(_FRAMEWORKS) and not hasattr(thing, "dispatch_func"):
        return False
    return any(_drains(code) for code in _code(thing, kind))


def _code(thing: Any, kind: Any) -> Iterator[Callable[..., Any]]:
    if inspect.isfunction(thing):
        yield thing
        return
    given = getattr(thing, "dispatch_func", None)
    if given is not None:
        yield given
    for name in _ENTRIES:
        method = inspect.getattr_static(kind, name, None)
        if inspect.isfunction(method) and not (method.__module__ or "").startswith(_FRAMEWORKS):
            yield method


def _drains(code: Callable[..., Any]) -> bool:
    try:
        source = textwrap.dedent(inspect.getsource(code))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return False
    return any(_takes(call) for call in _own_calls(tree.body[0]))


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Calls of the function itself: one inside of it, such as a `receive` that passes on, reads for the server.

    Where it only makes a middleware, as Django's functions do, that one is meant.
    """
    if isinstance(function, ast.FunctionDef) and [each.arg for each in function.args.args] == ["get_response"]:
        for made in function.body:
            if isinstance(made, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from _own_calls(made)
    for node in ast.iter_child_nodes(function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _own_calls(node)


def _takes(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="receive"):
            return True
        case ast.Attribute(value=ast.Name(id="request"), attr=name):
            return name in _DRAINS or name in ("read", "readline", "readlines")
        case ast.Attribute(value=ast.Subscript(slice=ast.Constant(value="wsgi.input"))):
            return True
        case _:
            return False
