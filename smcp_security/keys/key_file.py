"""The file of API keys, as `smcp keys` writes it: read strictly, looked up by id, read again when it changes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, Final

import msgspec

from smcp_security.checks.rung import ApiKey
from smcp_security.errors import KeyFileError, PolicyError
from smcp_security.keys.api_key import DIGEST_PATTERN, FIELDS, NEEDED, Entry, Misfit, read_entry
from smcp_security.keys.watched import Watched, parsed, read_file
from smcp_security.policy.document import read_document
from smcp_security.policy.places import Path, Places, shown_key

_TOP: Final = ("version", "salt", "keys")


class Listed(msgspec.Struct, frozen=True):
    """What a key file says: the salt of its digests, and its keys in order."""

    salt: str
    entries: tuple[Entry, ...] = ()

    def __repr__(self) -> str:
        return f"Listed({len(self.entries)} keys)"


class KeyFile:
    """The keys of a file, by id. Thread-safe. Raises `KeyFileError` if the file cannot be used at the start."""

    def __init__(self, path: str, clock: Callable[[], float] = monotonic) -> None:
        self._file: Watched[Mapping[str, ApiKey]] = Watched(path, parsed(_by_id), clock)

    def look_up(self, id: str) -> ApiKey | None:
        """The key of that id. Raises `Unavailable` while the file cannot be read."""
        return self._file.current().get(id)

    def look_up_async(self, id: str) -> ApiKey | Awaitable[ApiKey | None] | None:
        """`look_up`; awaitable only when the file has changed."""
        keys = self._file.current_async()
        return keys.get(id) if isinstance(keys, Mapping) else _found(keys, id)

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._file.reset_lock()


async def _found(reading: Awaitable[Mapping[str, ApiKey]], id: str) -> ApiKey | None:
    return (await reading).get(id)


def _by_id(data: bytes, path: str) -> Mapping[str, ApiKey]:
    listed = parse(data, path)
    salt = bytes.fromhex(listed.salt)
    return {entry.id: entry.api_key(salt) for entry in listed.entries}


def read_keys(path: str) -> Listed:
    """What the key file at `path` says. Raises `KeyFileError`."""
    return parse(read_file(path), path)


def parse(data: bytes, path: str) -> Listed:
    """What the bytes of a key file say. Raises `KeyFileError` with the line of what is wrong."""
    try:
        root, places = read_document(data.decode("utf-8"), path)
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: not UTF-8; restore the file from a copy") from None
    except PolicyError as error:
        # The reader of policies says "policy" where it means the file.
        raise KeyFileError(str(error).replace("a policy", "a key file")) from None
    return _listed(root, places)


def _listed(root: Any, places: Places) -> Listed:
    _check_names(root, (), _TOP, _TOP, places)
    if root["version"] != 1 or isinstance(root["version"], bool):
        raise _error(places, ("version",), "version: expected 1")
    if not isinstance(root["salt"], str) or not _is_digest(root["salt"]):
        raise _error(places, ("salt",), "salt: expected 64 digits of 0-9 and a-f, in quotes")
    if not isinstance(root["keys"], list):
        raise _error(places, ("keys",), "keys: expected a list")
    entries = tuple(_entry(fields, ("keys", index), places) for index, fields in enumerate(root["keys"]))
    _check_unique(entries, places)
    return Listed(root["salt"], entries)


def _is_digest(text: str) -> bool:
    return re.fullmatch(DIGEST_PATTERN, text, re.ASCII) is not None


def _entry(fields: Any, path: Path, places: Places) -> Entry:
    _check_names(fields, path, FIELDS, NEEDED, places)
    try:
        return read_entry(fields)
    except Misfit as misfit:
        raise _error(places, (*path, misfit.field), str(misfit)) from None


def _check_names(mapping: Any, path: Path, known: tuple[str, ...], needed: tuple[str, ...], places: Places) -> None:
    """A misspelt `expires` must never mean a key that does not expire."""
    if not isinstance(mapping, dict):
        raise _error(places, path, f"expected a mapping with {', '.join(needed)}")
    for name in mapping:
        if name not in known:
            raise _error(places, (*path, name), f"no field {shown_key(name)}; expected one of {', '.join(known)}")
    for name in needed:
        if name not in mapping:
            raise _error(places, path, f"{name} is missing")


def _check_unique(entries: tuple[Entry, ...], places: Places) -> None:
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if first.setdefault(entry.id, index) != index:
            there = places.shown(places.of_value(("keys", first[entry.id])))
            raise _error(places, ("keys", index, "id"), f"id: the same as at {there}; remove one of the two keys")


def _error(places: Places, path: Path, problem: str) -> KeyFileError:
    return KeyFileError(f"{places.shown(places.of_value(path))}: {problem}")
