"""The kind `identifier`: one name of a given alphabet, which no reader of paths or headers takes for more. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.decoding import pattern
from smcp_security.policy.contracts import IdentifierContract

CODE: Final = "SMCP516"
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}|%[uU][0-9A-Fa-f]{4}|&#|\\[uxUX0-9]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MORE: Final = frozenset("%&\\/;")
"""Characters that escape or part segments: with one of them a value is looked at more closely."""

_SEGMENT_ENDS: Final = re.compile(r"[/\\;]")


class IdentifierRule(Contract):
    """A name: its alphabet and length, no `.`, `..` or empty segment, no escape that decodes, no leading dash."""

    kind = "identifier"
    expects = JUDGED["identifier"]

    def __init__(self, policy: IdentifierContract) -> None:
        self._least, self._most = policy.min_length, policy.max_length
        self._alphabet = pattern(f"[{policy.alphabet}]+")
        fitting = (chr(code) for code in range(0x20, 0x7F) if self._alphabet.fullmatch(chr(code)) is not None)
        self._plain = frozenset(fitting) - _MORE
        self._accepted = Fault(
            CODE,
            f"one name of {self._least} to {self._most} characters out of [{policy.alphabet}], "
            "which is not . or .. and does not begin with a dash",
        )

    def fault(self, value: str) -> Fault | None:
        """None for one plain name."""
        fitting = self._least <= len(value) <= self._most and self._is_name(value)
        return None if fitting else self._accepted

    def fault_of_beginning(self, value: str) -> Fault | None:
        """A beginning may be shorter than the name."""
        fitting = not value or (len(value) <= self._most and self._is_name(value))
        return None if fitting else self._accepted

    def _is_name(self, value: str) -> bool:
        if self._plain.issuperset(value):
            return bool(value) and value[0] != "-" and value not in (".", "..")
        # A control character is in no name, even where the alphabet is a negated class of Unicode such as \PZ.
        if _CONTROL.search(value) is not None:
            return False
        return self._reads_as_name(value) and (
            value.isascii() or self._reads_as_name(unicodedata.normalize("NFKC", value))
        )

    def _reads_as_name(self, value: str) -> bool:
        return (
            self._alphabet.fullmatch(value) is not None
            and not value.startswith("-")
            and _ESCAPE.search(value) is None
            and not any(segment in ("", ".", "..") for segment in _SEGMENT_ENDS.split(value))
        )
