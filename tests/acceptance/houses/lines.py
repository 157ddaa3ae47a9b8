"""A program: the obedient server over its standard input and output, without any SDK."""

from __future__ import annotations

import json
import sys

from tests.acceptance.obedient import Obedient


def main() -> None:
    """Answer until there is no more to read."""
    house = Obedient()
    for line in sys.stdin.buffer:
        answer = house.answer(json.loads(line))
        if answer is not None:
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
