"""How each client's script is run here: by which interpreter, with which environment."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.real.clients.journey import Command
from tests.real.clients.roster import Traveller
from tests.toolbox.legacy import legacy_python
from tests.toolbox.node import NodeTools, node_tools

SCRIPTS = Path(__file__).parent / "scripts"


def command(client: Traveller) -> Command:
    """The command of a client's script.

    Raises:
        Missing: without the tool that it needs.
    """
    script = str(SCRIPTS / client.script)
    if client.needs == "node":
        return _by_node(client, script, node_tools())
    interpreter = str(legacy_python()) if client.needs else sys.executable
    # No proxy and no setting of the developer's shell: only the way to its programs.
    return Command((interpreter, script), {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"})


def _by_node(client: Traveller, script: str, tools: NodeTools) -> Command:
    home = Path(tempfile.gettempdir()) / "smcp-clients"
    # The inspector is started dozens of times: compiled once, it is ready in half the time.
    surroundings = {**tools.environment(home), "NODE_COMPILE_CACHE": str(home / "compiled")}
    if script.endswith(".py"):
        inspector = str(tools.script("@modelcontextprotocol/inspector", "mcp-inspector"))
        return Command((sys.executable, script, str(tools.node), inspector), surroundings)
    return Command((str(tools.node), script, str(tools.modules)), surroundings)
