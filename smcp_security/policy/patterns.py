"""Whether what a policy writes as a pattern is one for RE2, which matches in linear time. Pure; imports RE2 late."""

from __future__ import annotations

import re
from typing import Any, Final

_SCRIPT: Final = re.compile(r"[A-Z][A-Za-z_]{2,30}", re.ASCII)
_NO_SCRIPTS: Final = frozenset({"Any", "Common", "Inherited"})
_ALPHABET_EXPECTED: Final = "expected characters as inside the brackets of a regular expression, such as A-Za-z0-9_.-"
_NEVER: Final = (*map(chr, (*range(0x20), *range(0x7F, 0xA0))), "\u2028", "\u2029")


def check_pattern(pattern: str) -> str:
    """`pattern`, if RE2 understands it.

    Raises:
        ValueError: it does not; look-around and back-references are no part of RE2.
    """
    if _compiled(pattern) is None:
        raise ValueError(
            "expected a regular expression in RE2 syntax: no look-around, no back-references, repeats of at most 1000"
        )
    return pattern


def check_alphabet(alphabet: str) -> str:
    """`alphabet`, if it is what may stand between the brackets of one class of characters, and no more.

    Raises:
        ValueError: it negates or leaves the class, RE2 refuses it, or a control character would fit.
    """
    if alphabet.startswith("^"):
        raise ValueError(
            f"{_ALPHABET_EXPECTED}; a class of everything else is no alphabet (write \\^ for the character)"
        )
    if re.search(r"[\[\]]", re.sub(r"\\.", "", alphabet, flags=re.DOTALL)):
        raise ValueError(f"{_ALPHABET_EXPECTED}; write \\[ and \\] for brackets")
    compiled = _compiled(f"[{alphabet}]")
    if compiled is None:
        raise ValueError(_ALPHABET_EXPECTED)
    if any(compiled.fullmatch(character) for character in _NEVER):
        raise ValueError(f"{_ALPHABET_EXPECTED}; control characters and line breaks are part of no identifier")
    return alphabet


def check_script(script: str) -> str:
    """`script`, if RE2 knows a Unicode script of that name.

    Raises:
        ValueError: it knows none, or it is Common or Inherited, which are allowed always.
    """
    known = _SCRIPT.fullmatch(script) is not None and script not in _NO_SCRIPTS
    if not known or _compiled(rf"\p{{{script}}}") is None:
        raise ValueError("expected the long name of a Unicode script such as Latin, Greek, Cyrillic or Han")
    return script


def _compiled(pattern: str) -> Any:
    """The pattern as RE2 reads it, None if it cannot."""
    import re2

    options = re2.Options()
    # It would write what is wrong, pattern included, to standard error.
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
