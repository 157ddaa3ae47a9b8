"""Overrides from the environment: `SMCP_<SECTION>__<KEY>`. Reads the mapping it is given, never the process's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from smcp_security.errors import PolicyError
from smcp_security.policy.document import read_document
from smcp_security.policy.faults import suggestion
from smcp_security.policy.keys import ANY, PLANNED_KEYS, Keys
from smcp_security.policy.places import Path, Places, shown_key, shown_path

PREFIX: Final = "SMCP_"
_FORM: Final = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)*(__[A-Z0-9]+(_[A-Z0-9]+)*)+", re.ASCII)
_VALUE_MAX: Final = 64 * 1024
# Sections that a file may switch off by null; elsewhere a null is a mistake, and validation says so.
_MAY_BE_NULL: Final[frozenset[Path]] = frozenset({
    ("identity",), ("identity", "api_keys"), ("identity", "forwarded"), ("identity", "certificate"),
})  # fmt: skip


def override_names(environ: Mapping[str, str]) -> list[str]:
    """The names in `environ` that mean to override the policy: SMCP_ and two underscores later on; sorted."""
    return sorted(name for name in environ if name.startswith(PREFIX) and "__" in name[len(PREFIX) :])


def override(raw: dict[str, Any], places: Places, environ: Mapping[str, str], keys: Keys) -> list[str]:
    """Writes every override into `raw` and its name into `places`; returns the names, sorted.

    Raises:
        PolicyError: a name that fits no key, or a value that is no YAML; all such mistakes, one a line.
    """
    mistakes: list[str] = []
    names = override_names(environ)
    for name in names:
        try:
            path = _path(name, keys)
            _write(raw, path, _value(name, environ[name]), keys)
            _mark(places, path, name)
        except PolicyError as mistake:
            mistakes.append(str(mistake))
    if mistakes:
        raise PolicyError("\n".join(mistakes))
    return names


def _path(name: str, keys: Keys) -> tuple[str, ...]:
    rest = name[len(PREFIX) :]
    if _FORM.fullmatch(rest) is None:
        raise PolicyError(f"{shown_key(name)}: expected capital letters: SMCP_SERVER__MAX_BODY sets server.max_body")
    path = tuple(rest.lower().split("__"))
    if path[-1] not in keys.get(path[:-1], ()):
        raise PolicyError(f"{shown_key(name)}: {_misfit(path, keys)}")
    return path


def _misfit(path: tuple[str, ...], keys: Keys) -> str:
    if path in PLANNED_KEYS or path[:1] in PLANNED_KEYS:
        return f"this release does not enforce {shown_path(path)}, so it is refused rather than ignored; unset it"
    for length in range(1, len(path)):
        if (*path[:length], ANY) in keys:
            return f"what is inside {shown_path(path[:length])} cannot be set here; write it into the policy file"
    known = next(length for length in range(len(path), 0, -1) if path[: length - 1] in keys)
    if path[known - 1] in keys[path[: known - 1]]:
        return f"{shown_path(path[:known])} is one value, without keys; unset this or shorten its name"
    meant = suggestion(path[:known], keys)
    hint = f"; did you mean {meant}?" if meant else "; unset it if it was not meant for the policy"
    return f"the policy has no key {shown_path(path)}{hint}"


def _value(name: str, text: str) -> Any:
    try:
        value, _ = read_document(text, name) if len(text) <= _VALUE_MAX else (None, None)
    except PolicyError:
        raise PolicyError(f"{name}: expected a YAML value such as 2MiB, true or [a, b]; quote other text") from None
    if value is None and text.strip() not in ("null", "~"):
        raise PolicyError(f"{name}: set but empty or far too long; unset it, or write null if that is meant")
    return value


def _write(raw: dict[str, Any], path: Path, value: Any, keys: Keys) -> None:
    node: Any = raw
    for depth, segment in enumerate(path[:-1], start=1):
        node[segment] = _opened(node.get(segment), segment in node, path[:depth], keys)
        node = node[segment]
        if not isinstance(node, dict):
            return  # validation refuses it where it stands
    node[path[-1]] = value


def _opened(value: Any, written: bool, path: Path, keys: Keys) -> Any:
    """The mapping that nothing or a shorthand stands for, so that one key of it can be set."""
    if value is None and (not written or path in _MAY_BE_NULL):
        return {}
    if path == ("mode",) and isinstance(value, str):
        return dict.fromkeys(keys["mode",], value)
    if path == ("store",) and isinstance(value, str):
        return {"url": value}
    return {} if path == ("server", "flood") and value == "off" else value


def _mark(places: Places, path: Path, name: str) -> None:
    for below in [known for known in places.values if known[: len(path)] == path]:
        places.values.pop(below)
        places.keys.pop(below, None)
    places.keys[path] = places.values[path] = name
