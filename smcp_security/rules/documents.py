"""The documents that rules stand in: the YAML files of a folder in a source tree, one JSON in their place in a wheel.

YAML wins where both exist, so that an old build cannot shadow an edited rule.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from smcp_security.errors import RulesError

COMPILED: Final = "compiled.json"


def documents_in(folder: Traversable, cut: Callable[[bytes], bytes] | None = None) -> dict[str, Any]:
    """The documents of a folder by file name, in its order. `cut` takes out of a YAML file what need not be read.

    Raises `RulesError` with the file and what is wrong.
    """
    sources = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    if not sources:
        return _decoded(folder / COMPILED)
    return {source.name: _parsed(source, cut) for source in sources}


def _content(source: Traversable) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise RulesError(f"{source.name}: cannot be read ({error.strerror}). Install the package again.") from error


def _decoded(source: Traversable) -> dict[str, Any]:
    try:
        documents = msgspec.json.decode(_content(source), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise RulesError(f"{source.name}: {error}. The installation is damaged: install the package again.") from error
    return dict(sorted(documents.items()))


def _parsed(source: Traversable, cut: Callable[[bytes], bytes] | None) -> Any:
    # An installed wheel needs no YAML to start, so the import stands where it is used.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    content = _content(source)
    try:
        return YAML(typ="safe", pure=True).load(content if cut is None else cut(content))
    except YAMLError as error:
        raise RulesError(f"{source.name}: not YAML: {error}") from error
