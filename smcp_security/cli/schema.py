"""`smcp schema`: the JSON Schema of the policy file. Prints it and knows nothing of what it says."""

from __future__ import annotations

import click

from smcp_security.cli.output import print_json


@click.command("schema")
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of the policy file.

    Editors complete and check a policy that names it:

    \b
      smcp schema > policy.schema.json
      # yaml-language-server: $schema=policy.schema.json
    """
    from smcp_security.policy import json_schema

    print_json(json_schema())
