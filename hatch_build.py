"""Build hook: a wheel carries each folder of rules as one JSON file in place of YAML, so that it starts without YAML.

The documents are copied as they are; the package checks them when it reads them, whichever form they come in.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from ruamel.yaml import YAML

RULES = ("smcp_security/rules", "smcp_security/redaction/rules")


def compiled(folder: Path) -> str:
    """The YAML files of a folder as one JSON object, by file name. A folder without rules is an error."""
    documents = {path.name: YAML(typ="safe", pure=True).load(path) for path in sorted(folder.glob("*.yaml"))}
    if not documents:
        raise FileNotFoundError(f"no rule files (*.yaml) in {folder}")
    return json.dumps(documents, sort_keys=True, separators=(",", ":"))


class RulesHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the rules into a wheel. An editable install reads the YAML files of the source tree."""

    PLUGIN_NAME = "custom"

    @property
    def _scratch(self) -> Path:
        return Path(self.directory) / ".rules"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatchling calls this before it collects files."""
        if self.target_name != "wheel" or version == "editable":
            return
        for number, folder in enumerate(RULES):
            target = self._scratch / str(number) / "compiled.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(compiled(Path(self.root) / folder), encoding="utf-8")
            build_data["force_include"][str(target)] = f"{folder}/compiled.json"
            self.build_config.target_config.setdefault("exclude", []).append(f"/{folder}/*.yaml")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Hatchling calls this when the wheel is written."""
        shutil.rmtree(self._scratch, ignore_errors=True)
