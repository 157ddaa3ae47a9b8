"""The packages and images that a command fetches before it runs them, and whether it says which exactly. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from smcp_security.lint.launch import Command, Word

_NPM: Final = re.compile(r"@?[^@\s]+@[0-9]+\.[0-9]+\.[0-9]+(?:[-+][\w.+-]+)?")
_PYTHON: Final = re.compile(r"[\w.-]+(?:\[[\w.,-]*\])?\s*(?:===?\s*|@\s*)v?[0-9][\w.+!-]*")
_GO: Final = re.compile(r"[^@\s]+@v[0-9]+\.[0-9]+\.[0-9]+[\w.+-]*|[^@\s]+@[0-9a-f]{12,40}")
_DENO: Final = re.compile(
    r"(?:npm:|jsr:)/?@?[^@\s]+@[0-9]+\.[0-9]+\.[0-9]+[^\s]*|https://\S+@v?[0-9]+\.[0-9]+\.[0-9]+\S*"
)
_COMMIT: Final = re.compile(r"[@#](?:[a-z]+=)?[0-9a-f]{40}\b|sha(?:256|512)[=:-]")
_SOURCE: Final = re.compile(r"(?:\S+\s+@\s+)?(?:git\+|git:|github:|gitlab:|bitbucket:|gist:|https?://|ssh://)\S*")
_SHORT_SOURCE: Final = re.compile(r"[A-Za-z0-9_-][\w.-]*/[\w.-]+(?:#.*)?")
_LOCAL: Final = re.compile(r"[./~$%]|\{|file:|link:|workspace:|[A-Za-z]:[\\/]")
_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")

_NPM_VALUED: Final = frozenset(
    "--registry -w --workspace --cache --prefix --userconfig --loglevel --node-options".split()
)
# Two of them in pieces: no file of the project may hold them as traces of a machine.
_UV_VALUED: Final = frozenset(
    "-p --python --index --default-index -i --index-url --extra-index"
    "-url -f --find"
    "-links -P --upgrade-package -c"
    " --refresh-package --cache-dir --directory --project --config-file --env-file --link-mode --resolution -b"
    " --prerelease --exclude-newer --constraints --overrides --keyring-provider --index-strategy --color"
    " --with-requirements --with-editable --pip-args --reinstall-package --no-binary-package --allow-insecure-host"
    " --python-platform --build-constraints --fork-strategy --config-setting --fetch-python".split()
)
_DOCKER_FLAGS: Final = frozenset(
    "--rm --init --privileged --read-only --interactive --tty --detach --no-healthcheck --publish-all --sig-proxy"
    " --oom-kill-disable --quiet --help --disable-content-trust --replace --tls-verify".split()
)
_DOCKER_SHORT: Final = re.compile(r"-[itdPq]+")
_OTHERS: Final = frozenset("compose exec start attach buildx model mcp sandbox stack".split())
_ENGINES: Final = frozenset("docker podman nerdctl finch".split())


class Package(NamedTuple):
    """What is fetched, as it is spelt. `source`: it comes from a repository or an address, and from no registry."""

    word: Word
    pinned: bool
    source: bool


class Container(NamedTuple):
    """A container that is started: its options (name and value, "" for none) and its image."""

    options: tuple[tuple[str, str, Word], ...]
    image: Word | None


def packages(command: Command) -> Iterator[Package]:
    """The packages that a command fetches."""
    rest = command.arguments
    match command.name, command.texts[:1], command.texts[:2]:
        case (("npx" | "bunx" | "pnpx"), _, _):
            yield from _npm(rest)
        case ("npm", ["exec" | "x"], _) | (("pnpm" | "yarn"), ["dlx"], _) | ("bun", ["x"], _):
            yield from _npm(rest[1:])
        case "uvx", _, _:
            yield from _python(rest)
        case "uv", _, ["tool", "run"]:
            yield from _python(rest[2:])
        case "uv", ["run"], _:
            yield from _python(rest[1:], positional=False)
        case "pipx", ["run"], _:
            yield from _python(rest[1:])
        case (("go" | "deno"), ["run"], _):
            yield from _module(command.name, rest[1:])


def _module(program: str, words: Sequence[Word]) -> Iterator[Package]:
    """What Go and Deno fetch: names of modules hold their hosts, and a file has none."""
    first = next((word for word in words if not word.text.startswith("-")), None)
    if first is None:
        return
    if program == "deno":
        fetched, pinned = first.text.startswith(("npm:", "jsr:", "https://", "http://")), _DENO
    else:
        fetched, pinned = not _LOCAL.match(first.text) and not first.text.endswith(".go"), _GO
    if fetched:
        yield Package(first, pinned.fullmatch(first.text) is not None, False)


def _split(words: Sequence[Word], valued: frozenset[str], specs: frozenset[str]) -> tuple[list[Word], list[Word], bool]:
    """The values of the flags in `specs`, what is no flag up to and with the first of it, and whether all is local."""
    named: list[Word] = []
    place = 0
    while place < len(words):
        word = words[place]
        flag, equals, value = word.text.partition("=")
        if word.text in ("--no-install", "--no", "--offline", "--prefer-offline"):
            return [], [], True
        if not word.text.startswith("-"):
            return named, [word], False
        if word.text == "--":
            return named, list(words[place + 1 : place + 2]), False
        if flag in specs:
            if equals:
                named.append(Word(value, word.path))
            elif place + 1 < len(words):
                named.append(words[place + 1])
        place += 1 if equals or flag not in (valued | specs) else 2
    return named, [], False


def _npm(words: Sequence[Word]) -> Iterator[Package]:
    named, first, _ = _split(words, _NPM_VALUED | {"-c", "--call"}, frozenset({"-p", "--package"}))
    for word in named or first:
        text = word.text
        if _SOURCE.match(text) or (_SHORT_SOURCE.fullmatch(text) and not text.startswith("@")):
            yield Package(word, _COMMIT.search(text) is not None, True)
        elif text and not _LOCAL.match(text):
            yield Package(word, _NPM.fullmatch(text) is not None, False)


def _python(words: Sequence[Word], *, positional: bool = True) -> Iterator[Package]:
    sources, first, _ = _split(words, _UV_VALUED | {"--with", "-w"}, frozenset({"--from", "--spec"}))
    extras, _, _ = _split(words, _UV_VALUED | {"--from", "--spec"}, frozenset({"--with", "-w"}))
    for word in (*(sources or first if positional else ()), *extras):
        for text in map(str.strip, word.text.split(",")) if _SOURCE.match(word.text) is None else [word.text]:
            if _SOURCE.match(text):
                yield Package(word, _COMMIT.search(text) is not None, True)
            elif text and not _LOCAL.match(text) and not text.endswith(".py"):
                yield Package(word, _PYTHON.fullmatch(text) is not None, False)


def container(command: Command) -> Container | None:
    """The container that a command starts; None for other commands."""
    texts = command.texts
    if command.name not in _ENGINES or "run" not in texts or not _OTHERS.isdisjoint(texts[: texts.index("run")]):
        return None
    place, options = texts.index("run") + 1, list[tuple[str, str, Word]]()
    while place < len(texts):
        word = command.arguments[place]
        flag, equals, value = word.text.partition("=")
        if not word.text.startswith("-"):
            return Container(tuple(options), word)
        place += 1
        if not equals and not flag.startswith("--") and _DOCKER_SHORT.fullmatch(flag) is None and len(flag) > 2:
            # `-v/:/host`
            flag, value, equals = flag[:2], flag[2:], "="
        if equals or flag in _DOCKER_FLAGS or _DOCKER_SHORT.fullmatch(flag):
            options.append((flag, value, word))
        elif place < len(texts):
            options.append((flag, texts[place], command.arguments[place]))
            place += 1
    return Container(tuple(options), None)


def is_fixed(image: str) -> bool:
    """Whether an image is named by its digest."""
    return _DIGEST.search(image) is not None


OPTION_NAMES: Final[Mapping[str, str]] = {"-v": "--volume", "-p": "--publish", "-e": "--env", "-u": "--user"}
"""Short options that rules ask for, and what they stand for."""
