"""Statements of SQL: one after a semicolon, or a value that is nothing else. Pure: no I/O, no clock, no logging."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from smcp_security.sql_grammar.operands import Reader, Sure
from smcp_security.sql_grammar.tokens import AFTER_ALL, ALONE, FUNCTIONS, HOSTILE, PACKAGES, STATEMENTS

_SERVERS: Final = ("dbms_", "utl_", "xp_", "ctxsys", "user_lock")
"""How the names of procedures begin that no other language has."""

_ELSEWHERE: Final = frozenset({"sleep", "benchmark", "sysdate"})
"""Calls that other languages have by these names; alone they are a line of code."""

_INSIDE: Final = 16
"""How many tokens of a call's arguments are looked at."""


def is_statement(reader: Reader) -> bool:
    """Whether a statement of its own comes next, as after a semicolon."""
    first, second = reader.peek(), reader.peek(1)
    if second.text in STATEMENTS.get(first.text, ()):
        return True
    if first.text in ALONE:
        return second.kind in {"end", "comment", "semicolon"} or second.text in AFTER_ALL | {"with"}
    if first.kind != "word" or first.text not in _FORMS:
        return is_hostile_call(reader)
    reader.place += 1
    return _FORMS[first.text](reader)


def is_whole_statement(reader: Reader) -> bool:
    """Whether a value is a statement. Here the words alone are prose ("drop table tennis"), so a sign must follow."""
    first, second, third = reader.peek(), reader.peek(1), reader.peek(2)
    match first.text:
        case "select":
            call = third.kind == "open" and second.text in FUNCTIONS
            listed = second.text in {"*", "null"} or second.kind == "number"
            ended = third.kind in {"comma", "end", "comment", "semicolon"} or third.text == "from"
            return call or second.text.startswith("@@") or (listed and ended)
        case "insert":
            return second.text == "into" and third.kind == "word" and reader.peek(3).text in {"(", "values", "select"}
        case "update":
            return third.text == "set" and reader.peek(4).kind == "compare"
        case "delete":
            reader.place += 3
            return second.text == "from" and reader.took("where") and reader.operand() > 0 and reader.comparison() > 0
        case "exec":
            return second.text.startswith(PACKAGES) or third.kind == "variable"
        case "declare" | "waitfor" | "begin":
            return is_statement(reader)
    if first.text in STATEMENTS and reader.peek(3).kind in {"semicolon", "comment"}:
        return is_statement(reader)
    return is_hostile_call(reader)


def is_hostile_call(reader: Reader) -> bool:
    """Whether a value is a call that only SQL has, by its name, or by a subquery or `1=1` in its brackets."""
    name, opened = reader.peek(), reader.peek(1)
    if name.kind != "word" or opened.kind != "open":
        return False
    if name.text.startswith(_SERVERS) or name.text in HOSTILE - _ELSEWHERE:
        return True
    inside = [reader.peek(ahead) for ahead in range(1, _INSIDE)]
    return name.text in FUNCTIONS and any(
        (first.kind == "open" and second.text == "select")
        or (second.kind == "open" and first.text in HOSTILE)
        or (first.kind == "number" and second.text == "=" and third.kind == "number")
        for first, second, third in zip(inside, inside[1:], inside[2:], strict=False)
    )


def _select(reader: Reader) -> bool:
    """A list of columns that prose does not have."""
    token, following = reader.peek(), reader.peek(1)
    if token.kind in {"variable", "string", "open"} or token.text == "*":
        return True
    if following.kind in {"open", "comma", "end", "comment", "semicolon"}:
        return True
    return following.text == "from" and reader.peek(2).kind == "word"


def _update(reader: Reader) -> bool:
    return reader.peek().kind == "word" and reader.peek(1).text == "set"


def _execute(reader: Reader) -> bool:
    return reader.peek().kind in {"variable", "string", "open"} or reader.peek().text.startswith(PACKAGES)


def _assign(reader: Reader) -> bool:
    return reader.peek().kind == "variable"


def _call(reader: Reader) -> bool:
    return reader.peek().kind == "word" and reader.peek(1).kind == "open"


def _copy(reader: Reader) -> bool:
    return any(reader.peek(ahead).text in {"from", "to"} for ahead in range(1, 8))


def _name(reader: Reader) -> bool:
    """One name, and no more: "use tables; prepare dinner for two" is prose."""
    reader.place += 1
    return reader.done() or reader.peek().text in {"from", "open", "as"}


def _with(reader: Reader) -> bool:
    return reader.peek(1).text == "as" and reader.peek(2).kind == "open"


def _block(reader: Reader) -> bool:
    place = reader.place
    if reader.operand() == Sure.CERTAIN:
        return True
    reader.place = place
    return is_statement(reader)


_FORMS: Final[Mapping[str, Callable[[Reader], bool]]] = MappingProxyType(
    {
        "select": _select,
        "update": _update,
        "exec": _execute,
        "execute": _execute,
        "declare": _assign,
        "set": _assign,
        "call": _call,
        "do": _call,
        "copy": _copy,
        "prepare": _name,
        "handler": _name,
        "desc": _name,
        "describe": _name,
        "use": _name,
        "with": _with,
        "begin": _block,
        "if": _block,
    }
)
"""What must follow the words that begin a statement, where a second word does not tell."""
