"""Files, folders and stdin -> documents. Owns what is read and how much of it; knows no rule."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from smcp_security.errors import PolicyError
from smcp_security.lint.document import Document, Fault, Known
from smcp_security.lint.finding import Unreadable
from smcp_security.lint.json_document import line_starts, looks_like_json, read_json
from smcp_security.lint.recognition import kind_of, kind_of_broken, may_be_ours, may_be_policy, tools_of
from smcp_security.policy.places import shown_key

FILE_MAX: Final = 16 * 1024 * 1024
"""Bytes. As large as a lock file may be."""

POLICY_MAX: Final = 1024 * 1024
"""Bytes that the loader takes of a policy. More of YAML is never parsed here either."""

STDIN: Final = "-"
_PEEK: Final = 64 * 1024
_ENDINGS: Final = (".yaml", ".yml", ".json", ".jsonc", ".lock")
# Folders whose names begin with a dot hold caches and histories, but for those of editors that speak MCP.
_EDITORS: Final = frozenset({".cursor", ".vscode", ".gemini", ".claude", ".kiro", ".roo", ".windsurf", ".github"})
_PASSED: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_PLACED: Final = re.compile(r"(?::([0-9]+):([0-9]+))?: (.*)", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A file to look at. `named`: the user said so, and it is not one of a folder's."""

    path: str
    named: bool


def sources(paths: Sequence[str]) -> Iterator[Source | Unreadable]:
    """Every file that `paths` name, each once: files as they are, folders walked, `-` for stdin."""
    seen: set[str] = set()
    for path in paths:
        if path == STDIN or not os.path.isdir(path):
            yield Source(path, named=True)
            seen.add(os.path.realpath(path))
            continue
        for found in _walked(path):
            real = "" if isinstance(found, Unreadable) else os.path.realpath(found.path)
            if real not in seen:
                yield found
            if real:
                seen.add(real)


def _walked(folder: str) -> Iterator[Source | Unreadable]:
    troubles: list[Unreadable] = []

    def trouble(error: OSError) -> None:
        troubles.append(Unreadable(str(error.filename), f"a folder that cannot be read ({error.strerror})"))

    # Links to folders are not followed: they may lead in circles, and out of what was named.
    for here, folders, names in os.walk(folder, onerror=trouble):
        folders[:] = sorted(name for name in folders if _entered(here, name))
        for name in sorted(names):
            path = os.path.join(here, name)
            if name.endswith(_ENDINGS) and os.path.isfile(path):
                yield Source(path, named=False)
    yield from troubles


def _entered(here: str, name: str) -> bool:
    if name in _PASSED or (name.startswith(".") and name not in _EDITORS):
        return False
    # An environment, whatever it is called.
    return not os.path.exists(os.path.join(here, name, "pyvenv.cfg"))


def read(source: Source, known: Known | None = None) -> Document | Unreadable | None:
    """The document that a file is; None for a file of a folder that is none of ours."""
    name = "stdin" if source.path == STDIN else source.path
    data = _bytes(source)
    if isinstance(data, str):
        return Unreadable(name, data)
    if not source.named and not may_be_ours(data[:_PEEK].decode("utf-8", "replace")):
        return None
    problem = _problem(data)
    return Unreadable(name, problem) if problem else document(name, data.decode("utf-8"), source.named, known)


def _bytes(source: Source) -> bytes | str:
    """What the file holds, at most one byte more than is looked at; or why it cannot be read."""
    try:
        if source.path == STDIN:
            return b"" if sys.stdin is None else sys.stdin.buffer.read(FILE_MAX + 1)
        with open(source.path, "rb") as file:
            if not source.named and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b""
            start = file.read(_PEEK)
            if not source.named and not may_be_ours(start.decode("utf-8", "replace")):
                return start
            return start + file.read(FILE_MAX + 1 - len(start))
    except FileNotFoundError:
        return "no such file; expected a policy, smcp.lock, tools.json, a client's configuration, or a folder of them"
    except PermissionError:
        return "not readable for this user; change its owner or mode"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or 'not a file name'})"


