"""What is fired at: a URL on this machine, one elsewhere that is named twice, or an application to be started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import click

from smcp_security.cli.pin.target import target_of
from smcp_security.cli.selftest.shot import Fields


@dataclass(frozen=True, slots=True)
class Target:
    """`url`, or `app` that is to be started and found at `path`."""

    url: str = ""
    app: str = ""
    path: str = "/mcp"
    anywhere: bool = False
    fields: Fields = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """What reports call it; a query may be secret."""
        return self.app or self.url.partition("?")[0]


def chosen(word: str, confirmed: str | None, path: str | None, headers: Sequence[str]) -> Target:
    """The target that the command line names. Raises `click.UsageError`."""
    if "://" in word:
        target = target_of([word], headers, parted=False)
        if path is not None:
            raise click.UsageError("--path is for MODULE:APP; a URL holds its path")
        here = _is_here(target.url)
        if confirmed is not None and confirmed != word:
            raise click.UsageError("--target-confirmed is not the URL that is to be fired at; it must be the same text")
        if not here and confirmed is None:
            raise click.UsageError(
                f"{target.shown} is not on this machine, and attacks are for servers of your own; if it is yours, "
                "name it twice: --target-confirmed with the same URL"
            )
        return Target(url=target.url, anywhere=confirmed is not None, fields=tuple(target.headers.items()))
    if confirmed is not None:
        raise click.UsageError("--target-confirmed is for a URL; MODULE:APP is started on this machine")
    if ":" not in word or "/" in word:
        raise click.UsageError(f"{word[:60]!r} is neither a URL nor MODULE:APP; expected one such as package.main:app")
    read = target_of(["http://127.0.0.1/"], headers, parted=False)
    where = "/mcp" if path is None else path
    if not where.startswith("/") or not where.isascii() or not where.isprintable() or set(where) & set(" ?#"):
        raise click.UsageError("--path: expected the path of the MCP endpoint, such as /mcp")
    return Target(app=word, path=where, fields=tuple(read.headers.items()))


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        # Where the name leads is looked at again when the connection stands.
        return host == "localhost" or host.endswith(".localhost")
