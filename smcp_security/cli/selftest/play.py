"""Fires the table at a server, row by row: each attack, and right behind it the honest twin that must pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from smcp_security.cli.selftest.came import Came, Kind, read
from smcp_security.cli.selftest.content_rows import CONTENT_ROWS
from smcp_security.cli.selftest.harmless import Harmless, found
from smcp_security.cli.selftest.identity_rows import IDENTITY_ROWS, QUERY_ROW, credential_of
from smcp_security.cli.selftest.meeting import Met, greet
from smcp_security.cli.selftest.shot import PATH, Shot, Voice
from smcp_security.cli.selftest.table import CONTENT, RATE, Row, Texts, Trial
from smcp_security.cli.selftest.wire import Place, Unreachable
from smcp_security.cli.selftest.wire_rows import WIRE_ROWS
from smcp_security.pins.escapes import shown

PATIENCE: Final = 120.0
"""Seconds that all waits for a server's rate limits may take together."""
_FLOOD: Final = 1_000
_PLAIN_WORDS: Final = ("notes", "notes.txt", "4711")
# Of these a contract or a schema is the cause: an argument that takes a name takes no sentence.
_STRICT: Final = "SMCP5"
FLOOD_ROW: Final = Row("SLF401", "flood", "one caller takes it all", "CWE-770", lambda voice: iter(()), RATE)
NAME_ROW: Final = Row(
    "SLF600", "routing-name", "HeaderMismatch: one tool for the gateway, one for the server", "CWE-444",
    lambda voice: iter(()), CONTENT,
)  # fmt: skip
_TOO_FAST: Final = "the server's rate limit answered instead; raise it for the test, or call less often"


class Status(StrEnum):
    """What a row came to, the gravest first."""

    THROUGH = "GOT THROUGH"
    TWIN = "twin refused"
    PASSED_ON = "passed on"
    HELD = "held"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Tried:
    """One spelling in one era, and what came of it and of its twin."""

    name: str
    era: str
    attack: Came
    twin: Came
    status: Status


