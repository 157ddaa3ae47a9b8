"""`smcp` run inside the test, with streams of its own."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from smcp_security.cli import main


@dataclass(frozen=True)
class Run:
    """What a command left behind: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line of an error; nothing may stand on stdout then, and no traceback anywhere."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert self.out == ""
        return lines[0]


def smcp(*arguments: str, stdin: io.RawIOBase | bytes = b"") -> Run:
    """Run `smcp` with these arguments."""
    buffer = io.BytesIO(stdin) if isinstance(stdin, bytes) else io.BufferedReader(stdin)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "stdin", io.TextIOWrapper(buffer, "utf-8"))
        with pytest.raises(SystemExit) as end:
            main(arguments)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    assert isinstance(end.value.code, int)
    return Run(end.value.code, *texts)
