"""What the vault costs: a secret opened from the cache and cold, a file read, verified and rewrapped.

    python benchmarks/vault.py [--short] [--json]

Writes vaults into a folder of its own, which is removed again, and ends by itself. Exit code 1 if a value comes out
wrong: its numbers would mean nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.machine import tell
from benchmarks.samples import Samples, markdown
from smcp_security.checks.custody import AskSought, OpenSecret
from smcp_security.policy.vault import VaultPolicy
from smcp_security.vault.custody import Custody
from smcp_security.vault.keyring import MasterKey
from smcp_security.vault.passphrase import Derivation, key_from
from smcp_security.vault.providers import KeySource, from_callable
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Secret, Vault

VALUE_BYTES: Final = 40
"""As long as most tokens of APIs."""

HANDED_OUT: Final = 50
_WORDS: Final = "glider mocha trunk velvet oxide"


@dataclass(frozen=True, slots=True)
class Size:
    """How many secrets the large vault has, how often what is fast is measured, and how often what is slow."""

    secrets: int = 10_000
    blocks: int = 7
    rounds: int = 3_000
    repeats: int = 3


SHORT: Final = Size(secrets=1_000, blocks=3, rounds=300, repeats=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, in microseconds; `budget` is for p50, 0 for none."""

    what: str
    p50: float
    p99: float
    budget: float = 0.0


class Wrong(Exception):
    """Another value came out than was put in."""


def measure(folder: Path, size: Size) -> list[Row]:
    """All rows. Raises `Wrong`."""
    keys = [secrets.token_bytes(32) for _ in range(2)]
    values = {
        f"secret_{number}": secrets.token_bytes(VALUE_BYTES // 2).hex().encode() for number in range(size.secrets)
    }
    source = from_callable(lambda: keys)
    few = dict(list(values.items())[:HANDED_OUT])
    small, large = _made(folder / "small", source, few), _made(folder / "large", source, values)
    return [
        *_opening(folder / "small", source, few, size),
        *_cold(small, few, size),
        *_whole(folder / "large", large, source, MasterKey(keys[1], "the second key"), values, size),
        _passphrase(size),
    ]


def _made(path: Path, source: KeySource, values: dict[str, bytes]) -> Vault:
    vault = Vault(FileStore(str(path)), source, clock=time.time)
    vault.create()
    vault.put_all([Secret(name, value) for name, value in values.items()])
    return vault


def _opening(path: Path, source: KeySource, values: dict[str, bytes], size: Size) -> Iterator[Row]:
    """Through the custody of a running server: the first time, and then from its cache."""
    policy = VaultPolicy(file=str(path), key=("env:NOT_ASKED",))
    first, looked = Samples(), Samples()
    for _ in range(size.blocks):
        custody = Custody(policy, source)
        first.blocks.append([])
        looked.blocks.append([])
        for name in values:
            first.blocks[-1].append(_spent(partial(custody.open, OpenSecret(name))))
            looked.blocks[-1].append(_spent(partial(_look, custody)))
    for name, value in values.items():
        opened = custody.open(OpenSecret(name))
        _check(opened is not None and opened.value == value)
    questions = [OpenSecret(name) for name in values]
    yield _row("open, from the cache", _samples(lambda n: custody.open(questions[n % len(questions)]), size), 5)
    yield _row(
        "open, from the cache, on an event loop",
        _samples(lambda n: custody.open_async(questions[n % len(questions)]), size),
        5,
    )
    yield _row("open, the first time in a server", first, 100)
    yield _row(f"the next answer looked through: what to look for (1 to {HANDED_OUT} values) is compiled", looked)


def _look(custody: Custody) -> None:
    sought = custody.sought(AskSought())
    _check(sought is not None and not sought.find(["a short answer"], [""]))


def _cold(vault: Vault, values: dict[str, bytes], size: Size) -> Iterator[Row]:
    names = list(values)
    _check(all(vault.get(name).value == value for name, value in values.items()))
    contents = vault.current()
    lines = [contents.line(name) for name in names]
    found = [line for line in lines if line is not None]
    yield _row("open, cold: unwrap and decrypt", _samples(lambda n: contents.open(found[n % len(found)]), size), 100)
    yield _row("get, cold: and a look at the file", _samples(lambda n: vault.get(names[n % len(names)]), size), 100)
    yield _row(
        "put, with its write to the disk", _slow(lambda: vault.put("another", b"x" * VALUE_BYTES), 10 * size.repeats)
    )


def _whole(
    path: Path, vault: Vault, source: KeySource, second: MasterKey, values: dict[str, bytes], size: Size
) -> Iterator[Row]:
    count = f"{size.secrets:,} secrets"

    def fresh() -> Vault:
        return Vault(FileStore(str(path)), source, clock=time.time)

    yield _row(f"read and check a file of {count}", _slow(lambda: fresh().current(), size.repeats))
    yield _row(f"verify {count}: open each of them", _slow(vault.verify, size.repeats))
    vault.add_key(second)
    spent = Samples()
    fingerprints = [state.fingerprint for state in vault.verify().keys]
    for number in range(2 * size.repeats):
        vault.make_first(fingerprints[1 - number % 2])
        spent.blocks.append([_spent(lambda: _check(vault.rewrap() == len(values)))])
    yield _row(f"rewrap {count}, with the write", spent, 200 * size.secrets)
    _check(all(vault.get(name).value == value for name, value in values.items()))


def _passphrase(size: Size) -> Row:
    derivation = Derivation(secrets.token_bytes(16))
    return _row("a key of a passphrase (Argon2id)", _slow(lambda: key_from(_WORDS, derivation, "bench"), size.repeats))


def _samples(work: Callable[[int], object], size: Size) -> Samples:
    return Samples([[_spent(partial(work, n)) for n in range(size.rounds)] for _ in range(size.blocks)])


def _slow(work: Callable[[], object], times: int) -> Samples:
    return Samples([[_spent(work) for _ in range(times)]])


def _spent(work: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def _row(what: str, samples: Samples, budget: float = 0) -> Row:
    return Row(what, samples.p50, samples.p99, budget)


def _check(right: bool) -> None:
    if not right:
        raise Wrong


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    cells = [(row.what, _time(row.p50), _time(row.p99), _time(row.budget) if row.budget else "-") for row in rows]
    return markdown(("what", "p50", "p99", "budget"), cells)


def _time(microseconds: float) -> str:
    if microseconds >= 10_000:
        return f"{microseconds / 1000:,.0f} ms"
    return f"{microseconds:,.0f} µs" if microseconds >= 10 else f"{microseconds:.1f} µs"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a value came out wrong."""
    parser = argparse.ArgumentParser(description="What the vault costs.")
    parser.add_argument("--short", action="store_true", help="1,000 secrets and few rounds: a few seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(Path(folder), SHORT if options.short else Size())
    except Wrong:
        print("a secret came out wrong; nothing was measured", file=sys.stderr)
        return 1
    tell(rows, table(rows), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
