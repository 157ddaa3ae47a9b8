"""The parameters of a function that the vault fills: no caller sees them, and none may give them.

What was opened stands in no variable of this package while the function runs, so that no traceback shows it there.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import SecretBytes, SecretStr

from smcp_security.adapters.tools.annotations import Parameters, hints_of
from smcp_security.checks.custody import Given
from smcp_security.errors import PolicyError
from smcp_security.policy.vault import is_name

_HANDLE: Final = "vault://"
_TEXTS: Final[Mapping[object, Callable[[str], object]]] = {str: str, SecretStr: SecretStr}
_OCTETS: Final[Mapping[object, Callable[[bytes], object]]] = {bytes: bytes, SecretBytes: SecretBytes}
_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one function is given. `names` has the secrets by parameter, `kinds` what the parameter wants to get.

    `whole` is the signature of `function`, and `public` the same without these parameters.
    """

    function: str
    names: Mapping[str, str]
    kinds: Mapping[str, object]
    whole: inspect.Signature
    public: inspect.Signature

    @property
    def texts(self) -> frozenset[str]:
        """The parameters that get a text, and so need UTF-8."""
        return frozenset(name for name, kind in self.kinds.items() if kind in _TEXTS)

    def check(self, kwargs: Mapping[str, Any]) -> None:
        """Raise `TypeError` where a caller gives what the vault gives: there is no such parameter for it."""
        for name in self.names:
            if name in kwargs:
                raise TypeError(f"{self.function}() got an unexpected keyword argument {name!r}")

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Sequence[Given]
    ) -> Callable[[], Any]:
        """The function with all of its arguments, to be called at once."""
        # What may fail comes first: the frame of an error would show what was made.
        bound = self.public.bind(*args, **kwargs).arguments if args else kwargs
        if len(given) < len(self.names):
            raise RuntimeError("a function that needs secrets was called without them")
        made = {each.parameter: _made(each.secret.value, self.kinds[each.parameter]) for each in given}
        if not args:
            return partial(function, **bound, **made)
        whole = inspect.BoundArguments(self.whole, {**bound, **made})
        return partial(function, *whole.args, **whole.kwargs)


def _made(value: bytes, kind: object) -> object:
    return _OCTETS[kind](value) if kind in _OCTETS else _TEXTS[kind](value.decode())


def hide(
    function: Callable[..., Any], where: str, parameters: Parameters, stated: object
) -> tuple[Parameters, Secrets]:
    """(the parameters that are left to callers, those that the vault fills).

    Raises `PolicyError` for what names no secret, `TypeError` for a parameter that cannot be given one.
    """
    names = dict(_named(where, stated))
    whole = parameters.signature
    hints = hints_of(function, whole)
    for name in names:
        _check(where, name, parameters)
    kinds = {name: _kind(where, name, hints.get(name, str)) for name in names}
    shown = [_resolved(each, hints) for name, each in whole.parameters.items() if name not in names]
    public = whole.replace(parameters=shown, return_annotation=_returned(function, whole))
    wire = {name: told for name, told in parameters.wire.items() if name not in names}
    secrets = Secrets(function.__name__, names, kinds, whole, public)
    return replace(parameters, signature=public, wire=wire), secrets


def _named(where: str, stated: object) -> Mapping[str, str]:
    if not isinstance(stated, Mapping):
        raise PolicyError(f"{where}: secrets: expected names of secrets by parameter, such as {{'token': 'github'}}")
    found = {}
    for parameter, given in stated.items():
        name = given.removeprefix(_HANDLE) if isinstance(given, str) else given
        if not isinstance(parameter, str) or not is_name(name):
            raise PolicyError(
                f"{where}: secrets: expected the name of a secret for the parameter"
                f"{f' {parameter!r}' if isinstance(parameter, str) else ''}: letters, digits and _ . -, at most 128"
            )
        found[parameter] = name
    return found


def _check(where: str, name: str, parameters: Parameters) -> None:
    known = parameters.signature.parameters
    if name not in known or known[name].kind in _VARIABLE:
        told = ", ".join(parameters.names) or "none"
        raise TypeError(f"{where}: secrets: no parameter {name!r} that a secret could be given to; there are: {told}")
    if name in parameters.injected:
        raise TypeError(f"{where}: secrets: the parameter {name!r} is filled in by the server; take another one")
    if known[name].kind is inspect.Parameter.POSITIONAL_ONLY:
        raise TypeError(f"{where}: secrets: {name!r} can be given by place alone; put it behind the /")
    place = parameters.wire.get(name, name)
    if any(pointer.split("/")[1] == place for pointer in parameters.contracts):
        raise TypeError(f"{where}: secrets: {name!r} has a contract, and no caller gives it; keep one of them")


def _kind(where: str, name: str, hint: Any) -> object:
    """What a parameter wants, by its annotation; without one it is a text."""
    wanted = [each for each in _parts(hint) if each is not type(None)]
    if len(wanted) == 1 and wanted[0] in (Any, object):
        return str
    if len(wanted) == 1 and (wanted[0] in _TEXTS or wanted[0] in _OCTETS):
        return wanted[0]
    raise TypeError(f"{where}: secrets: {name!r}: expected the annotation str, bytes, SecretStr or SecretBytes")


def _parts(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [part for each in get_args(hint) for part in _parts(each)]
    if get_origin(hint) is Annotated:
        return _parts(get_args(hint)[0])
    named = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    return [hint] if named is None else _parts(named)


def _resolved(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> inspect.Parameter:
    """A text is what the SDKs would make of it: of a signature that was set they resolve nothing."""
    if isinstance(parameter.annotation, str) and parameter.name in hints:
        return parameter.replace(annotation=hints[parameter.name])
    return parameter


def _returned(function: Callable[..., Any], signature: inspect.Signature) -> Any:
    if not isinstance(signature.return_annotation, str):
        return signature.return_annotation
    try:
        return inspect.signature(function, eval_str=True).return_annotation
    except (NameError, AttributeError, TypeError, ValueError, SyntaxError):
        # Whoever reads it takes it as it is, as that of any other function.
        return signature.return_annotation
