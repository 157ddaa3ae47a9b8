"""A test's name is a sentence about behaviour: whoever reads a failure knows what no longer holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, functions, modules, name, tree

FEWEST_WORDS = 4
FILES = [path for path in modules(ROOT / "tests") if path.stem.startswith("test_")]


def _terse(node: ast.AST) -> list[str]:
    return [
        function.name
        for function in functions(node)
        if function.name.startswith("test_") and len(function.name.removeprefix("test_").split("_")) < FEWEST_WORDS
    ]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_test_is_named_by_a_sentence(path: Path) -> None:
    assert _terse(tree(path)) == []


def test_the_search_for_terse_names_finds_them() -> None:
    assert _terse(ast.parse("def test_load(): ...\nasync def test_parse_ok(): ...")) == ["test_load", "test_parse_ok"]
    assert _terse(ast.parse("def test_a_missing_file_is_refused(): ...")) == []
