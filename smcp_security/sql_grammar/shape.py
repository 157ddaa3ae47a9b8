"""Whether a text goes on as SQL after a quote, or from its first word. Pure: no I/O, no clock, no logging.

Patterns know fragments (`or 1=1`); this knows the grammar they come from, so that another operator, function, quote or
comment makes no difference. Prose fails at the second or third word: SQL never has two names in a row there.
"""

from __future__ import annotations

import re
from typing import Final

from smcp_security.sql_grammar.operands import Reader, Sure
from smcp_security.sql_grammar.statements import is_hostile_call, is_statement, is_whole_statement
from smcp_security.sql_grammar.tokens import CLAUSES, CONNECTIVES, CONSTANTS, TESTS, Token

__all__ = ["goes_on_as_sql"]

_WORD_BEFORE: Final = 64
"""Characters that one value before its closing quote may have."""

_QUOTES: Final = frozenset("'\"`")
_ONE_VALUE: Final = re.compile(r"[^\s'\"`]{1,64}(?=['\"`])")
_OPENS: Final = tuple("{[,:")
"""What stands before a quote that opens a string of JSON."""

_INSIDE_WORDS: Final = re.compile(r"\w'\w")
_OPTION: Final = re.compile(r"['\"`]\s*--[^\s+-]|`--")
"""A quoted option of a program, or a branch of a tree drawn in text."""


def goes_on_as_sql(before: str, text: str) -> bool:
    """Whether `text`, from a quote or the first character of a value on, changes the SQL that it is pasted into.

    `before` is what stands before it in the same value. Linear in both; a few dozen tokens are read at most.
    """
    if text[:1] in _QUOTES:
        return _closes(before, text)
    if before.strip():
        return False
    value = _ONE_VALUE.match(text)
    if value is not None and _closes(value.group(), text[value.end() :]):
        return True
    return any(_Tail(form).begins() for form in _forms(text))


def _closes(before: str, text: str) -> bool:
    """Whether the quote that `text` begins with closes a value, and SQL follows."""
    opened = _opened(before, text[0])
    if opened % 2 or before.rstrip()[-1:] in _OPENS:
        return False
    alone = not opened and len(before) <= _WORD_BEFORE and not before[-1:].isspace() and len(before.split()) < 2
    if not before and _OPTION.match(text):
        return False
    return any(_Tail(form, quoted=True, alone=alone).follows_a_value() for form in _forms(text[1:]))


def _forms(text: str) -> list[str]:
    """The text, and as a form sends it, with a plus for every blank."""
    text = text.lower()
    plus = "+" in text and " " not in text
    return [text, text.replace("+", " ")] if plus else [text]


def _opened(before: str, quote: str) -> int:
    """Quotes of this kind in the same line, without the apostrophes inside words."""
    before = before[before.rfind("\n") + 1 :]
    return before.count(quote) - (len(_INSIDE_WORDS.findall(before)) if quote == "'" else 0)


def _counts_alone(token: Token) -> bool:
    """Whether a condition may be this and no more: no name, no quote that closes what the text opened (`"or": 1`)."""
    if token.kind == "string":
        return token.text[1:].lstrip()[:1] not in {"", *":,]})"}
    return token.kind != "word" or token.text in CONSTANTS


