"""One run of the fuzzer: its folders, its flags, and what it said at the end."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
FINDINGS: Final = ROOT / "build" / "fuzz-findings"
"""Beside what is built, which is not part of the project."""
HANG: Final = 20
"""Seconds for one input. Inputs are short, so whatever takes longer than this does not end."""

MEMORY: Final = 2_048
"""MiB."""

_STATE: Final = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/\S+.*?exec/s: (\d+)")
_TEST: Final = re.compile(r"Test unit written to (\S+)")


@dataclass(frozen=True)
class Record:
    """What a run came to. `output` is the whole of what the fuzzer said."""

    target: str
    executions: int
    rate: int
    coverage: int
    features: int
    inputs: int
    finding: Path | None
    failed: bool
    output: str

    def line(self) -> str:
        """The record in one line."""
        verdict = "failed" if self.failed else "nothing found"
        return (
            f"{self.target}: {self.executions} executions, {self.rate} a second, coverage {self.coverage} "
            f"({self.features} features), {self.inputs} inputs, {verdict}"
        )


def missing() -> str:
    """What this interpreter lacks to fuzz, or nothing."""
    return "" if importlib.util.find_spec("atheris") else "atheris (pip install -e '.[fuzz]'; Linux and macOS)"


def fuzz(name: str, seconds: int, folder: Path | None = None, seed: int = 0) -> Record:
    """Fuzz one target for some seconds, from what is kept, its seeds and what is in `folder`, which grows.

    The same `seed` tries the same inputs in the same order; 0 tries others each time.
    """
    with tempfile.TemporaryDirectory(prefix="smcp-fuzz-") as scratch:
        grown = folder or Path(scratch) / "corpus"
        grown.mkdir(parents=True, exist_ok=True)
        given = Path(scratch) / "given"
        corpus.unpack([*corpus.kept(name), *TARGETS[name].harness().seeds()], given)
        words = _dictionary(name, Path(scratch))
        flags = [f"-seed={seed}", f"-max_total_time={seconds}", f"-dict={words}", *_bounds(name)]
        done = _run(name, [str(grown), str(given), *flags])
    return _record(name, done)


def minimised(name: str, folder: Path) -> list[bytes]:
    """The fewest inputs of `folder` and the kept ones that cover what the seeds alone do not."""
    seeds = set(TARGETS[name].harness().seeds())
    with tempfile.TemporaryDirectory(prefix="smcp-fuzz-") as scratch:
        few, given = Path(scratch) / "few", Path(scratch) / "given"
        corpus.unpack(seeds, few)
        # A copy: a fuzzer at work on the folder takes files away.
        corpus.unpack([*corpus.kept(name), *corpus.packed(folder)], given)
        done = _run(name, ["-merge=1", str(few), str(given), *_bounds(name)])
        if done.returncode:
            raise RuntimeError(done.stdout[-2_000:])
        return [data for data in corpus.packed(few) if data not in seeds]


def _bounds(name: str) -> list[str]:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    return [
        f"-max_len={TARGETS[name].longest}",
        f"-timeout={HANG}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={FINDINGS}/{name}-",
        "-print_final_stats=1",
    ]


def _dictionary(name: str, folder: Path) -> Path:
    path = folder / "words.dict"
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in TARGETS[name].harness().WORDS)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _run(name: str, flags: list[str]) -> subprocess.CompletedProcess[str]:
    target = TARGETS[name]
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.instrumented", target.module, ",".join(target.instrumented), *flags],
        cwd=ROOT,
        # Orders of sets would make two runs of one seed different.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _record(name: str, done: subprocess.CompletedProcess[str]) -> Record:
    states = _STATE.findall(done.stdout)
    executions, coverage, features, inputs, rate = map(int, states[-1]) if states else (0,) * 5
    written = _TEST.search(done.stdout)
    finding = Path(written.group(1)) if written is not None else None
    return Record(name, executions, rate, coverage, features, inputs, finding, done.returncode != 0, done.stdout)
