"""A vault and an operator at the command line, for tests of `smcp vault`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from smcp_security.vault.key_text import new_key
from tests.cli.terminal import Run, smcp

VALUE = "-".join(("value", "of", "github", "7Kq2"))


class Desk:
    """An operator whose commands all name one vault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "vault.smcp"

    @classmethod
    def with_vault(cls, folder: Path) -> Desk:
        """One whose vault has been made, with the key of SMCP_VAULT_KEY."""
        desk = cls(folder)
        desk.done("init")
        return desk

    def run(self, *arguments: str, stdin: bytes = b"") -> Run:
        """`smcp vault` with these arguments and the name of the vault."""
        return smcp("vault", *arguments, "--file", str(self.file), stdin=stdin)

    def done(self, *arguments: str, stdin: bytes = b"") -> Run:
        """`run`, of what must not fail."""
        run = self.run(*arguments, stdin=stdin)
        assert run.code == 0, run.err
        return run

    def put(self, name: str, value: str = VALUE, *options: str) -> Run:
        """A value stored."""
        return self.done("set", name, *options, stdin=value.encode())

    def facts(self, *options: str) -> Any:
        """What `list` says, for programs."""
        return self.done("list", "--format", "json", *options).json

    def private(self, name: str, text: str) -> str:
        """The name of a new file that only its owner may read."""
        path = self.folder / name
        path.write_text(text)
        os.chmod(path, 0o600)
        return str(path)

    def key_file(self, name: str) -> str:
        """The name of a file with a fresh key."""
        return self.private(name, new_key())
