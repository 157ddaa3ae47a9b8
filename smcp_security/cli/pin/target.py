"""What is to be pinned: a URL with headers, or a command. Understands the command line; connects nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import click

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[ -~]{1,8192}")
_REFERENCE: Final = re.compile(r"(?P<scheme>[A-Za-z0-9-]{1,40} )?env:(?P<variable>[A-Za-z_][A-Za-z0-9_]{0,127})")
_SECRET: Final = re.compile(r"auth|cookie|key|pass|secret|token", re.IGNORECASE)
_OF_THE_CLIENT: Final = re.compile(
    r"accept|accept-encoding|connection|content-.*|host|mcp-.*|transfer-encoding|upgrade", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Target:
    """A server at a URL, or one that `command` starts. `headers` go with every request and are never shown."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: Sequence[str] = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """What errors call it: the URL without its query, or the program without its arguments. Both may be secret."""
        if self.command:
            return repr(self.command[0][:200])
        return self.url.partition("?")[0]


def target_of(words: Sequence[str], headers: Sequence[str], *, parted: bool) -> Target:
    """The target that the command line names; `parted` if `--` stands before the words.

    Raises `click.UsageError`.
    """
    if not words:
        raise click.UsageError("no server to connect to; expected a URL, or -- COMMAND [ARG]...")
    if not parted:
        if len(words) > 1 or "://" not in words[0]:
            raise click.UsageError(
                f"{words[0][:60]!r} is no URL; expected http://... or https://..., or -- COMMAND [ARG]..."
            )
        return Target(url=_url(words[0]), headers=_fields(headers))
    if words[0].startswith(("http://", "https://")):
        raise click.UsageError("one server at a time: a URL without --, or -- and the command that starts a server")
    if headers:
        raise click.UsageError("--header is for a URL; give a command what it needs by its environment")
    return Target(command=tuple(words))


def warnings_about(target: Target, headers: Sequence[str]) -> list[str]:
    """What a careful operator would do otherwise."""
    said = []
    for text in headers:
        name, _, value = text.partition(":")
        if _SECRET.search(name) and _REFERENCE.fullmatch(value.strip()) is None:
            said.append(
                f"the value of --header {name.strip()} is visible to others on this machine and stays in the shell's "
                "history; put it into a variable and write env:VARIABLE in its place"
            )
    parts = urlsplit(target.url)
    if parts.scheme == "http" and not _on_this_machine(parts.hostname or ""):
        said.append("http without TLS: whoever stands in between can change what is pinned; use https")
    return said


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = _is_usable(parts)
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise click.UsageError("the URL cannot be used; expected http://HOST/PATH or https://HOST/PATH in ASCII")
    if "@" in parts.netloc:
        raise click.UsageError("the URL holds a credential; give it as --header 'Authorization: Bearer env:VARIABLE'")
    return text.partition("#")[0]


def _is_usable(parts: SplitResult) -> bool:
    # Reading the port raises if it is none.
    return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)


def _fields(headers: Sequence[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, text in enumerate(headers, start=1):
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise click.UsageError(f"--header number {number}: expected 'Name: value' in printable ASCII")
        if _OF_THE_CLIENT.fullmatch(name):
            raise click.UsageError(f"--header {name}: the client sets it; leave it out")
        if name.lower() in map(str.lower, fields):
            raise click.UsageError(f"--header {name}: given twice; give it once")
        fields[name] = _resolved(name, value)
    return fields


def _resolved(name: str, value: str) -> str:
    """The value with `env:VARIABLE`, alone or behind a scheme, read from the environment."""
    found = _REFERENCE.fullmatch(value)
    if found is None:
        return value
    variable = found["variable"]
    read = os.environ.get(variable, "").strip()
    if _VALUE.fullmatch(read) is None:
        problem = "is not set" if not read else "does not hold printable ASCII"
        raise click.UsageError(f"--header {name}: the variable {variable} {problem}")
    return f"{found['scheme'] or ''}{read}"


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
