"""Runs a command as a user's program is run: also where the tests run as root, which may read everything."""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES = 0x20080522


def main() -> None:
    """Give up every capability for good, and become the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    version, none = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) or libc.capset(version, none):
        raise OSError(ctypes.get_errno(), "privileges cannot be given up")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
