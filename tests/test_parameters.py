"""The makers of contracts for annotations: every kind, every setting, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import TypeAdapter

from smcp_security import parameters
from smcp_security.errors import PolicyError
from smcp_security.parameters import Meant, PathIn, meant
from smcp_security.policy.contracts import KINDS, PathContract

MADE: dict[str, Callable[[], Meant]] = {
    "path": lambda: parameters.PathIn("/srv/data", "/tmp", suffixes=[".md"]),
    "url": lambda: parameters.UrlTo("*.example.com", resolve=False),
    "sql": lambda: parameters.Sql("postgres", max_rows=10),
    "command": lambda: parameters.Command("git", "ls"),
    "argv_token": lambda: parameters.ArgvToken("--all"),
    "identifier": lambda: parameters.Identifier(max_length=8),
    "email": lambda: parameters.Email("example.com"),
    "hostname": lambda: parameters.Hostname("*.example.com", resolve=False),
    "cidr": lambda: parameters.Cidr("10.0.0.0/8"),
    "uuid": lambda: parameters.Uuid(4, 7),
    "date": lambda: parameters.Date("date-time", earliest="2026-01-01T00:00:00Z"),
    "enum": lambda: parameters.OneOf("a", "b"),
    "regex": lambda: parameters.Matching("[a-z]+"),
    "json": lambda: parameters.Json(max_depth=2),
    "html": lambda: parameters.Html("b", "i"),
    "template": lambda: parameters.Template("name"),
    "text": lambda: parameters.Text(max_length=80),
    "code": lambda: parameters.Code(max_length=100),
}


def test_every_kind_of_contract_has_a_maker() -> None:
    assert MADE.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", MADE)
def test_a_maker_makes_the_contract_of_its_kind(kind: str) -> None:
    contract = MADE[kind]().contract
    assert type(contract) is KINDS[kind]
    assert contract.kind == kind


def test_what_stands_before_the_keywords_is_told_once() -> None:
    assert PathIn("/srv", resolve="local").contract == PathContract(roots=("/srv",), resolve="local")
    with pytest.raises(PolicyError, match="PathIn: roots: given twice"):
        PathIn("/srv", roots=["/tmp"])


def test_programs_of_a_command_may_say_their_arguments() -> None:
    told = parameters.Command(programs={"git": ["status"], "ls": None}).contract
    assert told.model_dump()["programs"] == {"git": ("status",), "ls": None}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PathIn("/srv", sufixes=[".md"]), "PathIn: .*did you mean suffixes"),
        (lambda: PathIn("srv"), "PathIn: roots"),
        (lambda: PathIn(), "PathIn: roots"),
        (lambda: parameters.Matching("("), "Matching: pattern"),
        (lambda: meant({"kind": "pth"}, "here"), "here: kind"),
        (lambda: meant("path", "here"), "here: expected a contract"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(make: Callable[[], object], message: str) -> None:
    with pytest.raises(PolicyError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_contract_may_be_written_as_in_a_policy() -> None:
    written = meant({"kind": "path", "roots": ["/srv"]}, "here")
    assert written == meant(PathContract(roots=("/srv",)), "here") == PathIn("/srv")


def test_an_annotation_changes_nothing_of_what_pydantic_makes_of_the_type() -> None:
    bare, annotated = TypeAdapter(str), TypeAdapter(Annotated[str, PathIn("/srv")])
    assert annotated.json_schema() == bare.json_schema()
    assert annotated.validate_python("a") == "a"
