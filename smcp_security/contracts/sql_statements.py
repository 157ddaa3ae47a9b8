"""Which statement a syntax tree is, whether anything in it does more than that, and how many rows it gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from smcp_security.contracts.sql_tree import exp

_ROOTS: Final[tuple[tuple[Any, str], ...]] = (
    ((exp.Query, exp.Values), "select"),
    (exp.Insert, "insert"),
    (exp.Update, "update"),
    (exp.Delete, "delete"),
    (exp.Merge, "merge"),
    (exp.Create, "create"),
    (exp.Alter, "alter"),
    (exp.Drop, "drop"),
    (exp.TruncateTable, "truncate"),
    (exp.Describe, "describe"),
    (exp.Show, "show"),
    (exp.Use, "use"),
    (exp.Set, "set"),
)

_FIRST_WORDS: Final = {
    "SELECT": "select", "WITH": "", "VALUES": "select", "TABLE": "select", "FROM": "select", "INSERT": "insert",
    "REPLACE": "insert", "UPDATE": "update", "DELETE": "delete", "MERGE": "merge", "CREATE": "create",
    "ALTER": "alter", "DROP": "drop", "TRUNCATE": "truncate", "DESCRIBE": "describe", "DESC": "describe",
    "SHOW": "show", "USE": "use", "SET": "set",
}  # fmt: skip
"""The parser meets no other: what it does not know it logs, and calls a command. Behind WITH anything may follow."""

_NEVER_INSIDE: Final = (
    exp.DML, exp.DDL, exp.Alter, exp.Drop, exp.TruncateTable, exp.Describe, exp.Show, exp.Use, exp.Set, exp.Command,
    exp.Into, exp.Lock, exp.Hint, exp.SessionParameter, exp.Directory, exp.Pragma, exp.Attach, exp.Detach, exp.Copy,
    exp.Transaction, exp.Commit, exp.Rollback, exp.Kill, exp.Grant, exp.Revoke, exp.LoadData, exp.Refresh, exp.Cache,
    exp.Uncache, exp.Comment, exp.Analyze, exp.Block, exp.IfBlock, exp.WhileBlock, exp.Declare, exp.Semicolon, exp.Put,
    exp.Get, exp.Export, exp.Execute, exp.LocationProperty, exp.NextValueFor,
)  # fmt: skip
"""Statements, and parts of a query that write, lock, set or read what is no table."""

_KINDS: Final = frozenset({"TABLE", "VIEW", "INDEX", "SCHEMA", "SEQUENCE"})
"""What may be created, altered or dropped. Functions, triggers, extensions, users and databases are code or rights."""

_TABLE_HINTS: Final = frozenset({"NOLOCK", "READPAST", "READUNCOMMITTED", "READCOMMITTED", "NOEXPAND"})
"""Hints of SQL Server that lock nothing."""

_SHOW: Final = re.compile(r"SHOW(?:\s+[A-Za-z_][\w.]*+)*+(?:\s+LIKE\s+'[^'\\]*+')?\s*;?\s*", re.IGNORECASE)
_EXPLAIN: Final = re.compile(
    r"\s*EXPLAIN\s+(?:(?:QUERY\s+PLAN|PLAN\s+FOR|ANALYZE|VERBOSE|EXTENDED|FORMATTED|COST|FORMAT\s*=\s*\w+)\s+)*+"
    r"(?:\([\w\s,]*+\)\s*)?(?=[\w(])",
    re.IGNORECASE,
)


def explained(text: str) -> str | None:
    """The statement behind an EXPLAIN; None if it is none. With ANALYZE it runs, so it is judged like any other."""
    match = _EXPLAIN.match(text)
    return text[match.end() :] if match is not None else None


def is_show(text: str) -> bool:
    """Whether the text asks for names or settings of the server, in plain words."""
    return _SHOW.fullmatch(text.strip()) is not None


def may_begin(word: str, classes: frozenset[str]) -> bool:
    """Whether a statement of some classes may begin with this word."""
    named = _FIRST_WORDS.get(word.upper())
    return named is not None and (not named or named in classes)


def class_of(root: Any) -> str:
    """The class of a statement; empty for one that has none."""
    return next((name for kinds, name in _ROOTS if isinstance(root, kinds)), "")


def does_more(root: Any) -> bool:
    """Whether a statement does something that its class does not say."""
    if isinstance(root, exp.Create | exp.Drop | exp.Alter) and str(root.args.get("kind", "")).upper() not in _KINDS:
        return True
    if isinstance(root, exp.Select) and not root.expressions:
        return True
    if isinstance(root, exp.Describe) and not isinstance(root.this, exp.Table):
        return True
    return any(
        (node is not root and isinstance(node, _NEVER_INSIDE) and not _belongs(node))
        or (isinstance(node, exp.WithTableHint) and not _harmless(node))
        or node.args.get("settings")
        or (isinstance(node, exp.Parameter) and isinstance(node.this, exp.Parameter))
        or (isinstance(node, exp.CTE) and not isinstance(node.this, exp.Query | exp.Values))
        for node in root.walk()
    )


def _belongs(node: Any) -> bool:
    """Branches of a MERGE and steps of an ALTER are statements to the parser."""
    return (isinstance(node.parent, exp.When) and isinstance(node, exp.Insert | exp.Update)) or (
        isinstance(node.parent, exp.Alter) and isinstance(node, exp.Drop)
    )


def _harmless(hint: Any) -> bool:
    return all(each.name.upper() in _TABLE_HINTS for each in hint.expressions)


def rows(root: Any) -> int | None:
    """How many rows a query gives at most by a plain number of its outermost part; None if it says none."""
    node = root
    while isinstance(node, exp.Subquery) and node.args.get("limit") is None:
        node = node.this
    limit = node.args.get("limit")
    if limit is None or limit.expressions or any(_lifts(limit)):
        return None
    count = limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression")
    if not isinstance(count, exp.Literal) or count.is_string or not count.name.isdecimal() or len(count.name) > 15:
        return None
    return int(count.name)


def _lifts(limit: Any) -> Iterator[bool]:
    options = limit.args.get("limit_options")
    for owner in (limit, options):
        if owner is not None:
            yield bool(owner.args.get("percent") or owner.args.get("with_ties"))
