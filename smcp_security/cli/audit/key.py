"""`smcp audit key`: what tells the secret of an audit from another, and the public key that verifies it."""

from __future__ import annotations

import click

from smcp_security.cli.audit.agreed import opened_as_written
from smcp_security.cli.audit.source import Source, at_audit


@click.command("key")
@at_audit
def command(source: Source) -> None:
    """Show the fingerprint of an audit's secret, and with `signature: ed25519` the public key.

    The public key stands alone on the last line, for `smcp audit verify --public-key`: who has it can verify and cannot
    write. With `signature: hmac` there is none. The secret is never shown.
    """
    people, keys = opened_as_written(source)
    click.echo(f"fingerprint  {keys.fingerprint}")
    click.echo(f"signature    {'ed25519' if keys.public else 'hmac'}")
    click.echo(f"callers      {people.path}")
    if keys.public:
        click.echo(keys.public)
    else:
        click.echo("no public key: with hmac whoever can verify can also write (audit.signature: ed25519)", err=True)
