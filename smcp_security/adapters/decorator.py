"""`@secure_tool`: the policy, and what the tool itself demands, before a function runs; `security_context` for calls
outside of any server.

Stands directly on the function, below `@mcp.tool()`. Results pass as they are, but for what `redact` masks.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from smcp_security.adapters.sdk.registered import check_new, remember
from smcp_security.adapters.tools.annotations import Parameters, read_parameters
from smcp_security.adapters.tools.guard import Guard
from smcp_security.adapters.tools.surroundings import enter, leave, said
from smcp_security.adapters.tools.wrapping import references_of, wrap
from smcp_security.checks.demands import Demands
from smcp_security.contexts import RequestContext
from smcp_security.errors import PolicyError
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.parameters import meant
from smcp_security.policy.pointers import parse_place
from smcp_security.policy.units import Rate, parse_rate

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks
    from smcp_security.adapters.tools.secrets import Secrets

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
GUARD: Final = "__smcp_guard__"
"""Where a guarded function has its `Guard`."""


@overload
def secure_tool(function: F, /) -> F:
    """Guard a function by the policy alone."""


@overload
def secure_tool(
    *,
    secrets: Mapping[str, str],
    roles: Iterable[str] | None = None,
    scopes: Iterable[str] | None = None,
    rate: str | Rate | None = None,
    contracts: Mapping[str, object] | None = None,
    redact: Iterable[str] | None = None,
    name: str | None = None,
    framework: SMCPSecurityFramework | None = None,
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """A decorator that also takes parameters away from callers, which the vault fills."""


@overload
def secure_tool(
    *,
    roles: Iterable[str] | None = None,
    scopes: Iterable[str] | None = None,
    rate: str | Rate | None = None,
    contracts: Mapping[str, object] | None = None,
    redact: Iterable[str] | None = None,
    secrets: None = None,
    name: str | None = None,
    framework: SMCPSecurityFramework | None = None,
) -> Callable[[F], F]:
    """A decorator that guards a function by the policy, and by what it demands itself."""


def secure_tool(
    function: Any = None,
    /,
    *,
    roles: Iterable[str] | None = None,
    scopes: Iterable[str] | None = None,
    rate: str | Rate | None = None,
    contracts: Mapping[str, object] | None = None,
    redact: Iterable[str] | None = None,
    secrets: Mapping[str, str] | None = None,
    name: str | None = None,
    framework: SMCPSecurityFramework | None = None,
) -> Any:
    """Guard a function, coroutine, generator or method; `@secure_tool` and `@secure_tool(...)` both do.

    `roles`: the caller needs one of them; an empty list lets nobody in. `scopes`: the caller needs all of them. `rate`:
    calls per caller, such as `10/minute`. `contracts`: by parameter or JSON pointer, besides those in annotations.
    `redact`: kinds of text that are masked in what it returns, as in the policy's `results.redact`, besides those.
    `secrets`: names of secrets of the vault by parameter, such as `{"token": "github"}`; no caller sees the parameter.
    `name` is what the policy calls the tool; by default the name it is registered as, or the function's own.
    `framework` judges; left out, the one of the edge outside, or one of the process with the policy of `SMCP_POLICY`.

    Raises `TypeError` for what is no function, `PolicyError` for demands that cannot be met, and `Misplaced` above
    `@mcp.tool()`, where it would guard nothing.
    """

    def decorate(target: Any, caller: FrameType | None = None) -> Any:
        references = sys.getrefcount(target)
        alone = references <= (_ALONE_BARE if caller is not None else _ALONE)
        caller = caller if caller is not None else sys._getframe(1)
        if isinstance(target, classmethod | staticmethod):
            return type(target)(guard(target.__func__, caller, False))
        return guard(target, caller, alone)

    def guard(target: Any, caller: FrameType, alone: bool) -> Any:
        _check_function(target)
        check_new(target, caller, alone=alone)
        parameters = read_parameters(target)
        tool = target.__name__ if name is None else name
        parameters, given = _secrets(tool, target, parameters, secrets)
        demands = _demands(tool, parameters, roles, scopes, rate, contracts, given)
        masks = _masks(tool, redact, target, given is not None)
        named = name is not None
        made = Guard(demands, parameters, framework, named=named, masks=masks, secrets=given)
        return _guarded(target, made, parameters)

    return decorate if function is None else decorate(function, sys._getframe(1))


def _guarded(target: Any, guard: Guard, parameters: Parameters) -> Any:
    guarded = wrap(target, guard, asks_context=bool(parameters.contexts))
    setattr(guarded, GUARD, guard)
    remember(target, guard.faces, references_of(target))
    return guarded


def _counted(function: Any = None, /) -> Any:
    """The shape of `secure_tool`, to see how many references there are to a function that nobody else knows."""

    def decorate(target: Any, caller: FrameType | None = None) -> int:
        return sys.getrefcount(target)

    return decorate if function is None else decorate(function, sys._getframe(1))


_ALONE_BARE: Final[int] = _counted(lambda: None)
_ALONE: Final[int] = _counted()(lambda: None)


def _check_function(target: Any) -> None:
    if not (inspect.isfunction(target) or inspect.ismethod(target)):
        found = type(target).__name__
        if hasattr(target, "fn"):
            raise TypeError(
                f"secure_tool: expected a function, got a {found} that holds one; put @secure_tool below @mcp.tool, "
                "directly on the function"
            )
        raise TypeError(f"secure_tool: expected a function or method, got a {found}; wrap it in a function")
    if hasattr(target, GUARD):
        raise TypeError(f"secure_tool: {target.__qualname__}() is guarded already; say all in one @secure_tool(...)")


def _demands(
    tool: str,
    parameters: Parameters,
    roles: Iterable[str] | None,
    scopes: Iterable[str] | None,
    rate: str | Rate | None,
    contracts: Mapping[str, object] | None,
    secrets: Secrets | None,
) -> Demands:
    if type(tool) is not str or not tool:
        raise TypeError("secure_tool: name: expected the name that the policy has for the tool")
    where = f"secure_tool({tool})"
    filled: Mapping[str, str] = {} if secrets is None else secrets.names
    stated = {} if contracts is None else dict(_stated(where, parameters, contracts, filled))
    both = stated.keys() & parameters.contracts.keys()
    if both:
        raise PolicyError(f"{where}: contracts: {min(both)} has a contract in its annotation already; keep one of them")
    return Demands(
        tool,
        None if roles is None else _words(where, "roles", roles),
        None if scopes is None else _words(where, "scopes", scopes),
        None if rate is None else _rate(where, rate),
        {**parameters.contracts, **stated},
        filled,
        frozenset() if secrets is None else secrets.texts,
    )


def _secrets(
    tool: str, target: Any, parameters: Parameters, stated: Mapping[str, str] | None
) -> tuple[Parameters, Secrets | None]:
    if stated is None or stated == {}:
        return parameters, None
    # Late, as the masks.
    from smcp_security.adapters.tools.secrets import hide

    return hide(target, f"secure_tool({tool})", parameters, stated)


def _masks(tool: str, redact: Iterable[str] | None, target: Any, given: bool) -> Masks | None:
    if redact is None:
        return None
    # Late: the rules of redaction are read by those alone that ask for them.
    from smcp_security.adapters.tools.masking import Masks, kinds_of
    from smcp_security.adapters.tools.promised import Promise

    kinds = kinds_of(f"secure_tool({tool})", redact)
    return Masks(tool, kinds, Promise(target), given=given) if kinds else None


def _words(where: str, key: str, given: Iterable[object]) -> tuple[str, ...]:
    """A text is a list of letters to Python, and nobody means that."""
    words = [given] if isinstance(given, str) else list(given)
    texts = tuple(word for word in words if isinstance(word, str) and word)
    if len(texts) < len(words):
        raise PolicyError(f"{where}: {key}: expected texts, such as {key}=['{key[:-1]}']")
    return texts


def _rate(where: str, given: str | Rate) -> Rate:
    try:
        return parse_rate(given)
    except ValueError as error:
        raise PolicyError(f"{where}: rate: {error}") from None


def _stated(
    where: str, parameters: Parameters, contracts: Mapping[str, object], filled: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    known = parameters.names
    for key, contract in contracts.items():
        try:
            place = parse_place(key)
        except ValueError as error:
            raise PolicyError(f"{where}: contracts: {error}") from None
        name = place.split("/")[1].replace("~1", "/").replace("~0", "~")
        if name in filled or (name not in known and not parameters.takes_any):
            told = ", ".join(known) or "none"
            raise PolicyError(f"{where}: contracts: no parameter {name!r} that a caller may give; there are: {told}")
        yield place, meant(contract, f"{where}: contracts: {name}").contract


# Blocks that are open, by task and thread: several may have entered one object.
_ENTERED: Final[ContextVar[tuple[Any, ...]]] = ContextVar("smcp_entered", default=())


class security_context:
    """Who calls the tools that are called inside of it, where no server knows: `with security_context(token=...):`.

    Takes the fields of `RequestContext`, works for `with` and `async with`, and says nothing to calls that a server
    makes for requests of its own. `framework` judges them; left out, each tool's own or the process's.
    """

    def __init__(self, framework: SMCPSecurityFramework | None = None, **facts: Any) -> None:
        self._framework = framework
        self._facts = RequestContext(**facts)

    def __enter__(self) -> security_context:
        _ENTERED.set((*_ENTERED.get(), (self, enter(said(self._framework, self._facts)))))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered = _ENTERED.get()
        # A generator may have one open around the code that it hands items to.
        own = [place for place, (owner, _) in enumerate(entered) if owner is self]
        if not own:
            raise RuntimeError("security_context: left in another task or thread than the one that entered it")
        _ENTERED.set(entered[: own[-1]] + entered[own[-1] + 1 :])
        leave(entered[own[-1]][1])

    async def __aenter__(self) -> security_context:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)