def _problem(data: bytes) -> str:
    if len(data) > FILE_MAX:
        return "larger than 16 MiB; is this the right file?"
    if b"\x00" in data:
        return "binary data, or text in UTF-16; expected UTF-8"
    if not data.strip():
        return "empty; expected a policy, smcp.lock, tools.json or a client's configuration"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        return f"not UTF-8 at line {line}, column {column}; save the file in that encoding"
    return ""


def document(name: str, text: str, named: bool = True, known: Known | None = None) -> Document | Unreadable | None:
    """The document that a text is. `named`: what is none of ours is an answer, and not passed over."""
    if looks_like_json(text):
        found = _json_document(name, text, named)
        if found is not None:
            return found
    if len(text.encode()) > POLICY_MAX:
        fault = Fault(1, 1, "larger than 1 MiB; a policy is a few hundred lines, is this the right file?")
        return Document(name=name, text=text, kind="policy", faults=(fault,)) if named else None
    return _policy(name, text, named, known)


def _json_document(name: str, text: str, named: bool) -> Document | Unreadable | None:
    """A JSON file that is no policy; None for what may be one."""
    body = text.removeprefix("\ufeff")
    try:
        value, places = read_json(body, name, line_starts(body))
    except PolicyError as error:
        kind = kind_of_broken(body)
        return None if kind is None else Document(name=name, text=body, kind=kind, faults=faults_of(error, name))
    kind = kind_of(value)
    if kind == "policy" or (kind is None and named and may_be_policy(value)):
        return None
    if kind is None:
        told = "no policy, lock file, list of tools or client's configuration"
        return Unreadable(name, f"{told}; {_seen(value)}") if named else None
    return Document(name=name, text=body, kind=kind, value=value, places=places)


def _seen(value: object) -> str:
    if isinstance(value, dict):
        return f"its keys are {', '.join(shown_key(str(key)) for key in list(value)[:5]) or 'none'}"
    return "it is a list without definitions of tools"


def _policy(name: str, text: str, named: bool, known: Known | None) -> Document | None:
    # Late: a run over clients' configurations needs no YAML.
    from smcp_security.policy.document import read_document
    from smcp_security.policy.model import validated

    try:
        value, places = read_document(text, name)
    except PolicyError as error:
        return Document(name=name, text=text, kind="policy", faults=faults_of(error, name), known=known)
    if not isinstance(value, dict):
        fault = Fault(1, 1, "expected a mapping with `version: 1` as its first key")
        return Document(name=name, text=text, kind="policy", faults=(fault,)) if named else None
    if not named and kind_of(value) != "policy":
        return None
    given = Document(name=name, text=text, kind="policy", value=value, places=places, known=known)
    try:
        return replace(given, policy=validated(value, places))
    except PolicyError as error:
        return replace(given, faults=faults_of(error, name))


def faults_of(error: PolicyError, name: str) -> tuple[Fault, ...]:
    """The lines of the loader's error, each with its place."""
    faults = []
    for line in str(error).splitlines():
        match = _PLACED.fullmatch(line.removeprefix(name)) if line.startswith(name) else None
        if match is None:
            faults.append(Fault(1, 1, line))
        else:
            faults.append(Fault(int(match[1] or 1), int(match[2] or 1), match[3]))
    return tuple(faults)


def beside(given: Document) -> Document:
    """The document with the tools that its policy's own lock file names, if that stands beside it."""
    pins = given.policy.pins if given.policy is not None else None
    if given.known is not None or pins is None:
        return given
    lock = os.path.join(os.path.dirname(given.name), pins.file)
    try:
        return replace(given, known=known_tools(lock)) if os.path.isfile(lock) else given
    except PolicyError:
        # Damaged: what looks at lock files says so.
        return given


def known_tools(path: str) -> Known:
    """The tools that a lock file or a list of tools names.

    Raises:
        PolicyError: unreadable, or neither of the two.
    """
    found = read(Source(path, named=True))
    if isinstance(found, Unreadable):
        raise PolicyError(f"{found.file}: {found.problem}")
    tools = tools_of(found.value) if found is not None else None
    if tools is None:
        raise PolicyError(f"{path}: no definitions of tools; expected smcp.lock or the result of tools/list")
    return Known(path, {str(tool.get("name")): tool for tool in tools.values()})
