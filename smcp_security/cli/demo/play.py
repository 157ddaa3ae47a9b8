"""The demo's course: every act on both houses, and what came of it. Prints nothing."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smcp_security.audit.callers.people import open_people, people_file
from smcp_security.audit.reading.opening import opened as opened_record
from smcp_security.audit.reading.opening import record_of
from smcp_security.audit.record import encode
from smcp_security.cli.demo.acts import (
    Act,
    by_client,
    by_hand,
    flood,
    in_answers,
    in_definitions,
    ordinary,
    with_secret,
)  # fmt: skip
from smcp_security.cli.demo.courier import KEY
from smcp_security.cli.demo.guest import Got, Guest, direct, visiting
from smcp_security.cli.demo.house import House, opened
from smcp_security.cli.demo.traces import Search, search
from smcp_security.cli.environment import without_overrides
from smcp_security.cli.output import without_log
from smcp_security.decision import Decision, Finding


@dataclass(frozen=True, slots=True)
class Scene:
    """One act on one house: what the client got, and what was seen on the way. `code` is empty if it was let through.

    `status` is the HTTP status, `microseconds` the time from the headers to the verdict; 0 where there was none.
    """

    act: Act
    got: Got
    status: int
    reached: bool
    code: str = ""
    slug: str = ""
    microseconds: float = 0.0

    @property
    def worked(self) -> bool:
        """Whether the server did what was asked of it."""
        return self.got.done and (self.act.proof in self.got.text or self.act.proof in self.got.data)

    @property
    def held(self) -> bool:
        """Whether it went as it must behind the middleware."""
        if not self.act.code:
            return self.worked and self.reached and not self.code
        if not self.code.startswith(self.act.code) or self.reached is (self.act.outcome == "refused"):
            return False
        if self.act.outcome == "reported":
            return self.worked
        return not self.worked and self.act.kept in self.got.text


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the secret went: how often the courier took it, how many audit records tell of it, and where it was found
    when all that the house had let out was searched."""

    used: int
    recorded: int
    searched: tuple[Search, ...]

    @property
    def found(self) -> int:
        """How often it was found in all."""
        return sum(search.found for search in self.searched)


@dataclass(frozen=True, slots=True)
class Played:
    """All acts in order, each behind the middleware and on the bare server, where the secret went in both, and the
    seconds that all of it took."""

    guarded: Sequence[Scene]
    bare: Sequence[Scene]
    kept: Whereabouts
    spilt: Whereabouts
    seconds: float

    @property
    def inside(self) -> bool:
        """Whether the secret was used and stayed inside; a search that never finds anything proves nothing."""
        return self.kept.used == self.spilt.used > 0 and self.kept.found == 0 < self.spilt.found

    @property
    def held(self) -> bool:
        """Whether every expectation held."""
        return all(scene.held for scene in self.guarded) and self.inside


async def perform(audit: Path | None = None) -> Played:
    """Play everything; the audit is kept where `audit` says. Raises `OSError` if no port or folder can be had."""
    started = time.monotonic()
    # What the servers log about the attacks is in the table.
    with without_log(logging.CRITICAL), without_overrides(), tempfile.TemporaryDirectory(prefix="smcp-demo-") as folder:
        async with opened(Path(folder, "bare"), protected=False) as house:
            bare, spilt = await _scenes(house), _whereabouts(house)
        async with opened(Path(folder, "guarded"), protected=True, audit=audit) as house:
            guarded, kept = await _scenes(house), _whereabouts(house)
    return Played(guarded, bare, kept, spilt, time.monotonic() - started)


def _whereabouts(house: House) -> Whereabouts:
    recorded, audit = _recorded(house.audit)
    searched = (
        search("wire", bytes(house.traces.wire), KEY),
        search("log", bytes(house.traces.log), KEY),
        search("audit", audit, KEY),
    )
    return Whereabouts(house.courier.booked, recorded, searched)


def _recorded(file: Path) -> tuple[int, bytes]:
    """How many records tell of a secret that was given, and all that the audit says, sealed and opened."""
    if not file.exists():
        return 0, b""
    lines = file.read_bytes()
    people, _ = open_people(people_file(str(file), None), None, "hmac", {}, create=False)
    records = [opened_record(record, people) for line in lines.splitlines() if (record := record_of(line))]
    people.close()
    return sum(record["kind"] == "secret" for record in records), lines + b"".join(map(encode, records))


async def _scenes(house: House) -> list[Scene]:
    async with visiting(house) as guest:
        acts = (
            *ordinary("modern"), *ordinary("legacy"), *by_client(), *by_hand(), *in_answers(), *with_secret(),
            *in_definitions(),
        )  # fmt: skip
        scenes = [await _scene(act, guest) for act in acts]
    # The clients have gone: a blocked address could not even say goodbye.
    async with direct() as http:
        return [*scenes, await _scene(flood(), Guest(house, http))]


async def _scene(act: Act, guest: Guest) -> Scene:
    seen = guest.house.seen
    seen.clear()
    act.before(guest.house.shop)
    got = await act.play(guest)
    await asyncio.sleep(0)
    status = seen.statuses[-1] if seen.statuses else 0
    if not seen.verdicts:
        return Scene(act, got, status, seen.reached > 0)
    decision, microseconds = seen.verdicts[-1]
    found = _told(act, decision, seen.answers)
    code, slug = ("", "") if found is None else (found.code, found.slug)
    return Scene(act, got, status, seen.reached > 0, code, slug, microseconds)


def _told(act: Act, decision: Decision, answers: Sequence[Decision]) -> Finding | None:
    """What an act is told by: the refusal, or a finding in what came back, the expected one if it is there."""
    if not decision.allowed:
        return decision.blocking
    findings = [finding for answer in answers for finding in answer.findings]
    expected = (finding for finding in findings if act.code and finding.code.startswith(act.code))
    return next(expected, findings[0] if findings else None)
