"""What the demo tells: a table and a few lines, or plain data. Pure: prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from smcp_security.cli.demo.courier import KEY
from smcp_security.cli.demo.play import Played, Scene, Whereabouts
from smcp_security.cli.demo.traces import spellings

_IN_ANSWERS: Final = ("masked", "dropped", "reported")
_EXCERPT: Final = 60
_PLACE: Final = 27
_COLUMNS: Final = (
    ("era", 6), ("sent", 30), ("expected", 8), ("bare server", 11), ("HTTP", 4), ("client got", 21), ("seen", 4),
    ("code", 7), ("us", 5),
)  # fmt: skip


def text(played: Played) -> str:
    """The table, no wider than 110 columns, and the balance in the last lines."""
    return "\n".join([*_head(), *_table(played), "", *_leaks(played), "", *_secret(played), "", *_balance(played)])


def facts(played: Played) -> dict[str, Any]:
    """The same as plain data."""
    pairs = zip(played.guarded, played.bare, strict=True)
    return {
        "held": played.held,
        "seconds": round(played.seconds, 3),
        "secret": {**_whereabouts(played.kept), "held": played.inside, "bare": _whereabouts(played.spilt)},
        "acts": [{**_fact(guarded), "bare": _bare_fact(bare)} for guarded, bare in pairs],
    }


def _head() -> list[str]:
    title = "An MCP server on 127.0.0.1 behind SMCPMiddleware on its defaults with a vault, and the same server bare."
    names = _row([name for name, _ in _COLUMNS])
    return [title, "", names, " ".join("-" * width for _, width in _COLUMNS)]


def _table(played: Played) -> Iterator[str]:
    for scene, bare in zip(played.guarded, played.bare, strict=True):
        seen = "yes" if scene.reached else "no"
        cells = [
            scene.act.era, scene.act.sent, scene.act.expected, _bare_word(bare), str(scene.status), scene.got.word,
            seen, scene.code or "-", f"{scene.microseconds:5.0f}",
        ]  # fmt: skip
        yield _row(cells) + ("" if scene.held else "  <- NOT AS EXPECTED")


def _row(cells: Sequence[str]) -> str:
    return " ".join(cell[:width].ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True)).rstrip()


def _bare_word(bare: Scene) -> str:
    return "took it" if bare.worked else "refused"


def _leaks(played: Played) -> Iterator[str]:
    """What attacks got out of the bare server, where it is more than what the honest call gets."""
    yield "The bare server answered, where the middleware refused, masked, dropped or reported:"
    for scene in played.bare:
        if scene.act.code and scene.act.proof and scene.worked:
            yield f"  {scene.act.sent}: {_around(scene.act.proof, scene.got.text)}"


def _around(proof: str, text: str) -> str:
    """What a proof stands in, as much as fits into a line."""
    place = text.find(proof)
    start = max(0, min(place - 14, len(text) - _EXCERPT)) if place + len(proof) > _EXCERPT else 0
    return ("..." if start else "") + text[start : start + _EXCERPT]


def _secret(played: Played) -> Iterator[str]:
    """Where the secret of the vault went, and where it was not found."""
    used, recorded = played.kept.used, played.kept.recorded
    yield f"A secret of the vault: a service took it from a tool {used} times; by the audit {recorded} calls had it."
    yield f"How often it stands, in any of {len(spellings(KEY))} spellings, in what was sent, logged and written down:"
    yield f"  bare server            {_searched(played.spilt)}"
    yield f"  behind the middleware  {_searched(played.kept)}" + ("" if played.inside else "  <- NOT AS EXPECTED")


def _searched(whereabouts: Whereabouts) -> str:
    places = (
        f"{search.place}: {search.found} in {search.size:,} bytes" if search.size else f"{search.place}: none"
        for search in whereabouts.searched
    )
    return "".join(place.ljust(_PLACE) for place in places).rstrip()


def _balance(played: Played) -> Iterator[str]:
    calls = [scene for scene in played.guarded if not scene.act.code]
    attacks = [scene for scene in played.guarded if scene.act.expected == "refused"]
    answers = [scene for scene in played.guarded if scene.act.expected in _IN_ANSWERS]
    done = sum(scene.act.expected == "refused" and scene.worked for scene in played.bare)
    yield "seen: the server saw the request. us: microseconds from the headers to the verdict, with reading the body;"
    yield "the first text that looks like an attack makes the scanner build its automaton, once."
    yield f"{_held(answers)} of {len(answers)} bad answers masked, dropped or reported, {played.seconds:.1f} s in all."
    yield (
        f"{_held(calls)} of {len(calls)} calls succeeded, {_held(attacks)} of {len(attacks)} attacks refused "
        f"(the bare server took {done} of them)."
    )


def _held(scenes: Sequence[Scene]) -> int:
    return sum(scene.held for scene in scenes)


def _fact(scene: Scene) -> dict[str, Any]:
    return {
        "era": scene.act.era,
        "sent": scene.act.sent,
        "expected": scene.act.expected,
        "held": scene.held,
        "status": scene.status,
        "got": scene.got.word,
        "server_saw": scene.reached,
        "code": scene.code or None,
        "slug": scene.slug or None,
        "microseconds": round(scene.microseconds, 1),
    }


def _whereabouts(whereabouts: Whereabouts) -> dict[str, Any]:
    return {
        "used": whereabouts.used,
        "audit_records": whereabouts.recorded,
        "bytes": {search.place: search.size for search in whereabouts.searched},
        "found": {search.place: search.found for search in whereabouts.searched},
    }


def _bare_fact(scene: Scene) -> dict[str, Any]:
    return {"status": scene.status, "got": scene.got.word, "took_it": scene.worked}
