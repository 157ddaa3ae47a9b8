"""SQL as a syntax tree: the one place that reads with sqlglot. Pure, but for silencing sqlglot's log, which quotes.

Tokens are counted and nesting is measured before the parser runs, which recurses; the parser's own count of nodes
bounds what it tries twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Final

from sqlglot import Token, TokenType
from sqlglot import exp as exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import logger

MAX_TOKENS: Final = 1500
"""A query that people or models write has a few hundred. So many cost 20 ms compiled, 100 in plain Python."""

MAX_NESTING: Final = 24
"""Brackets and CASE within each other. Ordinary queries have six; the parser takes 20 frames of the stack for each."""

MAX_RUN: Final = 10
"""Words and signs in a row without a name, a value or a bracket: `NOT NOT NOT ...` recurses too."""

MAX_TYPES: Final = 5
"""Names of types with brackets within each other: the parser reads each once as a type and once as a call, or more."""

_NODES: Final = 8
"""Nodes for each token, with what the parser tries and drops. Nested types make it try twice as often each level."""

_OPEN: Final = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSE: Final = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_VALUES: Final = frozenset({
    TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.COMMA, TokenType.STAR,
    TokenType.NULL, TokenType.TRUE, TokenType.FALSE, TokenType.DOT,
}) | _OPEN | _CLOSE  # fmt: skip

_ATTRIBUTES: Final = ("pg_", "lo_", "dblink")
"""To PostgreSQL `(x).f` and `f(x)` are one."""

_reading: ContextVar[bool] = ContextVar("smcp_sql", default=False)


def _not_ours(record: object) -> bool:
    return not _reading.get()


logger.addFilter(_not_ours)


class Unreadable(Exception):
    """The text is no SQL of this dialect, or too long, too deep or too costly to find out."""


def dialect_named(name: str) -> Dialect:
    """The dialect that a policy names."""
    return Dialect.get_or_raise(name or None)


def tokens_of(text: str, dialect: Dialect) -> list[Token]:
    """The tokens of one statement, a trailing `;` left out.

    Raises:
        Unreadable: not to be read, or past a bound.
    """
    try:
        tokens = dialect.tokenize(text)
    except (SqlglotError, RecursionError, ValueError, IndexError, KeyError) as error:
        raise Unreadable from error
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens or len(tokens) > MAX_TOKENS or _too_deep(tokens, _types(dialect)):
        raise Unreadable
    return tokens


def _too_deep(tokens: Sequence[Token], types: frozenset[TokenType]) -> bool:
    opened: list[bool] = []
    run = 0
    before: TokenType | None = None
    for token in tokens:
        kind = token.token_type
        if kind is TokenType.SEMICOLON:
            return True
        if kind in _OPEN:
            opened.append(before in types)
        elif kind in _CLOSE and opened:
            opened.pop()
        run = 0 if kind in _VALUES else run + 1
        if len(opened) > MAX_NESTING or run > MAX_RUN or (opened and opened[-1] and sum(opened) > MAX_TYPES):
            return True
        before = kind
    return False


def _types(dialect: Dialect) -> frozenset[TokenType]:
    parser = dialect.parser_class
    return frozenset(parser.TYPE_TOKENS | parser.NESTED_TYPE_TOKENS | parser.STRUCT_TYPE_TOKENS | {TokenType.ROW})


def parsed(tokens: list[Token], text: str, dialect: Dialect) -> exp.Expr:
    """The tree of the one statement that the tokens are.

    Raises:
        Unreadable: not a statement, more than one, or one that the parser gives up on.
    """
    bound = _NODES * len(tokens) + 100
    quiet = _reading.set(True)
    try:
        trees = dialect.parser(max_nodes=bound).parse(tokens, text)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise Unreadable from error
    finally:
        _reading.reset(quiet)
    if len(trees) != 1 or trees[0] is None:
        raise Unreadable
    return trees[0]


def called(tokens: Sequence[Token]) -> Iterator[str]:
    """The names of what is called, in lower case, however they are quoted, with those of its schema and package."""
    chain: list[str] = []
    dotted = False
    for token in tokens:
        kind = token.token_type
        if kind is TokenType.L_PAREN:
            yield from chain
        dot = kind is TokenType.DOT
        if not dot:
            name = token.text.lower()
            chain = [*chain[-3:], name] if dotted else [name]
            if dotted and name.startswith(_ATTRIBUTES):
                yield name
        dotted = dot
