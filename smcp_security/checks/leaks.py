"""The leaks rung: what the vault has handed out is masked wherever the server says it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from smcp_security.checks import protocol_places
from smcp_security.checks.custody import AskSought
from smcp_security.checks.edits import with_value
from smcp_security.checks.fitting import fits, schema_of
from smcp_security.checks.masking import Masked, Place, masked
from smcp_security.checks.repeats import TooManyRepeats
from smcp_security.checks.rung import Context, Run, Rung
from smcp_security.checks.said import fields
from smcp_security.checks.shown import shown
from smcp_security.decision import CLEAN, Action, Finding, Outcome, finding
from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.redaction.sought import LeakFlood, Sought
from smcp_security.schemas import ToolSchema

MAX_FINDINGS: Final = 20


def build() -> Rung:
    """Masks what it finds (SMCP922), in monitor mode too: a secret that has left cannot be called back."""

    def leaks(context: Context) -> Run[Outcome]:
        sought, message = (yield from AskSought().ask()), context.message
        if sought is None or message is None:
            return CLEAN
        try:
            if not _suspect(sought, message):
                return CLEAN
            found, kept = _masked(sought, message)
            if kept:
                return _withheld(where=shown(kept[0]), about=_names(sought, message))
        except (LeakFlood, TooManyRepeats):
            return _withheld("more of it than one message may hold")
        if found is None:
            return CLEAN
        schema = yield from schema_of(context, message, found.places)
        reports = _findings(found.places, schema)
        if not fits(message.value, found.value, schema):
            about = reports[0].about
            return Outcome((*reports, *_withheld(where="/result/structuredContent", about=about).findings))
        return Outcome(reports, edit=with_value(message, found.value))

    return leaks


def build_last() -> Rung:
    """The last look, at the bytes that go out: what still stands in them is withheld (SMCP923)."""

    def last(context: Context) -> Run[Outcome]:
        sought = yield from AskSought().ask()
        raw = context.raw if context.message is None else context.message.raw
        if sought is None or raw is None:
            return CLEAN
        try:
            if not sought.stands_in(raw):
                return CLEAN
            return _withheld(about=", ".join(sought.names_of(raw.decode("utf-8", "replace"))))
        except LeakFlood:
            return _withheld("more of it than one message may hold")

    return last


def _suspect(sought: Sought, message: Message) -> bool:
    """Whether a secret may stand in the bytes of the message, or in what is packed in it."""
    if sought.suspects(message.raw):
        return True
    packs = fields(message).packed or ()
    return bool(packs and sought.find([text for _, text in packs], [""] * len(packs)))


def _masked(sought: Sought, message: Message) -> tuple[Masked | None, list[Path]]:
    """The message with everything masked, and the places where a secret stands and nothing can be masked."""
    kept: list[Path] = []

    def covers(path: Path, is_key: bool, kind: str) -> bool:
        if protocol_places.covers(path, is_key, "secrets"):
            return True
        kept.append(path)
        return False

    return masked(message.value, fields(message), sought.find, covers), kept


def _names(sought: Sought, message: Message) -> str:
    said = fields(message)
    return ", ".join(sorted({span.kind for span in sought.find(said.texts, said.names)}))


def _withheld(hint: str = "", *, where: str = "", about: str = "") -> Outcome:
    return Outcome((replace(finding("SMCP923", where, hint=hint), about=about),))


def _findings(places: Sequence[Place], schema: ToolSchema | None) -> tuple[Finding, ...]:
    """One for each text, up to a bound; the last one counts the rest."""
    found = [
        replace(
            finding("SMCP922", shown(place.path, schema, is_key=place.is_key), action=Action.REPORT),
            about=_about([place]),
        )
        for place in places[:MAX_FINDINGS]
    ]
    if rest := places[MAX_FINDINGS:]:
        more = finding("SMCP922", hint=f"in {len(rest)} more places", action=Action.REPORT)
        found.append(replace(more, about=_about(rest)))
    return tuple(found)


def _about(places: Sequence[Place]) -> str:
    """The names of the secrets that stood in some texts."""
    return ", ".join(sorted({name for place in places for _, name in place.masks}))
