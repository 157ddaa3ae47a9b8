"""What a policy says before anything is validated: read from a YAML file or copied from a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smcp_security.errors import PolicyError
from smcp_security.policy.places import Places, shown_path

FILE_MAX: Final = 1024 * 1024
"""Bytes. A policy of a thousand lines has about 40 KB."""

_DEPTH_MAX: Final = 64


def read(source: str) -> tuple[dict[str, Any], Places]:
    """What the YAML file `source` says, and where.

    Raises:
        PolicyError: unreadable, not YAML, empty, or not a mapping.
    """
    # ruamel.yaml is imported for those who have a file.
    from smcp_security.policy.document import read_document

    raw, places = read_document(_text(source), source)
    if raw is None:
        raise PolicyError(f"{source}: the file is empty; write at least `version: 1`")
    if not isinstance(raw, dict):
        raise PolicyError(f"{places.shown(places.of_value(()))}: expected a mapping with `version: 1` as its first key")
    return raw, places


def _text(source: str) -> str:
    data = _bytes(source)
    if len(data) > FILE_MAX:
        raise PolicyError(f"{source}: larger than 1 MiB; a policy is a few hundred lines, is this the right file?")
    if data.startswith(b"\xef\xbb\xbf"):
        raise PolicyError(f"{source}:1:1: begins with a byte order mark; save it as UTF-8 without one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise PolicyError(f"{source}:{line}:{column}: not UTF-8; save the file in that encoding") from None


def _bytes(source: str) -> bytes:
    try:
        with open(source, "rb") as file:
            return file.read(FILE_MAX + 1)
    except FileNotFoundError:
        problem = "no such file; a relative name counts from the current directory of the process"
    except IsADirectoryError:
        problem = "a directory; name the policy file in it"
    except PermissionError:
        problem = "this process may not read it; change its owner or mode"
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or 'not a file name'})"
    raise PolicyError(f"{source!r}: {problem}" if "\x00" in source else f"{source}: {problem}")


def copied(mapping: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`mapping` in dicts and lists of its own, so that a later change of the caller's changes nothing here.

    Raises:
        PolicyError: not a mapping, keys that are no text, or nested deeper than 64 levels.
    """
    copied = _copy(mapping, (), source)
    if not isinstance(copied, dict):
        raise PolicyError(f"{source}: expected a mapping of sections")
    return copied


def _copy(value: Any, path: tuple[str | int, ...], source: str) -> Any:
    if len(path) > _DEPTH_MAX:
        raise PolicyError(f"{source}: nested deeper than {_DEPTH_MAX} levels; does it hold itself?")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise PolicyError(f"{source}: {shown_path(path) or 'policy'}: expected text for every key")
        return {key: _copy(child, (*path, key), source) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(child, (*path, index), source) for index, child in enumerate(value)]
    return value
