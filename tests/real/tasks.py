"""Which tasks of the event loop outlive what a test did."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.real.house import PATIENCE


def running() -> set[asyncio.Task[Any]]:
    """Every task of this loop, as a baseline."""
    return asyncio.all_tasks()


async def left_over(before: set[asyncio.Task[Any]]) -> list[str]:
    """The names of tasks begun since `before` that do not end by themselves."""
    begun = asyncio.all_tasks() - before - {asyncio.current_task()}
    if begun:
        await asyncio.wait(begun, timeout=PATIENCE)
    return [str(task.get_coro()) for task in begun if not task.done()]
