"""Whether a policy allows one SQL statement: the order of the questions, and the first answered with no. Pure."""

from __future__ import annotations

from typing import Any, Final

from smcp_security.contracts.sql_columns import Columns
from smcp_security.contracts.sql_functions import Functions
from smcp_security.contracts.sql_names import Tables
from smcp_security.contracts.sql_statements import class_of, does_more, explained, is_show, may_begin, rows
from smcp_security.contracts.sql_tree import Unreadable, called, dialect_named, parsed, tokens_of
from smcp_security.policy.contracts import SqlContract

_MARKS: Final = "'\"`"
_ALONE: Final = frozenset(
    "SHUTDOWN RECONFIGURE CHECKPOINT REVERT EXEC EXECUTE COMMIT ROLLBACK KILL BACKUP RESTORE DBCC WAITFOR GRANT REVOKE "
    "DENY USE TRUNCATE RAISERROR THROW GOTO DUMP WRITETEXT UPDATETEXT BULK DECLARE PRINT RETURN BREAK LOAD".split()
)
"""Words that begin a statement of SQL Server without a `;` before it; to others they may be aliases."""

_ALONE_ANYWHERE: Final = frozenset({"SHUTDOWN", "RECONFIGURE", "EXEC", "EXECUTE", "DBCC", "WAITFOR"})


class Judge:
    """One contract. Immutable."""

    def __init__(self, policy: SqlContract, functions: Functions) -> None:
        self._policy = policy
        self._classes = frozenset(policy.statements)
        self._dialect = dialect_named(policy.dialect)
        self._functions = functions
        self._tables = Tables(policy.tables, functions, policy.dialect)
        self._columns = None if policy.columns is None else Columns(policy.columns, policy.dialect)
        self._alone = _ALONE if policy.dialect in ("tsql", "fabric") else _ALONE_ANYWHERE if not policy.dialect else ()

    def reason(self, text: str, quotes_end: frozenset[int]) -> str:
        """Why the statement is refused; empty if it is not. `quotes_end` is what another reader says of the text."""
        inner = explained(text)
        if inner is not None:
            if "explain" not in self._classes:
                return "statement"
            at = len(text) - len(inner)
            text, quotes_end = inner, frozenset(end - at for end in quotes_end if end >= at)
        elif "show" in self._classes and self._policy.tables is None and is_show(text):
            return ""
        try:
            return self._judged(text, quotes_end)
        except Unreadable:
            return "statement"

    def _judged(self, text: str, quotes_end: frozenset[int]) -> str:
        tokens = tokens_of(text, self._dialect)
        if _ends(tokens, text) != quotes_end:
            return "text"
        first = next((token.text for token in tokens if token.text != "("), "")
        if not may_begin(first, self._classes) or self._begins_another(tokens, text):
            return "statement"
        if any(self._functions.refused(name) for name in called(tokens)):
            return "function"
        root = parsed(tokens, text, self._dialect)
        if class_of(root) not in self._classes:
            return "statement"
        if does_more(root):
            return "more"
        if self._tables.refused(root):
            return "table"
        return self._limits_missed(root)

    def _limits_missed(self, root: Any) -> str:
        if self._columns is not None and self._columns.refused(root):
            return "column"
        most = self._policy.max_rows
        if most is None or class_of(root) != "select":
            return ""
        given = rows(root)
        return "rows" if given is None or given > most else ""

    def _begins_another(self, tokens: list[Any], text: str) -> bool:
        return bool(self._alone) and any(
            token.text.upper() in self._alone and text[token.end] not in "'\"`]" for token in tokens[1:]
        )


def _ends(tokens: list[Any], text: str) -> frozenset[int]:
    return frozenset(
        token.end
        for token in tokens
        if text[token.end] in _MARKS or (text[token.end] == "]" and token.token_type.name == "IDENTIFIER")
    )
