"""SQL as text, before any parser: what two databases read differently, and a second statement. Pure, without sqlglot.

A text in which a quote, a comment or an escape ends at another place for the next reader is refused as a whole: nobody
can say what it means. `quotes_end` is a second opinion on where quotes end, which a tokenizer has to share.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from smcp_security.decoding import in_utf8, pattern

GENERIC: Final = ""
_MYSQL: Final = frozenset({"mysql", "doris", "starrocks", "singlestore"})
_TSQL: Final = frozenset({"tsql", "fabric"})
_SPARK: Final = frozenset({"hive", "spark", "spark2", "databricks"})
_BACKSLASH_FIXED: Final = frozenset({"bigquery", "clickhouse", "snowflake"})
"""Where a backslash escapes a quote by definition. Elsewhere a setting of the server decides, or it never does."""

_NOT_DOUBLED: Final = _SPARK | {"bigquery"}
_BRACKETED: Final = _TSQL | {"sqlite", "exasol", "tableau"}
_BACKTICKED: Final = _MYSQL | _SPARK | {"bigquery", "clickhouse", "sqlite", "drill", "athena"}
_HASH: Final = _MYSQL | _TSQL | {
    "bigquery", "clickhouse", "postgres", "redshift", "materialize", "risingwave", "duckdb",
}  # fmt: skip
_BRACED: Final = frozenset({"duckdb", "clickhouse", "snowflake"})
_SLASHED: Final = frozenset({"duckdb", "snowflake"})
_SPACED: Final = _MYSQL | {GENERIC}

_QUOTED: Final = "\x01"
"""Stands for a quoted text in what is left of a statement."""

_BLOCK: Final = r"/\*(?:[^*]++|\*(?!/))*+"
_COMMENT: Final = rf"--[^\n]*+|{_BLOCK}\*/"
_OPEN_COMMENT: Final = rf"{_BLOCK}\Z"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
"""A line break is `\\n`: `\\r\\n` is made one before, and a lone `\\r` ends a comment for some databases only."""

_AMBIGUOUS: Final = re.compile(
    r"\\"  # outside of quotes: commands of a client, continued lines
    r"|[uU]&\x01|\b[nN]?[qQ]\x01"  # U&'..' and q'..' have escapes and ends of their own
    r"|\{[#%{]|[#%}]\}"  # a template's, and a comment to some tokenizers
    r"|\$[A-Za-z_\x80-\U0010ffff]?[\w]*\$"  # strings between dollars
    r"|['\"]|/\*|\*/"  # unbalanced
)
_HIDING: Final = r"/\*(?:[!+]|M!|.*?/\*)|--\+"
"""Executable comments and hints run; nested ones end elsewhere."""

_UNSPACED: Final = r"|--(?=\S)"
"""To MySQL two minus signs."""


def _quoted(dialect: str) -> tuple[str, str]:
    """Patterns of quoted texts, and of such as do not end or end in doubt. Possessive throughout, so linear."""
    escape = r"\\." if dialect in _BACKSLASH_FIXED else "(?!)"
    marks = ["'", '"', "`"] if dialect in _BACKTICKED else ["'", '"']
    bodies = [
        mark
        + rf"(?:[^{mark}\\]++|{escape}|\\(?![{mark}\\])|\\\\(?!{mark})"
        + ("" if dialect in _NOT_DOUBLED else f"|{mark}{mark}")
        + ")*+"
        for mark in marks
    ]
    whole = [body + body[0] for body in bodies]
    if dialect in _BRACKETED:
        whole.append(r"\[[^\[\]'\"\\`\n]*+\]")
    return "|".join(whole), "|".join(bodies)


class Reader:
    """How texts of one dialect are read. Immutable."""

    def __init__(self, dialect: str) -> None:
        quoted, broken = _quoted(dialect)
        self._lexeme = re.compile(f"({quoted})|({broken}|{_OPEN_COMMENT})|{_COMMENT}", re.DOTALL)
        self._odd = re.compile("|".join(_odd(dialect)))
        self._hiding = re.compile(_HIDING + (_UNSPACED if dialect in _SPACED else ""), re.DOTALL)
        self._raw = re.compile(r"'''|\"\"\"|\b[rR][bB]?['\"]|\b[bB][rR]['\"]") if dialect == "bigquery" else None

    def quotes_end(self, text: str) -> frozenset[int] | None:
        """The offset of every closing quote mark; None where some database may read the text otherwise. Linear."""
        if _CONTROL.search(text) is not None or (self._raw is not None and self._raw.search(text) is not None):
            return None
        code: list[str] = []
        ends: list[int] = []
        at = 0
        for match in self._lexeme.finditer(text):
            code.append(text[at : match.start()])
            at = match.end()
            if match[1] is not None:
                ends.append(at - 1)
                code.append(_QUOTED)
            elif match[2] is not None or self._hiding.match(match[0]) is not None:
                return None
            else:
                code.append(" ")
        code.append(text[at:])
        return frozenset(ends) if self._certain("".join(code)) else None

    def _certain(self, code: str) -> bool:
        odd = _AMBIGUOUS.search(code) is not None or self._odd.search(code) is not None
        return not odd and (code.isascii() or _plain_letters(code))


def _odd(dialect: str) -> list[str]:
    """What is outside of quotes and comments only where the dialect is not what the policy says."""
    odd = [r"\[[^\[\]]*\x01"] if dialect == GENERIC else []
    if dialect not in _BACKTICKED:
        odd.append("`")
    if dialect not in _HASH:
        odd.append("#")
    if dialect not in _BRACED:
        odd.append(r"\{")
    if dialect not in _SLASHED:
        odd.append("//")
    return odd or ["(?!)"]


def _plain_letters(code: str) -> bool:
    """Whether what is not ASCII is letters and digits that no normalising or change of case makes ASCII."""
    return all(
        character.isascii()
        or (character.isalnum() and unicodedata.is_normalized("NFKC", character) and not _folds(character))
        for character in code
    )


def _folds(character: str) -> bool:
    return any(len(other) == 1 and other.isascii() for other in (character.upper(), character.lower()))


def _reading(escape: str, unclosed: str) -> re.Pattern[str]:
    strings = "|".join(rf"{mark}(?:[^{mark}\\]|{escape})*+(?:{mark}{unclosed})" for mark in ("'", '"'))
    return re.compile(rf"{strings}|`[^`]*+`?|--(?=\s|\Z)[^\n]*+|/\*(?![!Mm])(?:[^*]++|\*(?!/))*+(?:\*/|\Z)", re.DOTALL)


_PLAIN_READING: Final = _reading(r"\\", "")
_ESCAPED_READING: Final = _reading(r"\\.", r"|\\?\Z")
"""Without and with backslashes that escape: an attack needs one of the two. To the plain one a quote that nothing
closes is a character; there is at most one of each mark, so that stays linear."""

_OBJECTS: Final = "|".join(
    "TABLE VIEW MATERIALIZED SCHEMA DATABASE INDEX UNIQUE FUNCTION PROCEDURE TRIGGER USER ROLE LOGIN TYPE SEQUENCE "
    "EXTENSION TEMP TEMPORARY OR EXTERNAL FOREIGN SERVER POLICY PUBLICATION SUBSCRIPTION TABLESPACE EVENT ALIAS SYSTEM "
    "SYNONYM PACKAGE OWNED DOMAIN AGGREGATE OPERATOR CAST RULE DEFINER VIRTUAL GLOBAL UNLOGGED IF STAGE STREAM TASK "
    "WAREHOUSE ASSEMBLY CERTIFICATE ENDPOINT CATALOG DICTIONARY RESOURCE LANGUAGE DIRECTORY SESSION GROUP".split()
)
_WRITES: Final = (
    r"(?:DROP|ALTER|CREATE)\s+(?:"
    + _OBJECTS
    + r")\b|DELETE\s+FROM\b|UPDATE\s+\S+\s+SET\b|(?:INSERT|REPLACE)\s+INTO\b|TRUNCATE\s+\w"
    r"|MERGE\s+INTO\b|(?:GRANT|REVOKE)\s+\w|EXEC(?:UTE)?\s+\w|COPY\s+[\w(]|CALL\s+\w|DO\s+\$|LOAD\s+\w|ATTACH\s+"
    r"|SHUTDOWN\b|DECLARE\s+@|WAITFOR\s+\w|VACUUM\s+INTO|RENAME\s+TABLE|SET\s+(?:ROLE|SESSION|GLOBAL)\b|PRAGMA\s+\w+\s*="
)
_GAP: Final = r"(?:\s|/\*[!M]*[0-9]*|\*/|\()*"
_SECOND_WRITE: Final = pattern(rf"(?i);{_GAP}(?:{_WRITES})")
_SECOND: Final = pattern(rf";{_GAP}[A-Za-z]")
_FIRST: Final = re.compile(rf"{_GAP}+([A-Za-z]+)")
_ENDS: Final = frozenset({"COMMIT", "ROLLBACK", "END", "ABORT"})
_SCRIPT: Final = frozenset(
    "CREATE ALTER DROP INSERT UPDATE DELETE TRUNCATE MERGE REPLACE BEGIN START SET USE DECLARE GRANT REVOKE PRAGMA "
    "ATTACH DO CALL EXEC EXECUTE COPY LOAD LOCK GO".split()
)
"""How honest scripts begin: with what writes, or with a transaction or a setting for what follows."""


def second_statement(text: str) -> bool:
    """Whether a second statement hides behind the first: one that writes behind one that reads, or any behind a COMMIT.

    For arguments whose kind is only inferred. A `;` in quotes or comments, at the end, or in a script that begins by
    writing is honest. Linear in the text.
    """
    if ";" not in text:
        return False
    readings = (_PLAIN_READING, _ESCAPED_READING) if "\\" in text else (_PLAIN_READING,)
    return any(_hides_one(reading.sub(" ", text)) for reading in readings)


def _hides_one(code: str) -> bool:
    first = _FIRST.match(code)
    word = first[1].upper() if first is not None else ""
    if word in _ENDS:
        return _SECOND.search(in_utf8(code)) is not None
    return word not in _SCRIPT and _SECOND_WRITE.search(in_utf8(code)) is not None
