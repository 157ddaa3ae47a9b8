"""The object that the operator names, imported as a server would; what to say of an error of code that is not ours."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from smcp_security.errors import SMCPError

_OWN: Final = str(Path(__file__).resolve().parents[1])
_CANDIDATES: Final = ("app", "application", "asgi", "wsgi", "mcp", "server")
EXPECTED: Final = "expected MODULE:APP or MODULE:FACTORY(), such as mypackage.main:app"


class Unloadable(Exception):
    """What keeps an application from being examined, as one line."""


@dataclass(frozen=True, slots=True)
class Target:
    """`module:name`, or `module:name()` for a function that makes the application."""

    module: str
    name: str
    factory: bool


def parse_target(text: str) -> Target:
    """Read a target. Raises `Unloadable`."""
    module, colon, name = text.partition(":")
    factory = name.endswith("()")
    name = name.removesuffix("()")
    if "/" in module or module.endswith(".py"):
        raise Unloadable(f"that names a file; {EXPECTED}, run from where it can be imported")
    if not all(part.isidentifier() for part in module.split(".")):
        raise Unloadable(f"that names no module; {EXPECTED}")
    if colon and not all(part.isidentifier() for part in name.split(".")):
        raise Unloadable(f"that names nothing in a module; {EXPECTED}")
    return Target(module, name, factory)


def load(target: Target) -> tuple[Any, ModuleType]:
    """The object, and the module it is in. Raises `Unloadable`, and whatever the module raises."""
    module = import_module(target.module)
    if not target.name:
        raise Unloadable(f"which object of the module? {_offered(module)}")
    found: Any = module
    for part in target.name.split("."):
        if not hasattr(found, part):
            raise Unloadable(f"there is no {part!r}; {_offered(module)}")
        found = getattr(found, part)
    return (found() if target.factory else found), module


def _offered(module: ModuleType) -> str:
    known = [f"{module.__name__}:{name}" for name in _CANDIDATES if hasattr(module, name)]
    return f"did you mean {' or '.join(known)}?" if known else EXPECTED


def told(error: BaseException) -> str:
    """An error of the application: its type and place. Its text may hold anything, and is left out."""
    missing = f" {error.name}" if isinstance(error, ModuleNotFoundError) and error.name else ""
    places = list(_places(error.__traceback__))
    if isinstance(error, SyntaxError) and error.filename:
        # It is where the parser was; the traceback ends where that was asked for.
        places.append((error.filename, error.lineno or 0))
    place = place_of(places)
    return f"{type(error).__name__}{missing}{f' at {place}' if place else ''}"


def own_error(error: BaseException | None) -> SMCPError | None:
    """An error of ours among the causes: its text says what to do, and holds no secret."""
    return next((each for each in causes(error) if isinstance(each, SMCPError)), None)


def causes(error: BaseException | None) -> list[BaseException]:
    """An error, those of its group and those that it came from, each once."""
    found = [] if error is None else [error]
    for each in found:
        inner = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        behind = (*inner, each.__cause__ or each.__context__)
        found += [one for one in behind if one is not None and all(one is not known for known in found)]
    return found


def place_of(places: Sequence[tuple[str, int]]) -> str:
    """Of files and lines, outermost first, the last one of the operator's own code; empty if there is none."""
    own = [place for place in places if not _is_installed(place[0])]
    if not own:
        return ""
    file, line = own[-1]
    return f"{os.path.relpath(file) if os.path.isabs(file) else file}:{line}"


def _places(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _is_installed(file: str) -> bool:
    paths = sysconfig.get_paths()
    homes = (_OWN, paths["stdlib"], paths["purelib"], paths["platlib"], sys.prefix + os.sep + "lib")
    return file.startswith("<") or os.path.realpath(file).startswith(tuple(map(os.path.realpath, homes)))
