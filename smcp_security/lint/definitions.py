"""The tools of a lock file or of a list, as rules look at them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from smcp_security.lint.document import Document
from smcp_security.lint.recognition import tools_of
from smcp_security.policy.places import Path

SCHEMAS: Final = ("inputSchema", "outputSchema")


class Tool(NamedTuple):
    """One definition of a tool, its name ("" for none) and its path."""

    path: Path
    name: str
    definition: Mapping[str, Any]

    @property
    def hints(self) -> Mapping[str, Any]:
        """Its annotations; none if they are no map."""
        hints = self.definition.get("annotations")
        return hints if isinstance(hints, dict) else {}


def tools_in(document: Document) -> Iterator[Tool]:
    """The tools of a document, in its order."""
    for path, definition in (tools_of(document.value) or {}).items():
        name = definition.get("name")
        yield Tool(path, name if isinstance(name, str) else "", definition)


def inputs_in(document: Document) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The schemas of all arguments, with their paths."""
    for tool in tools_in(document):
        schema = tool.definition.get("inputSchema")
        if isinstance(schema, dict):
            yield (*tool.path, "inputSchema"), schema


def schemas_in(document: Document) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The schemas of all arguments and results, with their paths."""
    for tool in tools_in(document):
        for key in SCHEMAS:
            schema = tool.definition.get(key)
            if isinstance(schema, dict):
                yield (*tool.path, key), schema
