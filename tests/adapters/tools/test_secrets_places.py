"""Wherever a parameter stands that the vault fills, all others get what the caller gave, and it gets the secret."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.adapters.tools.annotations import read_parameters
from smcp_security.adapters.tools.secrets import hide
from smcp_security.checks.custody import Given
from tests.adapters.tools.vaulted import TOKEN, opened

P = inspect.Parameter
_FIRST = st.lists(st.tuples(st.sampled_from([P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD]), st.booleans()), max_size=4)
_NAMED = st.lists(st.booleans(), max_size=3)


def _parameters(first: Any, named: Any, more: bool, rest: bool) -> list[inspect.Parameter]:
    """A list that Python takes: places before names, and no default before what has none."""
    first = sorted(first, key=lambda each: int(each[0]))
    seen, found = False, []
    for index, (kind, defaulted) in enumerate(first):
        seen = seen or defaulted
        found.append(P(f"p{index}", kind, default=f"default p{index}" if seen else P.empty))
    found += [P("more", P.VAR_POSITIONAL)] if more else []
    for index, defaulted in enumerate(named):
        found.append(P(f"k{index}", P.KEYWORD_ONLY, default=f"default k{index}" if defaulted else P.empty))
    return found + ([P("rest", P.VAR_KEYWORD)] if rest else [])


def _function(signature: inspect.Signature) -> Callable[..., dict[str, Any]]:
    space: dict[str, Any] = {}
    exec(f"def tool{signature}:\n    return dict(locals())", space)
    return space["tool"]  # type: ignore[no-any-return]


@settings(max_examples=150)
@given(_FIRST, _NAMED, st.booleans(), st.booleans(), st.data())
def test_a_call_reaches_the_function_as_it_was_made(
    first: Any, named: Any, more: bool, rest: bool, data: st.DataObject
) -> None:
    parameters = _parameters(first, named, more, rest)
    places = [each.name for each in parameters if each.kind in (P.POSITIONAL_OR_KEYWORD, P.KEYWORD_ONLY)]
    if not places:
        return
    secret = data.draw(st.sampled_from(places))
    function = _function(inspect.Signature(parameters))
    public, secrets = hide(function, "here", read_parameters(function), {secret: "token"})
    args, kwargs = _drawn([each for each in parameters if each.name != secret], data)
    bound = public.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    made = secrets.call(function, args, kwargs, [Given(secret, opened("token"))])()
    assert made == {**bound.arguments, secret: TOKEN}
    assert secret not in public.names


def _drawn(known: list[inspect.Parameter], data: st.DataObject) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call that the public signature takes."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    by_place = True
    for each in known:
        if each.kind is P.VAR_POSITIONAL:
            args += ["more"] * data.draw(st.integers(0, 2)) if by_place else []
        elif each.kind is P.VAR_KEYWORD:
            kwargs.update(dict.fromkeys(data.draw(st.sets(st.sampled_from(["x", "y"]))), "rest"))
        elif each.default is not P.empty and data.draw(st.booleans()):
            by_place = False
        elif each.kind is P.POSITIONAL_ONLY or (
            each.kind is P.POSITIONAL_OR_KEYWORD and by_place and data.draw(st.booleans())
        ):
            if by_place:
                args.append(f"given {each.name}")
        else:
            by_place = False
            kwargs[each.name] = f"given {each.name}"
    return tuple(args), kwargs
