"""One worker process: spends from one counter as fast as it can, and prints how often it was let through.

`python -m tests.stores.worker URL NAMESPACE WORKERS BURST INTERVAL TRIES sync|async`, told "go" on stdin.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import cast

from smcp_security.checks.rung import Charge, Spend
from smcp_security.stores.shared import SharedStore
from smcp_security.stores.store import open_remote


def _told(state: str) -> None:
    print(state, flush=True)


async def _spend(store: SharedStore, question: Spend, tries: int) -> int:
    passed = 0
    for _ in range(tries // 10):
        asked = [_answer(store, question) for _ in range(10)]
        passed += (await asyncio.gather(*asked)).count(None)
    return passed


async def _answer(store: SharedStore, question: Spend) -> object:
    reply = store.answer_async(question)
    return await cast(Awaitable[object], reply) if asyncio.iscoroutine(reply) else reply


def main(url: str, namespace: str, workers: str, burst: str, interval: str, tries: str, kind: str) -> None:
    """Wait for the word, spend, and say how often it passed."""
    store = SharedStore(open_remote(url, namespace, 5.0), int(workers), _told)
    question = Spend([Charge("hammered", float(interval), int(burst))])
    print("ready", flush=True)
    sys.stdin.readline()
    if kind == "async":
        passed = asyncio.run(_spend(store, question, int(tries)))
    else:
        passed = sum(store.answer(question) is None for _ in range(int(tries)))
    store.close()
    print(f"passed {passed}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
