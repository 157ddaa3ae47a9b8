"""Node and the npm packages that the tests run, at the versions they were written against."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.toolbox.shelf import Missing, installed, run

PACKAGES = {
    # The machine's Node may be older than the suite needs (22), so Node comes from npm as well.
    "node": "24",
    "@modelcontextprotocol/client": "2.4.0",
    "@modelcontextprotocol/conformance": "0.2.0-alpha.12",
    "@modelcontextprotocol/inspector": "2.12.0",
    "@modelcontextprotocol/sdk": "1.32.2",
    "@modelcontextprotocol/server-everything": "2026.8.31",
    "@modelcontextprotocol/server-filesystem": "2026.8.31",
}


@dataclass(frozen=True)
class NodeTools:
    """`node` is the executable; `modules` is the `node_modules` folder with the packages."""

    node: Path
    modules: Path

    def script(self, package: str, name: str) -> Path:
        """The file behind the command `name` of `package`, for `node` to run."""
        home = self.modules / package
        described: dict[str, Any] = json.loads((home / "package.json").read_text())
        commands = described["bin"]
        return home / (commands if isinstance(commands, str) else commands[name])

    def version(self, package: str) -> str:
        """The version of an installed package."""
        return str(json.loads((self.modules / package / "package.json").read_text())["version"])

    def environment(self, home: Path) -> dict[str, str]:
        """A process environment in which `node` is this one and what a tool keeps goes to `home`."""
        path = f"{self.node.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(home), "NODE_PATH": str(self.modules), "NO_COLOR": "1"}


def node_tools() -> NodeTools:
    """Node 24 with its packages, installed by `npm` at first use (about 350 MB).

    Raises:
        Missing: without `npm` or its registry.
    """
    modules = installed("node", json.dumps(PACKAGES), _install) / "node_modules"
    return NodeTools(modules / "node" / "bin" / "node", modules)


def _install(folder: Path) -> None:
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
    run(
        "Node 24", ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], folder=folder
    )
    if not (folder / "node_modules" / "node" / "bin" / "node").exists():
        raise Missing("Node 24: npm installed its package without an executable for this platform")
