"""Reads operands and comparisons of SQL, and says how sure it is that they are some. Pure: no I/O, no clock."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from smcp_security.sql_grammar.tokens import (
    AFTER_ALL,
    END,
    FUNCTIONS,
    HOSTILE,
    MAX_TOKENS,
    PACKAGES,
    PREFIXES,
    RESERVED,
    TESTS,
    Token,
    tokens,
)

_OPERATORS: Final = frozenset({"compare", "sign", "both"})


class Sure(IntEnum):
    """How sure it is that something is an operand: a subquery or a function of a database is what only SQL has."""

    NOT = 0
    PLAIN = 1
    CERTAIN = 2


class Reader:
    """The tokens of a text, read from left to right. `peek` looks ahead; everything else moves on.

    `quoted`: a quote was closed before it, so that a function's name is enough, even if it is a word too.
    """

    def __init__(self, text: str, *, quoted: bool = True) -> None:
        self.quoted = quoted
        self._source = tokens(text)
        self._read: list[Token] = []
        self.place = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes next, or one further on; the end where there is none."""
        place = self.place + ahead
        while len(self._read) <= place:
            self._read.append(next(self._source, END) if len(self._read) < MAX_TOKENS else END)
        return self._read[place]

    def since(self, place: int) -> list[Token]:
        """What was read from a place on."""
        return self._read[place : self.place]

    def skip(self, *kinds: str) -> None:
        """Past all tokens of these kinds."""
        while self.peek().kind in kinds:
            self.place += 1

    def took(self, *words: str) -> bool:
        """Whether the next token is one of these words; then it is read."""
        if self.peek().kind == "word" and self.peek().text in words:
            self.place += 1
            return True
        return False

    def over(self) -> bool:
        """Whether the value ends here, or cuts off the rest of the query."""
        return self.peek().kind in {"end", "comment", "semicolon"}

    def done(self) -> bool:
        """Whether a whole condition or clause ends here."""
        return self.over() or self.peek().kind == "both" or self.peek().text in AFTER_ALL

    def comparison(self) -> Sure:
        """An operator and what it compares with."""
        if self.peek().kind in _OPERATORS:
            self.skip(*_OPERATORS)
            return self.operand()
        self.took("not")
        test = self.peek().text
        if test not in TESTS:
            return Sure.NOT
        self.place += 1
        if test == "is":
            self.took("not")
            return Sure.PLAIN if self.took("null", "true", "false", "unknown") else Sure.NOT
        if test == "in":
            return self.operand() if self.peek().kind == "open" else Sure.NOT
        return self._matched(test)

    def _matched(self, test: str) -> Sure:
        """What stands after `like` and its kin: no bare name, which prose has there ("like a dream")."""
        self.took("like", "to")
        named = self.peek().kind == "word" and self.peek(1).kind != "open"
        if named and self.peek().text not in PREFIXES:
            return Sure.NOT
        sure = self.operand()
        if test == "between":
            return sure if self.took("and") and self.operand() else Sure.NOT
        return sure

    def operand(self) -> Sure:
        """One operand, with its signs and brackets, and what is added to it."""
        sure = self._single()
        while sure == Sure.PLAIN and self.peek().kind in {"sign", "both"} and self.peek(1).kind != "comment":
            place = self.place
            self.place += 1
            if self.over():
                break
            sure = self._single()
            if not sure:
                self.place = place
                return Sure.PLAIN
        return sure

    def _single(self) -> Sure:
        start = self.place
        while self.peek().kind in {"open", "sign"} or self.peek().text in PREFIXES:
            self.place += 1
        bracketed = any(token.kind == "open" for token in self.since(start))
        token = self.peek()
        if token.kind == "close":
            self.skip("close")
            return Sure.PLAIN if bracketed else Sure.NOT
        self.place += 1
        sure = self._judged(token, bracketed=bracketed)
        if sure == Sure.PLAIN:
            while self.peek().kind == "comma" and bracketed:
                self.place += 2
            self.skip("close")
        return sure

    def _judged(self, token: Token, *, bracketed: bool) -> Sure:
        if token.kind == "number":
            # MySQL takes `1.e(1)` for a number and a bracket; "as 2.2(b) says" is a clause of a licence.
            trick = token.text.endswith(("e", ".")) and self.peek().kind == "open"
            return Sure.CERTAIN if trick else Sure.PLAIN
        if token.kind == "variable":
            return Sure.CERTAIN if token.text.startswith("@@") else Sure.PLAIN
        if token.kind == "word":
            return self._named(token.text, bracketed=bracketed)
        return Sure.PLAIN if token.kind == "string" else Sure.NOT

    def _named(self, word: str, *, bracketed: bool) -> Sure:
        if bracketed and word in {"select", "values", "with"}:
            return Sure.NOT if self.peek().kind in {"close", "end"} else Sure.CERTAIN
        if word == "case":
            return Sure.CERTAIN if "when" in {self.peek(ahead).text for ahead in range(3)} else Sure.NOT
        if self.peek().kind == "open":
            known = word in HOSTILE or word.startswith(PACKAGES) or (self.quoted and word in FUNCTIONS)
            subquery = (word == "exists" or word in FUNCTIONS) and "select" in {self.peek(n).text for n in range(1, 5)}
            if known or subquery:
                return Sure.CERTAIN
            return Sure.PLAIN if self._closed() else Sure.NOT
        prose = word in RESERVED and self.peek().kind != "compare"
        return Sure.NOT if prose or word in TESTS else Sure.PLAIN

    def _closed(self) -> bool:
        """Reads the arguments of a call up to its bracket."""
        depth = 0
        while self.peek().kind not in {"end", "other"}:
            depth += {"open": 1, "close": -1}.get(self.peek().kind, 0)
            self.place += 1
            if not depth:
                return True
        return False
