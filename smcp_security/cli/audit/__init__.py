"""`smcp audit`: proves, reads, exports and cleans the record of verdicts. Each command loads when it is run."""

from __future__ import annotations

from typing import Final

import click

from smcp_security.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "checkpoint": "Print a line that proves what the audit holds now; keep it elsewhere.",
    "erase": "Destroy the key of a person: their records cannot be read any more, and still verify.",
    "export": "Write records as JSON Lines, CSV or OCSF; with --caller, those of one person alone.",
    "key": "Print the public key, or the fingerprint of the secret.",
    "purge": "Remove whole segments that are older than some time.",
    "search": "Find records by caller, tool, code and time.",
    "stats": "Count verdicts by action, code, tool, caller and hour.",
    "tail": "Show the last records, and with -f those that follow.",
    "verify": "Prove that nothing was changed, dropped, repeated or moved; say where if it was.",
}


@click.group("audit", cls=LazyGroup, package=__name__, summaries=COMMANDS, no_args_is_help=False)
def command() -> None:
    """Prove, read, export and clean the record of verdicts.

    Exit code 0: as it should be, 1: not so, or nothing found, 2: usage, or a file or key that cannot be used, 3: a file
    that was changed, cut or torn.
    """
