"""The source tree as the architecture tests see it: its modules, their syntax trees, and the files of the project."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import smcp_security

ROOT = Path(__file__).resolve().parents[2]
# Where it is imported from: the tests also run against an installed wheel.
PACKAGE = Path(smcp_security.__file__).resolve().parent
# What a build, a tool or an editor leaves behind, where there is no git to ask.
_LEFTOVERS = {"dist", "build", "__pycache__", "node_modules"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Every Python file below a folder, in a stable order."""
    return sorted(folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(node: ast.AST) -> Iterator[Function]:
    """Every function below a node, nested ones and methods included."""
    for child in ast.walk(node):
        if isinstance(child, Function):
            yield child


def name(path: Path) -> str:
    """The path as a reader of a failure wants it: from the root of the project."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def project_files() -> list[Path]:
    """The files that belong to the project: what git tracks or would track; without git, all but leftovers."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if (ROOT / ".git").exists() and listing.returncode == 0:
        found = [ROOT / entry for entry in listing.stdout.decode().split("\0") if entry]
    else:
        found = [path for path in ROOT.rglob("*") if not _left_over(path.relative_to(ROOT))]
    return sorted(path for path in found if path.is_file())


def _left_over(relative: Path) -> bool:
    hidden = any(part.startswith(".") and part not in (".ci", ".gitignore") for part in relative.parts)
    return hidden or not _LEFTOVERS.isdisjoint(relative.parts)
