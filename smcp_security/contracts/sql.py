"""The kind `sql`: one statement of the classes, tables, columns and functions that a policy lists, by its tree. Pure.

sqlglot comes with the extra `sql` and is imported when such a contract is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.sql_functions import Functions
from smcp_security.contracts.sql_text import Reader, second_statement
from smcp_security.errors import PolicyError
from smcp_security.policy.contracts import SqlContract

CODE: Final = "SMCP513"


class SqlRule(Contract):
    """One statement that every reader of the dialect reads the same way and that does no more than its class says."""

    kind = "sql"
    expects = JUDGED["sql"]
    most = 16_384

    def __init__(self, policy: SqlContract) -> None:
        self._policy = policy
        # Who allows a longer statement means it.
        self.most = max(self.most, policy.max_length)
        self._reader = Reader(policy.dialect)
        self._judge = _judge(policy)
        classes = ", ".join(policy.statements)
        self._faults = {
            "length": Fault(CODE, f"at most {policy.max_length} characters"),
            "text": Fault(
                CODE,
                "quotes in strings doubled, comments as -- with a blank or plain /* */, no backslash before a quote",
            ),
            "statement": Fault(
                CODE, f"one statement ({classes}) in {policy.dialect or 'common SQL'}, not deeply nested"
            ),
            "more": Fault(CODE, f"one statement ({classes}) that writes, locks, sets and calls nothing beside"),
            "function": Fault(CODE, "functions that read nothing but their arguments"),
            "table": Fault(CODE, "tables that the policy lists, as they are listed; no files, no catalogues"),
            "column": Fault(CODE, "columns that the policy lists, each by its name, without *"),
            "rows": Fault(CODE, f"a LIMIT of at most {policy.max_rows} on the outermost query"),
        }

    def fault(self, value: str) -> Fault | None:
        """None for a statement that the policy allows."""
        if len(value) > self._policy.max_length:
            return self._faults["length"]
        text = value.replace("\r\n", "\n")
        ends = self._reader.quotes_end(text)
        reason = "text" if ends is None else self._judge.reason(text, ends)
        return self._faults[reason] if reason else None

    def fault_of_beginning(self, value: str) -> Fault | None:
        """A beginning is no statement yet; it is short, and no second statement hides in it."""
        if len(value) > self._policy.max_length:
            return self._faults["length"]
        return self._faults["statement"] if second_statement(value) else None


def _judge(policy: SqlContract) -> Any:
    functions = Functions(policy.deny_functions, policy.allow_functions)
    try:
        return import_module("smcp_security.contracts.sql_judge").Judge(policy, functions)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sqlglot":
            raise
        raise PolicyError("a contract of the kind sql needs sqlglot: pip install 'smcp-security[sql]'") from error
