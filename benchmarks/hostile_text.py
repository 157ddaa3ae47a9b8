"""What the rulebook costs on hostile text that it has not seen before.

    python benchmarks/hostile_text.py [--rules [SMCP631]]

RE2's automaton is built while it runs, so a text costs most on first sight and a repeated one hides that: every round
below is a new text. The first column is the first text of its kind, the others the rounds after it. `--rules` makes
families of every rule, or of one: pieces of what it matches, and whole samples.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import time
from collections.abc import Callable, Mapping

from smcp_security.rulebook import Rulebook, load, read_rules

SIZE = 100_000
ROUNDS = 7
BUDGET_MS = 6.0

Maker = Callable[[random.Random], str]

SAMPLES = [str(sample) for rule in read_rules() for sample in rule.match if len(str(sample)) < 200]


def _repeated(piece: str) -> str:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


def _filled(make: Callable[[], str]) -> str:
    pieces: list[str] = []
    size = 0
    while size < SIZE:
        pieces.append(make())
        size += len(pieces[-1])
    return "".join(pieces)[:SIZE]


def _letters(rng: random.Random, low: int, high: int) -> str:
    return "".join(chr(rng.randrange(low, high)) for _ in range(SIZE))


def _prefixes(rng: random.Random) -> str:
    def prefix() -> str:
        sample = rng.choice(SAMPLES)
        return sample[: rng.randrange(len(sample))]

    return _filled(prefix)


def _middles(rng: random.Random) -> str:
    def middle() -> str:
        sample = rng.choice(SAMPLES)
        start = rng.randrange(len(sample))
        return sample[start : start + rng.randrange(1, 6)]

    return _filled(middle)


def _base64_words(rng: random.Random) -> str:
    return _filled(lambda: base64.b64encode(_letters_of(rng, 18).encode()).decode() + " ")


def _letters_of(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz /;'") for _ in range(count))


KINDS: Mapping[str, Maker] = {
    "random printable": lambda rng: _letters(rng, 32, 127),
    "random letters": lambda rng: _filled(lambda: _letters_of(rng, 50)),
    "random Latin-1": lambda rng: _letters(rng, 32, 256),
    "random Unicode": lambda rng: _letters(rng, 32, 0xD7FF),
    "beginnings of attacks": _prefixes,
    "middles of attacks": _middles,
    "whole attacks": lambda rng: _filled(lambda: rng.choice(SAMPLES)),
    "one attack, repeated": lambda rng: _repeated(rng.choice(SAMPLES)),
    "one attack, repeated with spaces": lambda rng: _repeated(rng.choice(SAMPLES) + " " * rng.randrange(40)),
    "openers": lambda rng: _filled(
        lambda: rng.choice(["{{", "${", "<!--", "' or ", "$(", "../", "`", ";", "<", "union "])
    ),
    "openers and spaces": lambda rng: _filled(lambda: rng.choice(["' or", "union", ";", "{{", "ignore"]) + " " * 300),
    "percent": lambda rng: _filled(lambda: f"%{rng.randrange(32, 127):02x}"),
    "double percent": lambda rng: _filled(lambda: f"%25{rng.randrange(32, 127):02x}"),
    "numeric entities": lambda rng: _filled(lambda: f"&#{rng.randrange(32, 127)};"),
    "backslash escapes": lambda rng: _filled(lambda: f"\\u{rng.randrange(32, 0xFFF):04x}"),
    "Base64": lambda rng: _base64_words(rng),
    "one Base64 run": lambda rng: base64.b64encode(_letters(rng, 32, 127).encode()).decode()[:SIZE],
    "combining marks": lambda rng: _filled(lambda: "a" + chr(rng.randrange(0x300, 0x36F)) * 29),
    "marks without end": lambda rng: "a" + "".join(chr(rng.randrange(0x300, 0x36F)) for _ in range(SIZE)),
    "hidden characters": lambda rng: _filled(
        lambda: rng.choice("\u200b\u200c\u2060\u00ad") + chr(rng.randrange(97, 123))
    ),
    "expanding characters": lambda rng: _filled(lambda: rng.choice("\ufdfa\u33af\u3300\ufb03")),
    "words of several scripts": lambda rng: _filled(
        lambda: (
            "".join(
                chr(rng.choice((0x430, 0x435, 0x43E, 0x3BF, 0x455)) if rng.random() < 0.5 else 0x61 + rng.randrange(26))
                for _ in range(6)
            )
            + " "
        )
    ),
    "prose of another script": lambda rng: _filled(lambda: chr(rng.randrange(0x430, 0x450)) * 3 + " "),
    "hex runs": lambda rng: _filled(lambda: rng.choice(("0x", "\\x", "")) + rng.randbytes(12).hex() + " "),
    "tag characters": lambda rng: _filled(lambda: chr(0xE0000 + rng.randrange(0x20, 0x7F))),
    "a text of JSON": lambda rng: "{" + _filled(lambda: f'"{_letters_of(rng, 5).strip()}":"x",').rstrip(",") + "}",
    "full-width": lambda rng: _filled(lambda: chr(rng.randrange(0xFF01, 0xFF5E))),
}


def fresh(rulebook: Rulebook, make: Maker, name: str) -> list[float]:
    """Milliseconds of this thread in the first scan of each of some new texts."""
    times = []
    for number in range(ROUNDS):
        text = make(random.Random(f"{name} {number}"))
        start = time.thread_time()
        rulebook.scan([text])
        times.append((time.thread_time() - start) * 1e3)
    return times


def of_rule(samples: list[str]) -> Mapping[str, Maker]:
    """The families of one rule: pieces of its samples that wake its atoms, and the samples themselves."""

    def piece(rng: random.Random) -> str:
        sample = rng.choice(samples)
        start = rng.randrange(len(sample))
        return sample[start : start + rng.randrange(2, 24)] + _letters_of(rng, rng.randrange(6))

    return {
        "pieces": lambda rng: _filled(lambda: piece(rng)),
        "samples": lambda rng: _filled(lambda: rng.choice(samples) + " " + _letters_of(rng, rng.randrange(9))),
    }


def rule_families(only: str = "") -> dict[str, Maker]:
    """The families of every rule, or of one."""
    found: dict[str, Maker] = {}
    for rule in read_rules():
        samples = [text for text in map(str, rule.match) if 0 < len(text) < 2000]
        if only in ("", rule.id) and samples and rule.detect:
            found |= {f"{rule.id} {rule.slug}: {name}": make for name, make in of_rule(samples).items()}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the table; exit code 1 if a median is over the budget."""
    parser = argparse.ArgumentParser(description="What the rulebook costs on text that it has not seen before.")
    parser.add_argument("--rules", nargs="?", const="", metavar="ID", help="a family of every rule, or of one")
    options = parser.parse_args(arguments)
    rulebook = load(level=2)
    over = 0
    print(f"{'new text of 100 KB, milliseconds':<44}{'first':>8}{'median':>8}{'worst':>8}")
    kinds = KINDS if options.rules is None else rule_families(options.rules)
    for name, make in kinds.items():
        first, *later = fresh(rulebook, make, name)
        median = sorted(later)[len(later) // 2]
        over += median > BUDGET_MS
        mark = "  over budget" if median > BUDGET_MS else ""
        print(f"{name:<44}{first:>8.2f}{median:>8.2f}{max(later):>8.2f}{mark}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
