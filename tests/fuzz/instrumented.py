"""The process that fuzzes one target: instruments the code while it is imported, then hands over to libFuzzer.

Imports nothing that is to be instrumented before that: it is told the harness and the packages, both by name.
`python -m tests.fuzz.instrumented tests.fuzz.sse smcp_security,tests [FOLDERS AND FLAGS OF LIBFUZZER]`
"""

from __future__ import annotations

import logging
import shlex
import sys
from importlib import import_module
from random import Random

import atheris

from tests.fuzz.mutation import exchanged


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    module, packages, *flags = sys.argv[1:]
    with atheris.instrument_imports(include=packages.split(",")):
        harness = import_module(module)
    # A million refusals would fill the disk with warnings.
    logging.disable(logging.CRITICAL)
    # A merge starts the program again and again, by the shell.
    again = shlex.join([sys.executable, "-m", "tests.fuzz.instrumented", module, packages])
    atheris.Setup([again, *flags], harness.judge, custom_mutator=_mutated)
    atheris.Fuzz()


def _mutated(data: bytes, size: int, seed: int) -> bytes:
    """Every other time a change that keeps JSON whole, where there is JSON; else one of libFuzzer's own."""
    changed = exchanged(data, Random(seed)) if seed % 2 else None
    return changed if changed is not None and len(changed) <= size else atheris.Mutate(data, size)


main()
