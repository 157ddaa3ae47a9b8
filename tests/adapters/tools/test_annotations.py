"""Contracts in annotations: found wherever a value may stand, and refused where none could be held against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypedDict

import pytest
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from smcp_security.adapters.tools.annotations import read_parameters
from smcp_security.parameters import OneOf, PathIn

if TYPE_CHECKING:
    from decimal import Decimal

Safe = Annotated[str, PathIn("/srv")]


class Order(BaseModel):
    """A model with a contract, under the name that clients use."""

    path: Safe = Field(alias="Path")
    parts: list[Part] = []


@dataclass
class Part:
    where: Safe | None


class Options(TypedDict, total=False):
    mode: Annotated[str, OneOf("a", "b")]


class Tree(BaseModel):
    """A model that holds itself, without a contract."""

    below: list[Tree] = []


class Dangerous(BaseModel):
    """A model that holds itself, with one."""

    path: Safe
    below: list[Dangerous] = []


class Pair(NamedTuple):
    path: Safe


@dataclass
class Gone:
    path: InitVar[str]


class Aliased(TypedDict):
    path: Annotated[str, Field(alias="target")]


def _places(function: Callable[..., Any]) -> list[str]:
    return sorted(read_parameters(function).contracts)


def test_a_contract_is_found_wherever_a_value_may_stand() -> None:
    def tool(
        plain: Safe, several: list[Safe], maybe: Safe | None, by_name: Mapping[str, Safe], order: Order,
        options: Options, tree: Tree, /, *more: Safe,
    ) -> Safe: ...  # fmt: skip

    assert _places(tool) == [
        "/by_name/*", "/maybe", "/more", "/options/mode", "/order/Path", "/order/parts/where", "/plain", "/several",
    ]  # fmt: skip


def test_a_name_with_a_slash_is_escaped_in_its_place() -> None:
    class Odd(BaseModel):
        path: Safe = Field(alias="a/b~c")

    def tool(odd: Any) -> None: ...

    tool.__annotations__["odd"] = Odd
    assert _places(tool) == ["/odd/a~1b~0c"]


def _recursive(tree: Dangerous) -> None: ...


def _keys(paths: dict[Safe, str]) -> None: ...


def _pair(pair: Pair) -> None: ...


def _variable(**paths: Safe) -> None: ...


def _unreadable(amount: Decimal) -> None: ...


_ALSO: Any = Field("", alias="also")


def test_a_contract_is_on_the_name_that_clients_use() -> None:
    def tool(path: Annotated[Safe, Field(alias="target")], more: Safe = _ALSO) -> None: ...

    assert _places(tool) == ["/also", "/target"]
    assert read_parameters(tool).names == ("target", "also")


def _choices(path: Annotated[str, Field(validation_alias=AliasChoices("a", "b"))]) -> None: ...


def _path(path: str = Field("", validation_alias=AliasPath("a", "b"))) -> None: ...


def _gone(order: list[Gone]) -> None: ...


def _lost(order: Aliased) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_recursive, "holds itself"),
        (_keys, "keys of a mapping"),
        (_pair, "named tuple"),
        (_variable, "name the parameters"),
        (_choices, "AliasChoices is not understood"),
        (_path, "AliasPath is not understood"),
        (_gone, "Gone.path: an InitVar"),
        (_lost, "Aliased.path: an alias"),
        (_unreadable, "NameError.*top of the module"),
    ],
)
def test_a_contract_that_could_not_be_kept_stops_the_start(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(TypeError, match=message) as caught:
        read_parameters(function)
    assert function.__name__ in str(caught.value)
    assert "\n" not in str(caught.value)


def _resolved() -> str:
    return "x"


def test_what_the_host_fills_in_is_no_callers() -> None:
    def tool(text: str, ctx: Context, maybe: Context | None, who: Annotated[str, Resolve(_resolved)]) -> None: ...

    parameters = read_parameters(tool)
    assert parameters.names == ("text",)
    assert parameters.contexts == ("ctx", "maybe")


def test_a_class_that_is_only_called_context_is_an_argument() -> None:
    def tool(ctx: Part) -> None: ...

    class Context:
        """No SDK's."""

    tool.__annotations__["ctx"] = Context
    assert read_parameters(tool).names == ("ctx",)
