"""`smcp revoke`: end a token, a caller or an API key in every process that shares the store, within five seconds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from smcp_security.cli.output import Failure, format_option, print_json
from smcp_security.errors import StoreAway

if TYPE_CHECKING:
    from smcp_security.stores.redis import RedisStore

_LONGEST = 4096


@click.command("revoke")
@click.option(
    "--store", "url", required=True, help="URL of the shared store; env:NAME keeps a password off the screen."
)
@click.option("--namespace", default="smcp", show_default=True, help="As store.namespace in the policy.")
@click.option("--jti", "token", nargs=2, metavar="ISSUER JTI", help="One token, by its issuer and id.")
@click.option("--subject", metavar="CALLER", help="A caller, such as 'jwt:https://as.example#ann' or key:OWNER.")
@click.option("--key", metavar="ID", help="One API key, by its id.")
@click.option("--for", "duration", metavar="TIME", help="How long, such as 30d; for ever if left out.")
@click.option("--lift", is_flag=True, help="Let it count again.")
@click.option("--list", "listing", is_flag=True, help="List what is revoked.")
@format_option
def command(
    url: str,
    namespace: str,
    token: tuple[str, str] | None,
    subject: str | None,
    key: str | None,
    duration: str | None,
    lift: bool,
    listing: bool,
    form: str,
) -> None:
    """Revoke a token, a caller or an API key; or, with --lift, let it count again.

    Every process that shares the store knows within five seconds. A token needs to stay revoked only until it expires:
    give --for its longest life.
    """
    name = _name(token, subject, key)
    if listing == bool(name):
        raise click.UsageError("expected one of --jti, --subject, --key and --list")
    if duration is not None and (lift or listing):
        raise click.UsageError("--for goes with neither --lift nor --list")
    seconds = None if duration is None else _seconds(duration)
    store = _opened(url, namespace)
    try:
        if listing:
            _print_names(sorted(store.standing(b"").names or ()), form)
        elif lift:
            _lift(store, name)
        else:
            store.revoke(name, seconds)
            _say(f"revoked {'for ever' if duration is None else 'for ' + duration}: {name}")
    except StoreAway as error:
        raise Failure("revoke", f"{error}; it may not be done: check --store and the server, then --list") from None
    finally:
        store.close()


def _name(token: tuple[str, str] | None, subject: str | None, key: str | None) -> str:
    """The name that checks look for; empty where none is given."""
    names = [] if token is None else [f"jti:{token[0]}#{token[1]}"] if all(token) else [""]
    names += [
        f"{kind}:{given}" if given else "" for kind, given in (("sub", subject), ("key", key)) if given is not None
    ]
    if len(names) > 1:
        raise click.UsageError("--jti, --subject and --key exclude each other; give one")
    if not names:
        return ""
    if not (0 < len(names[0]) <= _LONGEST):
        raise click.UsageError("a name is empty or too long")
    return _revocable(names[0])


def _revocable(name: str) -> str:
    from smcp_security.stores.store import revocable

    try:
        return revocable(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _seconds(duration: str) -> float:
    from smcp_security.policy.units import parse_duration

    try:
        seconds = parse_duration(int(duration) if duration.isascii() and duration.isdigit() else duration)
    except ValueError as error:
        raise click.UsageError(f"--for: {error}") from None
    if seconds == 0:
        raise click.UsageError("--for: expected more than 0 seconds; --lift lets it count again")
    return float(seconds)


def _opened(url: str, namespace: str) -> RedisStore:
    from smcp_security.errors import PolicyError
    from smcp_security.policy.store import StorePolicy
    from smcp_security.stores.store import MEMORY, open_remote, resolved

    # Refused as the policy would: what is revoked under another name stops nobody.
    try:
        policy = StorePolicy(namespace=namespace)
    except ValueError:
        raise click.UsageError("--namespace: expected letters, digits and . _ -, at most 64 characters") from None
    try:
        found = resolved(url, os.environ)
        if found == MEMORY:
            raise Failure(
                "revoke", "memory:// is inside each server process; restart it, or share a store (redis://...)"
            )
        return open_remote(found, policy.namespace, max(1.0, policy.timeout_ms / 1000))
    except PolicyError as error:
        raise Failure("revoke", str(error).replace("store.url", "--store")) from None


def _lift(store: RedisStore, name: str) -> None:
    if not store.restore(name):
        raise Failure("revoke", "it is not revoked; --list shows what is")
    _say(f"counts again: {name}")


def _print_names(names: list[str], form: str) -> None:
    if form == "json":
        print_json(names)
        return
    for name in names:
        _say(name)


def _say(line: str) -> None:
    """A name may hold anything: nothing of it may move the cursor."""
    encoding = sys.stdout.encoding or "ascii"
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)
    click.echo(shown.encode(encoding, "backslashreplace").decode(encoding))
