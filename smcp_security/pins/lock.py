"""The lock file as values: what was pinned of a server, and the text of it that people review. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NoReturn

import msgspec
from msgspec.structs import replace

from smcp_security.errors import PolicyError
from smcp_security.pins.canonical import Unpinnable, digest_of
from smcp_security.pins.escapes import escaped, shown
from smcp_security.schemas import ToolSchema, UnusableSchema, compile_schema
from smcp_security.strict_json import Malformed, load

NAMED_BY: Final[Mapping[str, str]] = {"tool": "name", "prompt": "name", "template": "uriTemplate"}
"""Under which key each kind of definition has what it is called by."""

_VERSION: Final = 1
_PREFIX: Final = "sha256:"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_SECTIONS: Final[Mapping[str, str]] = {"tools": "tool", "prompts": "prompt", "templates": "template"}
_TOP: Final = ("version", "server", "instructions", *_SECTIONS)
_SERVER: Final = ("name", "version")
_ADVICE: Final = "restore the file, or delete it and pin anew with `smcp pin`"
_FAULTS: Final[Mapping[str, str]] = {
    "SMCP112": "an object has the same key twice",
    "SMCP113": "not UTF-8 without a byte order mark",
    "SMCP115": "a number that JSON does not have",
    "SMCP116": "half of a surrogate pair",
    "SMCP117": "nested too deep",
}


class Entry(msgspec.Struct, frozen=True):
    """One pinned definition: the whole of it, and the SHA-256 (hex) of its canonical form."""

    definition: Any
    digest: str


class Lock(msgspec.Struct, frozen=True):
    """What was pinned. By name, and templates by their URI template; `instructions` is None if nothing was pinned.

    `server` is what the server called itself, for the reader alone. `digest` is that of the file, `sha256:` before it.
    """

    tools: Mapping[str, Entry] = msgspec.field(default_factory=dict)
    prompts: Mapping[str, Entry] = msgspec.field(default_factory=dict)
    templates: Mapping[str, Entry] = msgspec.field(default_factory=dict)
    instructions: Entry | None = None
    digest: str = ""
    server: Mapping[str, str] = msgspec.field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, Entry]:
        """The entries of a kind: tool, prompt or template."""
        entries: Mapping[str, Entry] = getattr(self, f"{kind}s")
        return entries

    def approves(self, kind: str, definition: Any) -> bool:
        """Whether the very same definition was pinned. Of the kind `instructions` it is their text."""
        if kind == "instructions":
            entry = self.instructions
        else:
            name = definition.get(NAMED_BY[kind]) if type(definition) is dict else None
            entry = self.of(kind).get(name) if type(name) is str else None
        return entry is not None and entry.digest == digest_of(definition)


def entry_of(definition: Any) -> Entry:
    """The pin of a definition. Raises `Unpinnable`."""
    return Entry(definition, digest_of(definition))


def lock_of(
    tools: Iterable[Any] = (),
    prompts: Iterable[Any] = (),
    templates: Iterable[Any] = (),
    instructions: str | None = None,
    server: Mapping[str, str] | None = None,
) -> Lock:
    """The lock of what a server lists, as it came.

    Raises:
        Unpinnable: a definition without a name, two different ones of one name, or what JSON does not have.
    """
    lock = Lock(
        tools=_gathered("tool", tools),
        prompts=_gathered("prompt", prompts),
        templates=_gathered("template", templates),
        instructions=entry_of(instructions) if instructions else None,
        server={key: value for key, value in (server or {}).items() if key in _SERVER and type(value) is str},
    )
    return replace(lock, digest=digest_of_file(written(lock)))


def _gathered(kind: str, definitions: Iterable[Any]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for place, definition in enumerate(definitions):
        name = definition.get(NAMED_BY[kind]) if type(definition) is dict else None
        if type(name) is not str:
            raise Unpinnable(f"{kind} {place}: no {NAMED_BY[kind]} by which to pin it")
        try:
            entry = entry_of(definition)
        except Unpinnable as fault:
            raise Unpinnable(f'{kind} "{shown(name)}": {fault}') from None
        if entries.setdefault(name, entry).digest != entry.digest:
            raise Unpinnable(f'{kind} "{shown(name)}": listed twice, and not the same')
    return entries


def written(lock: Lock) -> bytes:
    """The text of a lock: one way to write it, so that a change of a definition is a change of its lines alone.

    Characters that a reviewer would not see are escaped.
    """
    value: dict[str, Any] = {
        "version": _VERSION,
        "server": dict(sorted(lock.server.items())),
        "instructions": None if lock.instructions is None else _pinned(lock.instructions),
    }
    for section, kind in _SECTIONS.items():
        value[section] = {name: _pinned(entry) for name, entry in sorted(lock.of(kind).items())}
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    return "\n".join([*map(escaped, text.split("\n")), ""]).encode()


def _pinned(entry: Entry) -> dict[str, Any]:
    return {"digest": _PREFIX + entry.digest, "definition": _sorted(entry.definition)}


def _sorted(node: Any) -> Any:
    if type(node) is dict:
        return {key: _sorted(node[key]) for key in sorted(node)}
    return list(map(_sorted, node)) if type(node) is list else node


def digest_of_file(data: bytes) -> str:
    """What `pins.digest` says of a lock file with these bytes."""
    return _PREFIX + sha256(data).hexdigest()


def read(data: bytes) -> Lock:
    """What the bytes of a lock file say. Raises `PolicyError`: which entry, what is wrong with it, what to do."""
    value = _loaded(data)
    _check_names(value, "", _TOP)
    if type(value["version"]) is not int or value["version"] != _VERSION:
        _refuse("version", f"expected {_VERSION}; a newer smcp-security may have written the file")
    server = value["server"]
    if type(server) is not dict or not all(key in _SERVER and type(text) is str for key, text in server.items()):
        _refuse("server", f"expected texts under {' and '.join(_SERVER)} alone")
    return Lock(
        instructions=_instructions(value["instructions"]),
        digest=digest_of_file(data),
        server=server,
        **{section: _section(value[section], section, kind) for section, kind in _SECTIONS.items()},
    )


def _loaded(data: bytes) -> Any:
    if data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data:
        raise PolicyError(
            "holds the marks of an unfinished merge; settle it, or delete it and pin anew with `smcp pin`"
        )
    try:
        value, _ = load(data)
    except Malformed as fault:
        told = _FAULTS.get(fault.code) or f"not JSON{_line(data)}"
        raise PolicyError(f"{told}; {_ADVICE}") from None
    return value


def _line(data: bytes) -> str:
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f" (line {error.lineno})"
    except ValueError:
        pass
    return ""


def _check_names(value: Any, where: str, names: tuple[str, ...]) -> None:
    if type(value) is not dict:
        _refuse(where, f"expected an object with {', '.join(names)}")
    for name in value:
        if name not in names:
            _refuse(where, f'no key "{shown(name, 40)}"; expected {", ".join(names)}')
    for name in names:
        if name not in value:
            _refuse(where, f"{name} is missing")


def _instructions(value: Any) -> Entry | None:
    if value is None:
        return None
    entry = _entry(value, "instructions")
    if type(entry.definition) is not str:
        _refuse("instructions", "expected a text as the definition")
    return entry


def _section(value: Any, section: str, kind: str) -> dict[str, Entry]:
    if type(value) is not dict:
        _refuse(section, "expected an object with an entry for each name")
    entries: dict[str, Entry] = {}
    for name, pinned in value.items():
        where = f'{section} "{shown(name, 80)}"'
        entry = entries[name] = _entry(pinned, where)
        if type(entry.definition) is not dict or entry.definition.get(NAMED_BY[kind]) != name:
            _refuse(where, f"its definition has another {NAMED_BY[kind]}")
    return entries


def _entry(value: Any, where: str) -> Entry:
    _check_names(value, where, ("digest", "definition"))
    digest = value["digest"]
    if type(digest) is not str or _DIGEST.fullmatch(digest) is None:
        _refuse(where, f"digest: expected {_PREFIX} and 64 lower-case hex digits")
    try:
        entry = entry_of(value["definition"])
    except Unpinnable as fault:
        _refuse(where, str(fault))
    if _PREFIX + entry.digest != digest:
        _refuse(where, "its digest does not fit its definition, so one of the two was changed by hand")
    return entry


def _refuse(where: str, what: str) -> NoReturn:
    raise PolicyError(f"{where}: {what}; {_ADVICE}" if where else f"{what}; {_ADVICE}")


def schemas_of(lock: Lock, key: str) -> dict[str, ToolSchema]:
    """The schemas that pinned tools have under `inputSchema` or `outputSchema`, as far as they can be used."""
    schemas: dict[str, ToolSchema] = {}
    for name, entry in lock.tools.items():
        try:
            schemas[name] = compile_schema(entry.definition.get(key))
        except UnusableSchema:
            continue
    return schemas
