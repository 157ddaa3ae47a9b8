"""Paths below some roots: read as text in every decoding, and with `resolve: local` as the file system sees them. Pure.

Between this look and the server's own another process may put a link into the place of a folder, with `lexical` no link
is seen at all, and a hard link looks like any file. Where that matters, the server must open with
`openat2(RESOLVE_BENEATH)`, or run where there is nothing else to reach.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from smcp_security.contracts.contract import Contract, Fault, Found, Lookup, PathLookup, ResolvedPath
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.path_names import is_odd
from smcp_security.contracts.path_roots import DRIVE, SEPARATORS, Place, lower_ascii, names_of, place_of, read_root
from smcp_security.contracts.spellings import has_step_up, spellings
from smcp_security.policy.contracts import PathContract

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(?:[/\\]|$)|(?:file|data|php|phar|jar|zip):", re.I | re.ASCII)
_VARIABLE: Final = re.compile(r"\$[{(]|\$[A-Z_]{2}|%[A-Z_]{3,}%", re.ASCII)
# They stand inside names in Persian or Hindi, and inside emoji.
_JOINERS: Final = frozenset("\u200c\u200d")
_BLANKS: Final = " \t\r\n\"'"


class PathRule(Contract):
    """A path that, however a server decodes it, stays below one of the roots. No `..` is taken: behind a link it leads
    elsewhere than the text says.
    """

    kind = "path"
    expects = JUDGED["path"]

    def __init__(self, policy: PathContract) -> None:
        self._roots = tuple(map(read_root, policy.roots))
        self._styles = tuple(dict.fromkeys(bool(root.drive) for root in self._roots))
        self._local = policy.resolve == "local"
        self._suffixes = policy.suffixes if policy.suffixes is None else tuple(map(self._cased, policy.suffixes))
        self._must_exist = policy.must_exist
        self._max_length = policy.max_length
        where = "the root" if len(self._roots) == 1 else f"one of {len(self._roots)} roots"
        endings = "" if policy.suffixes is None else f", ending in {' or '.join(policy.suffixes)}"
        accepted = f"a path below {where}, without .. and in its plain spelling{endings}"
        self._refused = Fault("SMCP510", accepted)
        self._too_long = Fault("SMCP517", f"a path of at most {self._max_length} characters")
        self._missing = Fault("SMCP510", f"a path that exists below {where}")
        self._unresolved = Fault("SMCP519", accepted)

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the path as text; None if nothing is."""
        if len(value) > self._max_length:
            return self._too_long
        readings = self._readings(value)
        fits = bool(readings) and all(self._fits(path) and self._ends_well(path) for path in readings)
        return None if fits and value.strip(_BLANKS) else self._refused

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for a path that is still being typed: its last name may be a part of one."""
        if len(value) > self._max_length:
            return self._too_long
        readings = self._readings(value)
        return None if readings and all(self._fits(path, ends=False) for path in readings) else self._refused

    def lookups(self, value: str) -> tuple[Lookup, ...]:
        """Where the roots lead, which may be links themselves, and where each reading does, from each root."""
        if not self._local:
            return ()
        return tuple(map(PathLookup, (*(root.text for root in self._roots), *self._candidates(value))))

    def fault_found(self, value: str, found: tuple[Found, ...]) -> Fault | None:
        """What is wrong with the places that the path leads to: all must lie below a root, links followed."""
        if not self._local:
            return None
        places = [place for place in found if isinstance(place, ResolvedPath)]
        if len(places) != len(self._roots) + len(self._candidates(value)):
            return self._unresolved
        roots = [self._place(place.real) for place in places[: len(self._roots)]]
        places = places[len(self._roots) :]
        if not all(_is_below(self._place(place.real), roots) and self._ends_well(place.real) for place in places):
            return self._refused
        # The path as sent comes first, once for each root that it may count from.
        as_sent = places[: len(self._from_roots(value))]
        return self._missing if self._must_exist and not any(place.exists for place in as_sent) else None

    def _readings(self, value: str) -> tuple[str, ...]:
        """The forms of the path that some server may open, as sent first; none if there is a doubt about any."""
        found = spellings(value)
        if not (found.valid and found.bounded and all(map(_is_visible, found.layers))):
            return ()
        # A separator that only shows behind an escape: readers do not agree on where the names end.
        separators = [len(SEPARATORS.findall(layer)) for layer in found.layers]
        if max(separators) > separators[0] or ("\\" in value and True not in self._styles):
            return ()
        return tuple(dict.fromkeys((*found.forms, *(form.strip(_BLANKS) for form in found.forms))))

    def _fits(self, path: str, ends: bool = True) -> bool:
        if _is_special(path) or has_step_up(path):
            return False
        return any(self._fits_style(path, windows, ends) for windows in self._styles)

    def _fits_style(self, path: str, windows: bool, ends: bool) -> bool:
        if not ends and windows and DRIVE.fullmatch(path):
            path += "/"
        place = place_of(path, windows)
        names = names_of(path) if place is None else place.names
        if any(is_odd(name, windows, ends or at < len(names)) for at, name in enumerate(names, 1)):
            return False
        if place is None:
            return path[:1] not in ("/", "\\") and DRIVE.match(path) is None
        return any(root.contains(place) or (not ends and root.may_follow(place)) for root in self._roots)

    def _ends_well(self, path: str) -> bool:
        return self._suffixes is None or self._cased(path).endswith(self._suffixes)

    def _cased(self, text: str) -> str:
        return lower_ascii(text) if True in self._styles else text

    def _candidates(self, value: str) -> tuple[str, ...]:
        return tuple(place for path in self._readings(value) for place in self._from_roots(path))

    def _from_roots(self, path: str) -> tuple[str, ...]:
        """The absolute paths that `path` may stand for."""
        if path.startswith("/") or DRIVE.match(path):
            return (path,)
        return tuple(f"{root.text.rstrip('/')}/{path}" for root in self._roots)

    def _place(self, real: str) -> Place | None:
        return place_of(real, windows=DRIVE.match(real) is not None)


def _is_visible(text: str) -> bool:
    """No control characters, nothing that turns or hides text, no halves of surrogate pairs."""
    if text.isprintable():
        return True
    return all(unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in set(text) - _JOINERS)


def _is_special(path: str) -> bool:
    """Homes, options, pathspecs, schemes, variables, and the two slashes that begin a network share."""
    if path.startswith(("~", "-", ":")) or (len(path) > 1 and SEPARATORS.split(path, 2)[:2] == ["", ""]):
        return True
    return _SCHEME.match(path) is not None or _VARIABLE.search(path) is not None


def _is_below(place: Place | None, roots: Iterable[Place | None]) -> bool:
    return place is not None and any(root is not None and root.contains(place) for root in roots)
