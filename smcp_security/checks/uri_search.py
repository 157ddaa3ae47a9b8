"""Whether a template has a URI that a rule allows and none denies: a bounded search for one. Pure.

What is listed is what some read could reach. The search walks the template, the allowed pattern and all denied ones at
once over canonical URIs; it finds one if there is one, unless it runs out of steps, and then the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final, NamedTuple

from smcp_security.checks.uri_patterns import Pattern
from smcp_security.checks.uris import PLAIN, canonical

# Each is about a microsecond. A template of five segments takes about a hundred for each rule that it is held against.
STEPS: Final = 10_000
STEPS_OF_A_LIST: Final = 250_000

_LOWER: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_SCHEME: Final = frozenset(_LOWER + "+.-")
_UPPER: Final = frozenset(_LOWER.upper()) - frozenset(_LOWER)
# As they are or escaped, behind them dots are a dot segment to some reader.
_BETWEEN: Final = frozenset("/?&=:,") | frozenset("%23 %26 %2C %3A %3B %3D %3F".split())


class _Form(NamedTuple):
    """How far a canonical URI has got: its region, and the dots since the last separator (3: something else)."""

    region: str = "begin"
    dots: int = 0


class _Denied(NamedTuple):
    """The states of a denied pattern, and whether it stood for what is there without a slash at the end."""

    states: frozenset[int]
    before_slash: bool


class _Place(NamedTuple):
    template: int
    allowed: int
    denied: tuple[_Denied, ...]
    form: _Form


class Search:
    """One search: for a canonical URI that the template and `allowed` stand for, and none of `denied`.

    `steps` counts what it took.
    """

    def __init__(self, template: Pattern, allowed: Pattern, denied: Sequence[Pattern]) -> None:
        self.steps = 0
        self._template = template
        self._allowed = allowed
        self._denied = denied
        self._alphabet = _alphabet((template, allowed, *denied))

    def find(self) -> str | None:
        """Such a URI, None if there is none or it was not found in time."""
        none_yet = tuple(_Denied(pattern.start, False) for pattern in self._denied)
        starts = product(self._template.start, self._allowed.start)
        waiting = [(_Place(mine, theirs, none_yet, _Form()), "") for mine, theirs in starts]
        seen = {place for place, _ in waiting}
        while waiting and self.steps < STEPS:
            place, text = waiting.pop()
            if self._ends(place) and canonical(text) == text:
                return text
            found = []
            for token, following in self._onward(place):
                if following not in seen:
                    seen.add(following)
                    found.append((following, text + token))
            waiting += reversed(found)
        return None

    def _onward(self, place: _Place) -> Iterator[tuple[str, _Place]]:
        for exact, excluded, end in self._template.steps[place.template]:
            for token in (exact,) if exact else self._alphabet:
                self.steps += 1 + len(self._denied)
                if token in excluded or (form := _longer(place.form, token)) is None:
                    continue
                theirs = self._allowed.after((place.allowed,), token)
                still = _denied_after(place.denied, self._denied, token) if theirs else None
                if still is not None:
                    for mine, other in product(self._template.leaps[end], theirs):
                        yield token, _Place(mine, other, still, form)

    def _ends(self, place: _Place) -> bool:
        ends = (len(self._template.steps) - 1, len(self._allowed.steps) - 1)
        if (place.template, place.allowed) != ends or place.form.region in ("begin", "scheme"):
            return False
        states = zip(place.denied, self._denied, strict=True)
        denied = any(state.before_slash or pattern.accepts(state.states) for state, pattern in states)
        return not denied and place.form.dots not in (1, 2)


def _alphabet(patterns: Iterable[Pattern]) -> list[str]:
    """The tokens that some pattern tells apart, and one letter that stands for all the others."""
    named = frozenset[str]().union(*(pattern.alphabet for pattern in patterns))
    other = next((token for token in _LOWER + "-_~" if token not in named), "a")
    usable = {token for token in named if token in PLAIN or len(token) == 3}
    # These three part a URI into its regions, even if nothing names them. The letter goes first: where several lead to
    # the same place, the plainest is kept.
    return [other, *sorted(usable | {"/", "?", ":"}, reverse=True)]


def _denied_after(states: tuple[_Denied, ...], patterns: Sequence[Pattern], token: str) -> tuple[_Denied, ...] | None:
    """The denied patterns one token on; None if from here on every URI is denied (see `uris.shorter_forms`)."""
    following = []
    for state, pattern in zip(states, patterns, strict=True):
        stands = pattern.accepts(state.states)
        if token == "?" and (stands or state.before_slash):
            return None
        following.append(_Denied(pattern.then(state.states, token), token == "/" and stands))
    return tuple(following)


def _longer(form: _Form, token: str) -> _Form | None:
    """A canonical URI with one more token; None if it is none any more (see `uris.canonical`)."""
    region, dots = form
    if region in ("begin", "scheme"):
        if token == ":" and region == "scheme":
            return _Form("rest")
        usable = token in _SCHEME and (region == "scheme" or token.isalpha())
        return _Form("scheme") if usable else None
    if token in _BETWEEN and dots in (1, 2):
        return None
    entered = _region(region, token)
    if entered is None:
        return None
    if token in _BETWEEN:
        return _Form(entered)
    return _Form(entered, dots + 1 if token == "." and dots < 2 else 3)


_NEXT: Final = {
    # In each region, where a slash leads; nothing: two slashes would meet.
    "rest": "slash", "slash": "authority", "authority": "fresh", "host": "fresh", "port": None,
    "path": "fresh", "fresh": None, "query": "query",
}  # fmt: skip


def _region(region: str, token: str) -> str | None:
    if token == "/":
        return _NEXT[region]
    if token == "?":
        return None if region == "port" else "query"
    if region in ("authority", "host", "port"):
        if token in _UPPER or token in ("@", "%40") or (region == "authority" and token == ":"):
            return None
        # No port is empty, and none stands alone.
        return "port" if token == ":" else "host"
    return "query" if region == "query" else "path"