class _Tail:
    """What stands behind a value.

    `quoted`: a quote closed the value. `alone`: the value was one word or none, as in a field of a form.
    """

    def __init__(self, text: str, *, quoted: bool = False, alone: bool = True) -> None:
        self.reader = Reader(text, quoted=quoted)
        self.quoted = quoted
        self.alone = alone
        self.operand_is_enough = quoted and alone

    def begins(self) -> bool:
        """A value without a quote to close, then what no value has after it; or a clause or statement at once."""
        reader = self.reader
        reader.skip("close")
        if reader.peek().text in {"!", "~"} and reader.peek(1).kind == "word":
            return reader.operand() == Sure.CERTAIN
        if reader.peek().text in {"-", "+"} and reader.peek(1).kind == "number":
            reader.place += 1
        first = reader.peek()
        if first.kind == "open":
            reader.skip("open")
            return is_whole_statement(reader)
        if first.kind not in {"number", "word", "variable"} or first.text in CLAUSES | CONNECTIVES:
            return self._begins_without_value()
        start = reader.place
        reader.place += 1
        reader.skip("close")
        # A name and an operator is a sum or an assignment of any language ("total - count (all)").
        computed = first.kind == "word" and reader.peek().kind in {"compare", "sign"}
        if (not computed or self._subquery_after_sign()) and self._follows():
            return True
        reader.place = start
        return is_whole_statement(reader)

    def _begins_without_value(self) -> bool:
        first, second = self.reader.peek(), self.reader.peek(1)
        if first.kind == "sign":
            # A list's bullet.
            return self._subquery_after_sign() and self._follows()
        if first.kind == "both":
            # The second line of a condition of a shell or of C begins so too.
            return (second.kind in {"number", "string"} or self._subquery_after_sign()) and self._follows()
        self.operand_is_enough = first.kind == "word"
        return self._follows()

    def _subquery_after_sign(self) -> bool:
        return self.reader.peek(1).kind == "open" and self.reader.peek(2).text in {"select", "case"}

    def follows_a_value(self) -> bool:
        """What stands after the quote that closes a value."""
        self.reader.skip("close")
        if self.reader.peek().kind == "comment":
            return self.alone
        return self._follows()

    def _follows(self) -> bool:
        """The clauses that may follow a value."""
        reader = self.reader
        token, start = reader.peek(), reader.place
        if token.kind == "semicolon":
            reader.skip("semicolon")
            return (self.operand_is_enough and reader.peek().kind == "comment") or is_statement(reader)
        if token.kind == "both" or (token.text in CONNECTIVES and reader.peek(1).text not in TESTS - {"not"}):
            reader.place += 1
            if self._condition():
                return True
            reader.place = start
        if token.kind == "comma" and self.alone:
            # A further column or argument.
            reader.place += 1
            return is_hostile_call(reader) or reader.operand() == Sure.CERTAIN
        return self._clause() or self._compared()

    def _clause(self) -> bool:
        reader = self.reader
        if reader.took("union"):
            reader.took("all", "distinct", "distinctrow")
            reader.skip("open")
            return reader.took("select", "values")
        if reader.took("order", "group"):
            return reader.took("by") and self._sorted()
        if reader.took("having", "where"):
            return self._condition()
        if reader.took("limit", "offset"):
            number = reader.peek().kind == "number"
            reader.skip("number", "comma")
            return number and (reader.peek().kind == "comment" or reader.took("into", "procedure", "offset", "union"))
        if reader.took("as") and reader.peek().kind == "word":
            # The name of a derived table, and then what follows one.
            reader.place += 1
            return self._clause()
        if reader.took("procedure"):
            return reader.took("analyse")
        return reader.took("into") and (reader.peek().kind == "variable" or reader.took("outfile", "dumpfile"))

    def _sorted(self) -> bool:
        """The columns of `order by`, by number or name. Prose goes on after them ("order by 3 pm"), a probe ends."""
        reader, start = self.reader, self.reader.place
        sure = reader.operand()
        while sure == Sure.PLAIN and reader.peek().kind == "comma":
            reader.place += 1
            sure = reader.operand()
        named = any(token.kind == "word" for token in reader.since(start))
        # "The users' order by phone": a name alone is no probe where more than a value stands before.
        return sure == Sure.CERTAIN or (sure == Sure.PLAIN and reader.done() and (self.alone or not named))

    def _condition(self) -> bool:
        """A condition after `or`, `and` and their like."""
        reader, start = self.reader, self.reader.place
        sure = reader.operand()
        if sure != Sure.PLAIN:
            return sure == Sure.CERTAIN
        if reader.over():
            plain = all(_counts_alone(token) for token in reader.since(start))
            cut = "comment" in {reader.peek().kind, reader.peek(1).kind}
            return plain and (self.operand_is_enough or cut)
        if reader.peek().kind == "both" or reader.peek().text in {"or", "and", "xor"}:
            reader.place += 1
            return self._condition()
        sure = reader.comparison()
        # Without a quote the condition must end: "sun and moon = sky above" is none.
        return sure == Sure.CERTAIN or (sure == Sure.PLAIN and (self.quoted or reader.done()))

    def _compared(self) -> bool:
        """An operator right after the value: `x'='`, `1-(select ...)`, `'||version()||'`."""
        reader, operator = self.reader, self.reader.peek()
        sure = reader.comparison()
        if sure == Sure.CERTAIN:
            return True
        if not (self.quoted and self.alone):
            return False
        if reader.peek().kind == "comment":
            # "/srv/*/*" is a path.
            return all(token.kind != "word" for token in reader.since(0))
        if sure == Sure.NOT or not (reader.done() or reader.peek().kind in {"compare", "sign"}):
            return False
        # "5'-6" is a length and "R'&B" a name; a quote that opens again, or something behind the number, makes neither.
        last = reader.since(reader.place - 1)[0]
        opened = last.kind == "string" and " " not in last.text
        return operator.kind != "sign" or opened or (last.kind == "number" and not reader.over())
