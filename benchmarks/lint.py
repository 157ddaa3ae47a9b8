"""How long `smcp lint` takes: whole processes, from the interpreter's start to the exit code.

python -m benchmarks.lint

A policy of 1,000 lines (budget 600 ms), of one line (250 ms to the first rule), and 500 small files (10 s).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

RUNS: Final = 5
FILES: Final = 500

_HEAD: Final = "version: 1\nidentity: {api_keys: {file: keys.yaml}}\nroles:\n"
_ROLE: Final = """\
  role{0}:
    extends: [{1}]
    allow:
      - {{ tools: ["service{0}.get_*", "service{0}.list_*"], resources: ["docs{0}://*"] }}
      - {{ tools: ["service{0}.send"], when: [{{ argument: amount, range: [0, {0}] }}] }}
    deny: [{{ tools: ["service{0}.get_secret"] }}]
"""
_SMALL: Final = """\
version: 1
server: {{ paths: [/mcp{0}], max_body: 512KiB }}
limits: [{{ per: caller, rate: {1}/minute }}]
"""


def long_policy(lines: int = 1_000) -> str:
    """A policy of about so many lines, in which nothing is in vain."""
    count = (lines - 3) // _ROLE.count("\n")
    return _HEAD + "".join(_ROLE.format(number, f"role{number - 1}" if number else "") for number in range(count))


def _time(*paths: str) -> tuple[float, int]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "smcp_security.cli", "lint", *paths]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    return time.perf_counter() - began, code


def _best(*paths: str, runs: int = RUNS) -> float:
    times = [_time(*paths) for _ in range(runs)]
    assert {code for _, code in times} == {0}, "the benchmark's policies are clean"
    return min(seconds for seconds, _ in times)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        long, short, many = Path(folder, "long.yaml"), Path(folder, "short.yaml"), Path(folder, "many")
        long.write_text(long_policy())
        short.write_text("version: 1\n")
        many.mkdir()
        for number in range(FILES):
            Path(many, f"{number}.yaml").write_text(_SMALL.format(number, number + 1))
        lines = long.read_text().count("\n")
        print(f"a policy of one line        {_best(str(short)) * 1e3:8.0f} ms")
        print(f"a policy of {lines:,} lines     {_best(str(long)) * 1e3:8.0f} ms   budget 600")
        print(f"{FILES} small files             {_best(str(many), runs=1) * 1e3:8.0f} ms   budget 10,000")


if __name__ == "__main__":
    main()
