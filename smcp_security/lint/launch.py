"""How a client starts or reaches its servers, as rules look at it: programs, what they are wrapped in, environments.

Pure; runs nothing. What a shell would make of a text is guessed by its words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from smcp_security.lint.document import Document
from smcp_security.lint.recognition import servers_of
from smcp_security.policy.places import Path

SHELLS: Final = frozenset("sh bash zsh dash ash ksh fish busybox cmd powershell pwsh".split())
_SCRIPT_FLAG: Final = re.compile(r"-[a-z]*c|/[ck]|-c(ommand)?|-e(nc(odedcommand)?)?", re.IGNORECASE)
_ENDING: Final = re.compile(r"\.(?:exe|cmd|bat|com|ps1)$", re.IGNORECASE)
_SETTING: Final = re.compile(r"-.*|[0-9].*|[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_ASSIGNED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_VALUED: Final = frozenset({"-u", "-g", "-n", "-s", "-k", "--user", "--group", "--signal"})
_WRAPPERS: Final = frozenset("env sudo doas nice nohup timeout stdbuf setsid exec time command caffeinate".split())
_OPERATORS: Final = frozenset(";&|\n()")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`|;]+")
_WORDS_MAX: Final = 2_000
_SCRIPT_MAX: Final = 4_000
_NESTED_MAX: Final = 3


class Word(NamedTuple):
    """A word of a command line, and the path of the text that it stands in."""

    text: str
    path: Path


class Command(NamedTuple):
    """One program with its arguments. `name` is the program's without folder and ending, in lower case."""

    name: str
    program: Word
    arguments: tuple[Word, ...]

    @property
    def texts(self) -> list[str]:
        """The arguments as they are."""
        return [word.text for word in self.arguments]


class Server(NamedTuple):
    """A server of a client's configuration."""

    path: Path
    name: str
    said: Mapping[str, Any]
    words: tuple[Word, ...]

    @property
    def variables(self) -> Iterator[tuple[Path, str, str]]:
        """The environment that it is given: path, name and value."""
        for key in ("env", "environment"):
            for holder, path in ((self.said, self.path), (_inner(self.said), (*self.path, "command"))):
                given = holder.get(key)
                for name, value in given.items() if isinstance(given, dict) else ():
                    if isinstance(value, str | int | bool):
                        yield (*path, key, name), name, str(value)

    @property
    def headers(self) -> Iterator[tuple[Path, str, str]]:
        """The headers that it is sent: path, name and value."""
        given = self.said.get("headers")
        for name, value in given.items() if isinstance(given, dict) else ():
            if isinstance(value, str):
                yield (*self.path, "headers", name), name, value

    @property
    def address(self) -> Word | None:
        """Where it is, if it is not started."""
        for key in ("url", "httpUrl", "serverUrl"):
            if isinstance(self.said.get(key), str):
                return Word(self.said[key], (*self.path, key))
        return None

    @property
    def addresses(self) -> Iterator[Word]:
        """Every URL that it is reached by or started with."""
        address = self.address
        if address is not None:
            yield address
        for word in self.words:
            yield from (Word(found, word.path) for found in _ADDRESS.findall(word.text[:_SCRIPT_MAX]))


