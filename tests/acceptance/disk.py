"""The folder of row 15: links that stay inside of a root, and links that leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

FOLDER: Final = "@folder@"
"""Stands for that folder in policies and messages."""


def furnish(folder: Path) -> None:
    """Put a root into the folder, a secret beside it, and links to both into the root."""
    root, outside = folder / "root", folder / "outside"
    (root / "real").mkdir(parents=True)
    outside.mkdir()
    (root / "notes.txt").write_text("notes")
    (root / "real" / "notes.txt").write_text("notes")
    (outside / "secret.txt").write_text("secret")
    (root / "here").symlink_to(root / "real")
    (root / "out").symlink_to("/etc")
    (root / "far").symlink_to("../outside")
    (root / "chain").symlink_to("far")


def placed(value: Any, folder: Path) -> Any:
    """The value with the real folder in place of its stand-in, in keys and values alike."""
    if isinstance(value, str):
        return value.replace(FOLDER, str(folder))
    if isinstance(value, list | tuple):
        return [placed(item, folder) for item in value]
    if isinstance(value, dict):
        return {placed(key, folder): placed(item, folder) for key, item in value.items()}
    return value