@dataclass(frozen=True, slots=True)
class Result:
    """What a row came to. `why` says what kept it from being tried, or from its end."""

    row: Row | Texts
    tried: Sequence[Tried] = ()
    why: str = ""

    @property
    def status(self) -> Status:
        """That of the gravest spelling. Nobody knows of a row that it holds while some of it was not tried."""
        states = {each.status for each in self.tried}
        gravest = next((status for status in Status if status in states), Status.NOT_TRIED)
        return Status.NOT_TRIED if gravest is Status.HELD and self.cut_short else gravest

    @property
    def cut_short(self) -> bool:
        """Whether a rate limit answered in the place of what was to be tried."""
        return any(each.status is Status.NOT_TRIED for each in self.tried)

    @property
    def of_that_status(self) -> list[Tried]:
        """The spellings that made it so."""
        return [each for each in self.tried if each.status is self.status]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator has allowed: a tool by name, a flood, and the credential in a URL."""

    tool: str = ""
    argument: str = ""
    flood: bool = False
    query: bool = False


class Range:
    """Fires at one server. `say` hears of each row as it begins."""

    def __init__(self, place: Place, met: Met, wanted: Wanted, say: Callable[[str], None]) -> None:
        self._place = place
        self._met = met
        self._wanted = wanted
        self._say = say
        self._patience = PATIENCE
        self._gone = ""

    def run(self) -> Iterator[Result]:
        """The results of all rows, in the order of the table."""
        for row in WIRE_ROWS:
            yield self._played(row, row.trials)
        yield from self._identities()
        yield from self._contents()
        yield self._flood()
        self._leave()

    def _leave(self) -> None:
        """End what sessions there are; what comes of it is the server's affair."""
        for voice in self._met.voices:
            if voice.session:
                with suppress(Unreachable):
                    self._place.fire(voice.framed({}, ()).carrying(b"").by("DELETE"))

    # -- rows -----------------------------------------------------------------------------------------------------

    def _played(self, row: Row | Texts, trials: Callable[[Voice], Iterator[Trial]]) -> Result:
        self._say(row.slug)
        if self._gone:
            return Result(row, (), self._gone)
        tried: list[Tried] = []
        for voice in self._met.voices:
            name = "the twin"
            try:
                for trial in trials(voice):
                    name = trial.name
                    tried.append(self._fired(row, trial, voice))
            except Unreachable:
                return self._lost(row, tried, name, voice)
        why = "" if tried else "this server does not speak the era that it is about"
        result = Result(row, tried, why)
        return replace(result, why=_TOO_FAST) if result.cut_short else result

    def _lost(self, row: Row | Texts, tried: Sequence[Tried], name: str, voice: Voice) -> Result:
        """A server that answered a moment ago and cannot be reached any more."""
        self._gone = f"the server could not be reached any more after {row.code}, {name}"
        dead = Tried(name, voice.era, Came(Kind.FAILED), Came(Kind.GONE), Status.THROUGH)
        return Result(row, (*tried, dead), self._gone)

    def _identities(self) -> Iterator[Result]:
        known = credential_of(self._met.voices[0].credential) is not None
        for row in (*IDENTITY_ROWS, QUERY_ROW):
            if not known:
                yield Result(row, (), "no --header gives a credential that could be left out")
            elif row is QUERY_ROW and not self._wanted.query:
                yield Result(row, (), "it would put the credential into the server's log; add --token-in-query")
            else:
                yield self._played(row, row.trials)

    def _contents(self) -> Iterator[Result]:
        use = found(self._met.tools, self._wanted.tool, self._wanted.argument)
        why = plain = ""
        rows: Sequence[Row | Texts] = (NAME_ROW, *CONTENT_ROWS)
        if isinstance(use, str):
            why = use
        elif not self._gone:
            try:
                plain = self._plain_word(use)
            except Unreachable:
                yield self._lost(rows[0], (), "a plain word", self._met.voices[0])
                rows = rows[1:]
            why = f"{shown(use.tool, 60)} answers no plain word in {shown(use.argument, 60)}; name another --tool"
        for row in rows:
            if isinstance(use, str) or not plain:
                yield Result(row, (), self._gone or why)
            elif isinstance(row, Texts):
                yield self._texts(row, use, plain)
            else:
                yield self._named(use, plain)

    def _named(self, use: Harmless, plain: str) -> Result:
        """The name of another tool in the header, by which a gateway would route."""

        def trials(voice: Voice) -> Iterator[Trial]:
            if voice.modern:
                call = voice.call(use.tool, use.arguments(plain))
                yield Trial("another tool in Mcp-Name", call.setting("mcp-name", "selftest.other"), call)
                yield Trial("two tools in Mcp-Name", call.adding(("mcp-name", "selftest.other")), call)
                yield Trial("no Mcp-Name", call.without("mcp-name"), call)

        return self._played(NAME_ROW, trials)

    def _texts(self, texts: Texts, use: Harmless, plain: str) -> Result:
        def trials(voice: Voice) -> Iterator[Trial]:
            twin = self._twin(voice, texts, use, plain)
            for name, text in texts.attacks:
                yield Trial(name, voice.call(use.tool, use.arguments(text)),
                            voice.call(use.tool, use.arguments(twin)))  # fmt: skip

        return self._played(texts, trials)

    def _twin(self, voice: Voice, texts: Texts, use: Harmless, plain: str) -> str:
        """The honest text of this row; the plain word where a contract takes no more than a word."""
        came = self._asked(voice.call(use.tool, use.arguments(texts.twin)))
        return plain if came.held and came.code.startswith(_STRICT) else texts.twin

    def _plain_word(self, use: Harmless) -> str:
        """A word that the tool answers to in every era that is spoken; empty if there is none."""
        for word in _PLAIN_WORDS:
            answers = [self._asked(voice.call(use.tool, use.arguments(word))) for voice in self._met.voices]
            if all(_passes(came) for came in answers):
                return word
        return ""

    def _flood(self) -> Result:
        if self._gone or not self._wanted.flood:
            return Result(FLOOD_ROW, (), self._gone or "it slows others down; add --flood")
        self._say(FLOOD_ROW.slug)
        voice = self._met.voices[0]
        try:
            return Result(FLOOD_ROW, (self._flooded(voice),))
        except Unreachable:
            return self._lost(FLOOD_ROW, (), "many requests", voice)

    def _flooded(self, voice: Voice) -> Tried:
        for _ in range(_FLOOD):
            came = read(self._place.fire(voice.plain()))
            if came.kind is Kind.PACED:
                twin = self._asked(voice.plain())
                return Tried("many requests", voice.era, came, twin, Status.HELD if _passes(twin) else Status.TWIN)
        return Tried(f"{_FLOOD:,} requests", voice.era, came, came, Status.THROUGH)

    # -- shots ----------------------------------------------------------------------------------------------------

    def _fired(self, row: Row | Texts, trial: Trial, voice: Voice) -> Tried:
        attack = self._asked(trial.attack)
        twin = self._asked(trial.twin)
        if not _passes(twin) and not voice.modern and twin.status in (400, 404):
            # The session has ended; who attacks may end their own.
            before = voice.session
            if greet(self._place, voice):
                twin = self._asked(trial.twin.setting("mcp-session-id", voice.session) if before else trial.twin)
        return Tried(trial.name, voice.era, attack, twin, _status(row, trial, attack, twin))

    def _asked(self, shot: Shot) -> Came:
        """What comes, once a rate limit has been waited for."""
        while True:
            came = read(self._place.fire(shot))
            wait = max(came.wait, 0.05)
            if came.kind is not Kind.PACED or wait > self._patience:
                return came
            self._patience -= wait
            time.sleep(wait)


def _elsewhere(shot: Shot, came: Came) -> bool:
    """Whether a page of the site answered at another path, where no MCP server is."""
    return came.kind is Kind.STRANGE and shot.path.partition("?")[0] != PATH


def _status(row: Row | Texts, trial: Trial, attack: Came, twin: Came) -> Status:
    if Kind.PACED in (attack.kind, twin.kind):
        return Status.NOT_TRIED
    if not attack.held and not _elsewhere(trial.attack, attack):
        return Status.PASSED_ON if isinstance(row, Texts) and row.lenient else Status.THROUGH
    return Status.HELD if _passes(twin) else Status.TWIN


def _passes(came: Came) -> bool:
    # A tool that finds nothing under the name `notes` has been asked, which is all that a twin is for.
    return came.kind in (Kind.SERVED, Kind.OWN_ERROR)
