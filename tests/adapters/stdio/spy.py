"""Looks for the credential in the environment of its parent; the exit code says whether it could be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """The first argument if it was there, the second if the environment cannot be read."""
    try:
        environment = Path(f"/proc/{os.getppid()}/environ").read_bytes()
    except PermissionError:
        return int(sys.argv[2])
    return int(sys.argv[1]) if b"SMCP_CREDENTIAL=secret" in environment else 0


if __name__ == "__main__":
    raise SystemExit(main())
