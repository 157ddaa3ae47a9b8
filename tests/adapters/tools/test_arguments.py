"""The arguments of a call as JSON: nothing is skipped, and what has no form in JSON is refused."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

import pydantic.dataclasses
import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, RootModel, SecretStr, field_serializer

from smcp_security.adapters.tools.annotations import read_parameters
from smcp_security.adapters.tools.arguments import Arguments, Unreadable, in_json


class Colour(enum.Enum):
    RED = "red"


class Hiding(BaseModel):
    """A model that shows less than it holds."""

    model_config = ConfigDict(extra="allow")
    plain: str = Field(alias="Plain")
    secret: SecretStr
    left_out: str = Field(exclude=True)
    masked: str

    @field_serializer("masked")
    def _masked(self, value: str) -> str:
        return "***"


class Whole(RootModel[list[str]]):
    """A model that is a list."""


@dataclass
class Point:
    x: int
    where: PurePosixPath


@dataclass
class Renamed:
    kind: ClassVar[str] = "renamed"
    where: Annotated[str, Field(alias="target")]
    plain: str = "p"


@pydantic.dataclasses.dataclass
class Pydantic:
    where: Annotated[str, Field(alias="target")]
    plain: str = "p"


@dataclass
class Gone:
    """What it is given is not what it shows."""

    path: InitVar[str] = ""


class Several(BaseModel):
    """A field of two names."""

    path: str = Field("", validation_alias=AliasChoices("a", "b"))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a", "a"),
        (None, None),
        ([1, (2.5, {"k": True})], [1, [2.5, {"k": True}]]),
        ({1: "a"}, {"1": "a"}),
        ({"b"}, ["b"]),
        (Colour.RED, "red"),
        (Point(1, PurePosixPath("/srv")), {"x": 1, "where": "/srv"}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.5"), "1.5"),
        (b"text", "text"),
        (Whole(["a"]), ["a"]),
        (Renamed("a"), {"target": "a", "plain": "p"}),
        (Pydantic(target="a"), {"target": "a", "plain": "p"}),  # type: ignore[call-arg]
    ],
)
def test_a_value_is_told_as_a_client_would_send_it(value: Any, told: Any) -> None:
    assert in_json(value) == told


def test_a_model_hides_nothing_from_the_judges() -> None:
    hiding = Hiding(Plain="a", secret="b", left_out="c", masked="d", more="e")  # type: ignore[arg-type, call-arg]
    assert in_json(hiding) == {"Plain": "a", "secret": "b", "left_out": "c", "masked": "d", "more": "e"}


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [object(), print, b"\xff", iter("ab"), {1: "a", "1": "b"}, _nested(100), Gone(), Several()]
)
def test_what_json_cannot_tell_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable):
        in_json([value])


def _reader(function: Callable[..., Any]) -> Arguments:
    return Arguments(read_parameters(function))


def _plain(path: str, count: int = 3, *paths: str, mode: str = "all", note: str | None = None, **rest: Any) -> None:
    """A function with parameters of every kind."""


def test_positions_and_names_lead_to_the_same_arguments() -> None:
    read = _reader(_plain).read
    assert read(("a", 5), {"mode": "b"}) == read((), {"path": "a", "count": 5, "mode": "b"})
    assert read(("a", 5, "b", "c"), {"x": 1}) == {"path": "a", "count": 5, "paths": ["b", "c"], "x": 1}


def test_what_is_left_at_its_default_is_no_word_of_the_caller() -> None:
    read = _reader(_plain).read
    assert read((), {"path": "a", "mode": "all", "note": None}) == {"path": "a", "count": 3}
    assert read((), {"path": "a", "mode": "all!"}) == {"path": "a", "count": 3, "mode": "all!"}


def test_a_wrong_call_is_the_error_that_it_always_was() -> None:
    with pytest.raises(TypeError, match="path"):
        _reader(_plain).read((), {"count": 1, "x": 2})


def test_two_arguments_of_one_name_are_refused() -> None:
    def both(path: str, /, **rest: str) -> None:
        """`path` may come twice."""

    read = _reader(both).read
    assert read(("a",), {"other": "b"}) == {"path": "a", "other": "b"}
    with pytest.raises(Unreadable) as caught:
        read(("a",), {"path": "../../etc/passwd"})
    assert caught.value.parameter == "rest"


def test_a_receiver_is_no_argument_and_a_static_method_has_none() -> None:
    class Shelf:
        def find(self, title: str) -> None:
            """A method."""

        @staticmethod
        def count(title: str) -> None:
            """A function."""

    assert _reader(Shelf.find).read((Shelf(), "a"), {}) == {"title": "a"}
    assert _reader(Shelf().find).read(("a",), {}) == {"title": "a"}
    assert _reader(Shelf.count).read(("a",), {}) == {"title": "a"}


def test_a_parameter_called_self_is_judged_where_it_is_no_receiver() -> None:
    def loose(self: str) -> None:
        """No method."""

    assert _reader(loose).read(("a",), {}) == {"self": "a"}


def test_a_static_method_may_call_an_argument_as_it_likes() -> None:
    read = _reader(Shelf.static).read
    assert read(("a",), {}) == read((), {"cls": "a"}) == {"cls": "a"}
    assert read((Shelf,), {}) == {}
    assert _reader(vars(Shelf)["made"].__func__).read((Shelf, "a"), {}) == {"title": "a"}
    assert _reader(Shelf.find).read((Shelf(), "a"), {}) == {"title": "a"}


class Shelf:
    """Methods of every kind."""

    def find(self, title: str) -> None:
        """A method."""

    @classmethod
    def made(cls, title: str) -> None:
        """A method of the class."""

    @staticmethod
    def static(cls) -> None:  # type: ignore[no-untyped-def]
        """No method, whatever its argument is called."""


def _aliased(
    path: Annotated[str, Field(alias="target")] = "/srv", mode: str = Field("all", alias="Mode"), **rest: Any
) -> None:
    """A function whose parameters clients call otherwise."""


def test_arguments_are_called_as_clients_call_them() -> None:
    read = _reader(_aliased).read
    assert read((), {"path": "a", "mode": "b"}) == {"target": "a", "Mode": "b"}
    assert read(("/srv",), {"mode": "all"}) == {}
    with pytest.raises(Unreadable):
        read(("a",), {"target": "b"})


@pytest.mark.parametrize(
    ("judged", "told", "alike"),
    [
        ({"path": "a"}, {"path": "a"}, True),
        ({"path": "a", "mode": "all"}, {"path": "a"}, True),
        ({"path": "a", "count": 3}, {"path": "a", "count": 3}, True),
        ({"path": "a", "mode": "b"}, {"path": "a"}, False),
        ({"path": "a"}, {"path": "a", "mode": "b"}, False),
        ({"path": "a"}, {"path": "b"}, False),
        ({"path": "a", "count": 1}, {"path": "a", "count": True}, False),
        ({}, {"path": "a"}, False),
    ],
)
def test_a_call_is_alike_if_no_argument_is_another(judged: Any, told: Any, alike: bool) -> None:
    arguments = _reader(_plain)
    assert arguments.alike(arguments.read((), told), judged) is alike


def test_what_a_function_does_not_take_makes_no_difference() -> None:
    def bare(path: str) -> None:
        """A function with one parameter."""

    assert _reader(bare).alike({"path": "a"}, {"path": "a", "trace": "x"})
    assert not _reader(bare).alike({"path": "a"}, {"trace": "x"})
