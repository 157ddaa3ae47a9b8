"""Coverage-guided fuzzing: `python -m tests.fuzz TARGET --seconds 60`, or `all` for every target, two at a time.

Ends with 0 if nothing was found, 1 with the input saved and the command that shows it again, 3 where atheris is
missing. It is installed by `pip install -e '.[dev,fuzz]'` (atheris 3 is for CPython 3.11 to 3.13, Linux and macOS).
Coverage is that of Python code: msgspec, RE2 and the scanner of `json` are C and give none.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import corpus, session
from tests.fuzz.targets import TARGETS

AT_ONCE = 2


def main() -> int:
    """Run what the command line asks for; the exit status."""
    asked = _arguments()
    names = list(TARGETS) if asked.target == "all" else [asked.target]
    if asked.replay:
        return _replay(asked.target, asked.replay)
    if lacking := session.missing():
        print(f"missing: {lacking}")
        return 3
    if asked.keep:
        return _keep(asked.target, asked.keep)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        records = pool.map(lambda name: session.fuzz(name, asked.seconds, asked.corpus, asked.seed), names)
        return max([_report(record) for record in records])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Coverage-guided fuzzing.")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs")
    parser.add_argument("--corpus", type=Path, help="a folder whose inputs are used and added to; for one target")
    parser.add_argument("--seed", type=int, default=0, help="try the same inputs each time (default: others)")
    parser.add_argument("--replay", type=Path, help="judge one saved input; needs no atheris")
    parser.add_argument("--keep", type=Path, help="add the interesting inputs of a folder to the kept ones")
    asked = parser.parse_args()
    for path in (asked.replay, asked.keep):
        if path is not None and not path.exists():
            parser.error(f"{path}: no such file or folder")
    if asked.target == "all" and (asked.corpus or asked.replay or asked.keep):
        parser.error("--corpus, --replay and --keep are for one target")
    return asked


def _replay(name: str, path: Path) -> int:
    TARGETS[name].harness().judge(path.read_bytes())
    print(f"{name}: {path} shows nothing")
    return 0


def _keep(name: str, folder: Path) -> int:
    count = corpus.keep(name, session.minimised(name, folder))
    print(f"{name}: {count} inputs kept")
    return 0


def _report(record: session.Record) -> int:
    print(record.line(), flush=True)
    if not record.failed:
        return 0
    print("\n".join(line for line in record.output.splitlines()[-60:] if not line.startswith("INFO")))
    if record.finding is not None:
        print(f"again: python -m tests.fuzz {record.target} --replay {record.finding}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
