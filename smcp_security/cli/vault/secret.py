"""`smcp vault set` and `get`: one value on its way in, from stdin or a hidden prompt, and on its way out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.expiry import expires_option, expiry
from smcp_security.cli.vault.arguments import Discreet, named, tenant_option
from smcp_security.cli.vault.fresh import write_private
from smcp_security.cli.vault.place import Place, at_vault, failure
from smcp_security.cli.vault.terminal import confirmed, say, shown

if TYPE_CHECKING:
    from smcp_security.vault.vault import Entry

LONGEST: Final = 64 * 1024
LONGEST_LINE: Final = 4095 if sys.platform == "linux" else 1023
"""Bytes that a terminal takes of a line that is typed; it drops the rest without a word."""

_BREAKS: Final = 2


@click.command("set", cls=Discreet)
@named
@tenant_option
@expires_option
@click.option("--tag", "tags", multiple=True, help="A word to remember; it is not secret. Repeat for more.")
@click.option("--exact", is_flag=True, help="Keep a line break at the end of the value.")
@at_vault
def set_(place: Place, name: str, tenant: str, expires: str | None, tags: Sequence[str], exact: bool) -> None:
    """Store a value as the newest version of the secret NAME. It is read from stdin, or asked for on a terminal.

    \b
      printf %s "$TOKEN" | smcp vault set github --file vault.smcp
      smcp vault set tls-key --file vault.smcp --tenant acme --expires 90d --exact < key.pem

    One line break at the end is taken off, unless --exact is given. 1 byte to 64 KiB, any bytes.
    """
    from smcp_security.vault.changes import Secret, check_secret

    ends = None if expires is None else expiry(expires, time.time())
    vault = place.open()
    # Whatever is wrong must show before anybody types a value.
    before = vault.current()
    check_secret(Secret(name, b"-", tenant, ends, tuple(tags)), vault.now(), before.name)
    value = _value(name, exact)
    entry = vault.put(name, value, tenant=tenant, expires_at=ends, tags=tuple(dict.fromkeys(tags)))
    _tell(place, entry)
    _warn(value)


def _tell(place: Place, entry: Entry) -> None:
    owner = f" of {entry.tenant}" if entry.tenant else ""
    say(f"{entry.name}{owner} is in {place.file} as version {entry.version}, {_bytes(entry.size)}")
    if entry.version > 1:
        say(f"older versions stay until `smcp vault prune` or `rm --version`; tools get version {entry.version}")


def _warn(value: bytes) -> None:
    from smcp_security.policy.vault import LEAST_DIFFERENT, LEAST_GRANTED, can_be_granted

    if can_be_granted(value):
        return
    short = len(value) < LEAST_GRANTED
    what = f"shorter than {LEAST_GRANTED} bytes" if short else f"fewer than {LEAST_DIFFERENT} different bytes"
    say(f"warning: {what}, so no tool can have it: a search for it in answers would hit ordinary text")


def _value(name: str, exact: bool) -> bytes:
    if sys.stdin is None:
        raise failure("stdin is closed; give the value there")
    value = _typed(name) if sys.stdin.isatty() else _piped(exact)
    if not value:
        raise failure("the value is empty; expected 1 byte to 64 KiB on stdin")
    if len(value) > LONGEST:
        raise failure("the value is longer than 64 KiB; a vault is for credentials")
    return value


def _typed(name: str) -> bytes:
    typed: str = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True)
    value = typed.encode("utf-8", "surrogateescape")
    if len(value) >= LONGEST_LINE:
        raise failure(f"a terminal cuts off what is longer than {LONGEST_LINE - 1:,} bytes; give it on stdin")
    return value


def _piped(exact: bool) -> bytes:
    try:
        given: bytes = sys.stdin.buffer.read(LONGEST + _BREAKS + 1)
    except OSError as error:
        raise failure(f"stdin cannot be read ({error.strerror}); give the value there") from None
    value = given if exact or not given.endswith(b"\n") else given[:-1].removesuffix(b"\r")
    if value != given:
        say("one line break at the end is not part of the value; --exact keeps it")
    return value


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size} bytes"


@click.command("get", cls=Discreet)
@named
@tenant_option
@click.option("--version", type=click.IntRange(min=1), help="A version. Default: the newest one.")
@click.option("--out", metavar="FILE", help="Write it to FILE, which must be new, mode 0600.")
@click.option("--reveal", is_flag=True, help="Show it on a terminal without asking.")
@at_vault
def get(place: Place, name: str, tenant: str, version: int | None, out: str | None, reveal: bool) -> int | None:
    """Print the value of the secret NAME, as it is, with nothing added. On a terminal it asks first.

    \b
      smcp vault get github --file vault.smcp | gh auth login --with-token
      smcp vault get tls-key --file vault.smcp --out key.pem
    """
    if out is None and sys.stdout is None:
        raise failure("stdout is closed; give --out FILE")
    on_terminal = out is None and sys.stdout.isatty()
    secret = place.open().get(name, tenant=tenant, version=version)
    if out is not None:
        write_private(out, secret.value)
        say(f"{name}, version {secret.version}, is in {out}")
    elif not on_terminal:
        click.echo(secret.value, nl=False)
    elif reveal or _agreed(name):
        _show(secret.value)
    else:
        say("nothing was shown")
        return 1
    return None


def _agreed(name: str) -> bool:
    say("warning: this is a terminal: whoever sees it, and its scrollback, will have the value")
    return confirmed(f"Show {name}?", "--reveal, or --out FILE")


def _show(value: bytes) -> None:
    """What a terminal would obey is shown as an escape."""
    text = value.decode("utf-8", "backslashreplace")
    safe = "\n".join(shown(line) for line in text.split("\n"))
    click.echo(safe, nl=not safe.endswith("\n"))
    if safe.encode() != value:
        say("some bytes are shown as escapes; --out FILE gets them as they are")
