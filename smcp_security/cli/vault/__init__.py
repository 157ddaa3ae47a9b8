"""`smcp vault`: makes a vault, puts secrets in and takes them out, exchanges its keys. No value is ever an argument."""

from __future__ import annotations

import click

from smcp_security.cli.vault.arguments import DiscreetGroup
from smcp_security.cli.vault.beginning import init
from smcp_security.cli.vault.contents import list_, prune, rm
from smcp_security.cli.vault.exchange import rewrap, rotate
from smcp_security.cli.vault.proof import verify
from smcp_security.cli.vault.secret import get, set_


@click.group("vault", cls=DiscreetGroup, no_args_is_help=False)
def command() -> None:
    """Keep the secrets of tools in a sealed file.

    \b
      export SMCP_VAULT_KEY=$(smcp vault init --file vault.smcp --new-key)
      printf %s "$TOKEN" | smcp vault set github --file vault.smcp
      smcp vault list --file vault.smcp
      smcp vault verify --file vault.smcp

    The vault is named by --file, or by the `vault` section of the policy (--policy, or the variable SMCP_POLICY).
    Exit code 0: done, 1: not confirmed, 2: usage, or a vault or key that cannot be used, 3: a vault that is torn,
    tampered with or rolled back.
    """


for _each in (init, set_, get, list_, rm, prune, rotate, rewrap, verify):
    command.add_command(_each)
