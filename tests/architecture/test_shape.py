"""The shape that the house style promises: small files named by nouns, small functions, one broad `except`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT, Definition, functions, modules, name, tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
NOT_A_NOUN = {"base", "common", "core", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc"} | {
    "util",
    "utils",
}
MODULES = [*modules(), ROOT / "hatch_build.py"]
FOLDERS = [PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples"]


def _long_functions(node: ast.AST) -> list[str]:
    return [
        f"{function.name} has {length} lines"
        for function in functions(node)
        if (length := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]


def _broad_excepts(node: ast.AST) -> Iterator[int]:
    """Lines of handlers that take every exception and do not pass it on."""
    for handler in ast.walk(node):
        if isinstance(handler, ast.ExceptHandler) and _takes_everything(handler.type) and not _passes_on(handler):
            yield handler.lineno


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it ends by raising what it caught, or by throwing it into the generator that asked."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise):
        return last.exc is None
    parts = list(ast.walk(last))
    thrown = any(isinstance(part, ast.Attribute) and part.attr == "throw" for part in parts)
    return thrown and any(isinstance(part, ast.Name) and part.id == handler.name for part in parts)


def _takes_everything(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or getattr(each, "id", "") in ("Exception", "BaseException") for each in kinds)


def _undocumented(node: ast.Module) -> list[str]:
    if not node.body:
        return []  # an empty `__init__.py` has nothing to say
    missing = [] if ast.get_docstring(node) else ["the module itself"]
    return missing + [
        definition.name
        for definition in node.body
        if isinstance(definition, Definition)
        and not definition.name.startswith("_")
        and not ast.get_docstring(definition)
    ]


def _function(lines: int) -> ast.Module:
    return ast.parse("def grow():\n" + "    x = 1\n" * (lines - 1))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_function_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert _long_functions(tree(path)) == []


def test_the_measure_of_functions_finds_one_line_too_many() -> None:
    assert _long_functions(_function(MAX_FUNCTION_LINES)) == []
    assert _long_functions(_function(MAX_FUNCTION_LINES + 1)) == ["grow has 51 lines"]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_inspection_and_what_runs_foreign_code_catch_every_exception(path: Path) -> None:
    # A detector is the operator's code: whatever it raises is its failure, and the policy says what that means.
    assert list(_broad_excepts(tree(path))) == [] or path in (PACKAGE / "inspection.py", PACKAGE / "detectors.py")


@pytest.mark.parametrize(
    ("handler", "lines"),
    [
        ("except Exception:\n    pass", [3]),
        ("except:\n    pass", [3]),
        ("except (ValueError, BaseException):\n    pass", [3]),
        ("except BaseException:\n    close()\n    raise", []),
        ("except Exception as error:\n    question = run.throw(error)", []),
        ("except Exception as error:\n    step, given = run.throw, error", []),
        ("except Exception as error:\n    run.throw(Other())", [3]),
        ("except ValueError:\n    pass", []),
    ],
)
def test_the_search_for_broad_handlers_tells_them_from_narrow_ones(handler: str, lines: list[int]) -> None:
    assert list(_broad_excepts(ast.parse(f"try:\n    run()\n{handler}"))) == lines


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_file_is_named_by_a_noun_that_a_user_would_say(folder: Path) -> None:
    assert folder.is_dir()
    assert [name(path) for path in modules(folder) if NOT_A_NOUN & {path.stem, *path.relative_to(ROOT).parts}] == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_and_what_it_offers_say_what_they_are_for(path: Path) -> None:
    assert _undocumented(tree(path)) == []


def test_the_search_for_docstrings_finds_what_has_none() -> None:
    assert _undocumented(ast.parse("def shown(): ...\nclass Shown: ...\ndef _hidden(): ...")) == [
        "the module itself",
        "shown",
        "Shown",
    ]
    assert _undocumented(ast.parse("")) == []
    assert _undocumented(ast.parse('"""A module."""\ndef shown():\n    """A function."""')) == []


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
