"""What is wrong with what a client got of an answer, and what the audit says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from smcp_security import SMCPSecurityFramework
from tests.acceptance.answer_rows import Told
from tests.audit.records import read_records

_HELD: Final = ("content", "structuredContent", "contents", "messages", "tools")


@dataclass
class Overseen:
    """A framework, and its audit as far as it was not read yet."""

    framework: SMCPSecurityFramework
    file: Path
    read: int = 0

    def codes(self) -> list[str]:
        """The codes that were written down since this was asked last."""
        assert self.framework.flush()
        records = read_records(self.file)
        new, self.read = records[self.read :], len(records)
        return [found["code"] for record in new for found in record.get("findings", ())]


def answer_fault(told: Told, body: bytes, codes: list[str]) -> str:
    """What is wrong with an answer as it came; empty if nothing is."""
    answer = json.loads(body)
    if "result" not in answer:
        return f"withheld: {body[:200]!r}"
    came = {key: answer["result"].get(key) for key in _HELD}
    shown = json.dumps(came, ensure_ascii=False)
    if not told.hostile:
        if codes:
            return f"an honest answer was reported: {codes}"
        return "" if came == {key: told.result.get(key) for key in _HELD} else f"an honest answer came as {shown[:200]}"
    if not codes:
        return "nothing was written down"
    if came == {key: told.result.get(key) for key in _HELD}:
        return "it came as it was"
    if left := [text for text in told.lacks if _stands(text, came, shown)]:
        return f"it still holds {left[0]!a}"
    missing = [text for text in told.holds if not _stands(text, came, shown)]
    return f"it has lost {missing[0]!a}: {shown[:200]}" if missing else ""


def _stands(text: str, came: dict[str, Any], shown: str) -> bool:
    """Whether a text stands in the values that came, whatever JSON makes of its characters."""
    return text in shown or any(text in each for each in _texts(came))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for member in members for text in _texts(member)]
