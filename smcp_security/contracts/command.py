"""The kind `command`: one plain call of an allowed program, with arguments that fit the globs of that program. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.shell_words import words, words_so_far
from smcp_security.policy.contracts import CommandContract
from smcp_security.policy.globs import fits

CODE: Final = "SMCP514"
_PLAIN_CALL: Final = (
    "one call of an allowed program: words and quoted text, no ; & | < > ( ) $ ` * ? [ ] { } ~ # ! and no line break"
)
_ARGUMENTS: Final = "an allowed program with the arguments that the policy lists for it, options only as listed"


class CommandRule(Contract):
    """A command line that a POSIX shell runs as exactly one program of the list."""

    kind = "command"
    expects = JUDGED["command"]
    most = 65_536

    def __init__(self, policy: CommandContract) -> None:
        self._max_length = policy.max_length
        self.most = max(self.most, policy.max_length)
        self._programs = dict(policy.programs)
        self._too_long = Fault(CODE, f"at most {policy.max_length} characters")

    def fault(self, value: str) -> Fault | None:
        """None if the text is one plain call of a listed program with arguments that fit."""
        if len(value) > self._max_length:
            return self._too_long
        read = words(value)
        if not read:
            return Fault(CODE, _PLAIN_CALL)
        program, *arguments = read
        if program not in self._programs:
            return Fault(CODE, _ARGUMENTS)
        globs = self._programs[program]
        fitting = all(_is_plain(each) if globs is None else _fits_one(each, globs) for each in arguments)
        return None if fitting else Fault(CODE, _ARGUMENTS)

    def fault_of_beginning(self, value: str) -> Fault | None:
        """A beginning has no operator of a shell, and its first word begins the name of a program."""
        if len(value) > self._max_length:
            return self._too_long
        reading = words_so_far(value)
        if reading is None:
            return Fault(CODE, _PLAIN_CALL)
        if not reading.words:
            return None
        program = reading.words[0]
        typing = len(reading.words) == 1 and reading.unfinished
        known = any(name.startswith(program) for name in self._programs) if typing else program in self._programs
        return None if known else Fault(CODE, _ARGUMENTS)


def like_option(argument: str) -> bool:
    """Whether a program may read the word as an option: it begins with a dash, blanks and hidden characters aside.

    Dashes of other scripts count: programs and code pages that normalise make ASCII ones of them.
    """
    if argument[:1].isalnum():
        return False
    for character in argument:
        category = unicodedata.category(character)
        if category[0] not in "ZC":
            return category == "Pd" or character in "-\u2212"
    return False


def _is_plain(argument: str) -> bool:
    return not like_option(argument)


def _fits_one(argument: str, globs: tuple[str, ...]) -> bool:
    return any(_fits(argument, glob) for glob in globs)


def _fits(argument: str, glob: str) -> bool:
    if like_option(argument) and not glob.startswith("-"):
        return False
    # A star means "any file below", never a way up.
    return fits(glob, argument) and (".." not in argument or ".." in glob or ".." not in argument.split("/"))