def _inner(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """`command` as a map with `path`, `args` and `env`, as one editor writes it."""
    command = said.get("command")
    return command if isinstance(command, dict) else {}


def servers(document: Document) -> Iterator[Server]:
    """The servers of a configuration, in its order."""
    for path, said in servers_of(document.value).items():
        yield Server(path, str(path[-1]), said, tuple(islice(_words(said, path), _WORDS_MAX)))


def _words(said: Mapping[str, Any], path: Path) -> Iterator[Word]:
    command = said.get("command")
    at: Path = (*path, "command")
    if isinstance(command, dict):
        yield from _texts(command.get("path"), (*at, "path"))
        yield from _texts(command.get("args"), (*at, "args"))
        return
    yield from _texts(command, at)
    yield from _texts(said.get("args"), (*path, "args"))


def _texts(value: Any, path: Path) -> Iterator[Word]:
    if isinstance(value, str):
        yield Word(value, path)
    elif isinstance(value, list):
        yield from (Word(str(each), (*path, place)) for place, each in enumerate(value) if isinstance(each, str | int))


def program_name(text: str) -> str:
    """`npx` for `C:\\\\Program Files\\\\nodejs\\\\npx.cmd`."""
    return _ENDING.sub("", re.split(r"[/\\]", text.strip())[-1]).lower()


def commands(server: Server) -> Iterator[Command]:
    """The programs that a start runs: the outermost, what it wraps, and those of scripts for shells."""
    yield from _commands(server.words, _NESTED_MAX)


def _commands(words: Sequence[Word], depth: int) -> Iterator[Command]:
    if not words or depth == 0:
        return
    first = words[0].text.split()
    if len(first) > 1 and re.search(r"[/\\]", first[0]) is None:
        # A whole line where a program is expected: some clients hand it to a shell.
        words = [*(Word(text, words[0].path) for text in first), *words[1:]]
    command = Command(program_name(words[0].text), words[0], tuple(words[1:]))
    yield command
    for line in _inner_lines(command):
        yield from _commands(line, depth - 1)


def _inner_lines(command: Command) -> Iterator[Sequence[Word]]:
    """What a command starts in its turn."""
    script = script_of(command)
    if script is None:
        yield _wrapped(command)
        return
    place = next((place for place, word in enumerate(command.arguments) if word.path == script.path), 0)
    rest = command.arguments[place:]
    if script.text == " ".join(word.text for word in rest) and _OPERATORS.isdisjoint(script.text):
        # Words of their own, as `cmd /c` takes them, each with its place.
        yield rest if len(rest) > 1 else next(lines_of(script), [])
        return
    yield from lines_of(script)


def _wrapped(command: Command) -> Sequence[Word]:
    """What a program such as `env` or `smcp proxy` starts; nothing for others."""
    rest = command.arguments
    if command.name == "smcp" or (command.name in ("dotenv", "op", "doppler", "infisical") and "--" in command.texts):
        return rest[command.texts.index("--") + 1 :] if "--" in command.texts else ()
    if command.name not in _WRAPPERS:
        return ()
    return _without_settings(rest)


def _without_settings(words: Sequence[Word]) -> Sequence[Word]:
    """What is left of words behind flags, numbers and assignments of variables."""
    place = 0
    while place < len(words) and _SETTING.fullmatch(words[place].text):
        place += 2 if words[place].text in _VALUED else 1
    return words[place:]


def script_of(command: Command) -> Word | None:
    """The text that a shell is to run; None for other programs, and for scripts in files."""
    if command.name not in SHELLS:
        return None
    for place, word in enumerate(command.arguments):
        if _SCRIPT_FLAG.fullmatch(word.text):
            rest = command.arguments[place + 1 :]
            if not rest:
                return None
            # `cmd /c npx -y notes` has its script in many words.
            many = command.name in ("cmd", "powershell", "pwsh")
            return Word(" ".join(each.text for each in rest), rest[0].path) if many else rest[0]
    return None


def lines_of(script: Word) -> Iterator[list[Word]]:
    """The commands of a script, each as words that have the script's path."""
    for line in _lines_of(script.text[:_SCRIPT_MAX]):
        yield [Word(text, script.path) for text in line]


# Every rule asks for the same few.
@lru_cache(maxsize=64)
def _lines_of(script: str) -> tuple[tuple[str, ...], ...]:
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|\n()")
    lexer.whitespace = " \t\r"
    lexer.commenters = ""
    lines: list[list[str]] = [[]]
    try:
        for token in lexer:
            if _OPERATORS.issuperset(token):
                lines.append([])
            else:
                lines[-1].append(token)
    except ValueError:
        # A quote that does not end: what was read so far counts.
        pass
    return tuple(filter(None, map(_alone, lines)))


def _alone(line: list[str]) -> tuple[str, ...]:
    """The command of a line, without the variables that are set before it."""
    place = 0
    while place < len(line) and _ASSIGNED.match(line[place]):
        place += 1
    return tuple(line[place:])
