"""The tokens of SQL as its dialects read them, and the words that tell it from prose. Pure; imports nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_TOKENS: Final = 32
"""Tokens looked at in one text. What decides stands in the first dozen."""

_TOKEN: Final = re.compile(
    r"""
      (?P<blank>(?:[\s\ufffd]|\\\s?(?=\n)|/\*!\d*|/\*(?!!)(?:[^*]|\*(?!/))*\*/|\*/|(?:--|\#)[^\n]*\n(?=\s*[^\s-]))+)
    | (?P<comment>--|\#(?=[\s;+-]|\Z)|/\*|\x00|%00)
    | (?P<number>0x[0-9a-f]+|[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]*)?(?![\w$])|\.[0-9]+)
    | (?P<string>[nx]?'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)|"(?:[^"\\]|\\.|"")*(?:"|\\?\Z))
    | (?P<variable>@@?[\w$.]*)
    | (?P<word>[a-z_][\w$]*(?:\.+[\w$*]+)*|`\w+`|\[\w+\])
    | (?P<both>\|\||&&)
    | (?P<compare><=>|<>|!=|<=|>=|!<|!>|=(?!=)|<|>)
    | (?P<sign>[-+*/%^&|~!])
    | (?P<open>\()
    | (?P<close>[)\]])
    | (?P<comma>,)
    | (?P<semicolon>;)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Every alternative consumes what it has looked at, so that a text is read once."""


class Token(NamedTuple):
    """One token; `kind` is a group of the pattern above, "end" or "other"."""

    kind: str
    text: str


END: Final = Token("end", "")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a lower-case text, up to a comment that runs to its end or something SQL has not."""
    position = 0
    for _ in range(2 * MAX_TOKENS):
        match = _TOKEN.match(text, position)
        if match is None:
            if position < len(text):
                yield Token("other", text[position])
            return
        kind = match.lastgroup or "other"
        if kind != "blank":
            yield Token(kind, match.group())
        if kind == "comment":
            return
        position = match.end()


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FUNCTIONS: Final = _set(
    """abs aes_encrypt ascii avg benchmark bin bitand cast ceil ceiling char char_length character_length charindex chr
    coalesce col_length col_name compress concat concat_ws conv convert count current_database current_setting
    current_user database database_to_xml datadir db_id db_name decode elt encode exp export_set extractvalue field
    find_in_set floor format from_base64 generate_series getdate greatest group_concat gtid_subset gtid_subtract
    has_dbaccess hex host_name hostname if iif ifnull inet_aton instr is_member is_srvrolemember isnull json_arrayagg
    json_extract json_keys json_object lcase least left len length like likely listagg load_extension load_file locate
    log lower lpad ltrim make_set max md5 mid min mod multipoint name_const newid now nullif nvl object_id object_name
    oct ord patindex pg_backend_pid pg_ls_dir pg_read_file pg_sleep pg_sleep_for polygon position pow power printf
    quote rand randomblob rawtohex regexp_like repeat replace reverse right round row row_count rpad rtrim schema
    schema_name serverproperty session_user sha sha1 sha2 sign sleep soundex space sqlite_source_id sqlite_version
    sqrt st_latfromgeohash st_longfromgeohash st_pointfromgeohash str strcmp string_agg substr substring
    substring_index sum suser_name suser_sname sysdate system_user to_base64 to_char to_number translate trim truncate
    typeof ucase unhex unicode unlikely updatexml upper user user_id user_name utl_raw uuid version xmltype xmlagg
    xmlelement xpath zeroblob"""
)
"""Functions of the common databases. An unknown one counts too, once something is compared with what it yields."""

HOSTILE: Final = _set(
    """sleep pg_sleep pg_sleep_for benchmark randomblob zeroblob extractvalue updatexml load_file load_extension
    gtid_subset gtid_subtract json_keys st_latfromgeohash st_longfromgeohash st_pointfromgeohash regexp_substring
    xmltype make_set elt sqlite_version sysdate unhex char_length current_database suser_sname suser_name db_name
    group_concat generate_series pg_ls_dir pg_read_file is_srvrolemember"""
)
"""Those whose names are no words: even where no quote was closed, a call of one is no prose ("group and user(s)")."""

PACKAGES: Final = (
    "dbms_",
    "utl_",
    "ctxsys",
    "sys.",
    "httpuri",
    "ordsys",
    "pg_",
    "lo_",
    "xp_",
    "sp_",
    "st_",
    "master.",
    "user_lock",
)
"""How the names of procedures begin that no list can hold."""

CONNECTIVES: Final = _set("or and xor not div mod")
TESTS: Final = _set("like rlike ilike regexp glob match between in is not sounds similar")
PREFIXES: Final = _set("not binary all any some distinct prior")
CONSTANTS: Final = _set("null true false current_user session_user system_user sysdate rownum not")
CLAUSES: Final = _set("as union order group having where limit procedure into rlike")
RESERVED: Final = _set("select from where union order group having limit by the to of it is this that")
AFTER_ALL: Final = _set("limit order group having union into procedure or and xor desc asc")
"""Words that may follow a whole condition."""

ALONE: Final = _set("shutdown reconfigure vacuum commit rollback")

_OBJECTS: Final = _set(
    """table database schema user view index procedure function role login trigger extension column sequence tablespace
    package type proc temporary temp unique or global materialized server session system"""
)
STATEMENTS: Final = {
    "drop": _OBJECTS,
    "alter": _OBJECTS,
    "create": _OBJECTS,
    "truncate": _set("table"),
    "rename": _set("table user"),
    "delete": _set("from"),
    "insert": _set("into ignore"),
    "replace": _set("into"),
    "merge": _set("into"),
    "execute": _set("immediate"),
    "waitfor": _set("delay time"),
    "attach": _set("database"),
    "backup": _set("database log"),
    "restore": _set("database"),
    "load": _set("data xml"),
    "bulk": _set("insert"),
    "show": _set("tables databases columns grants schemas variables processlist"),
    "lock": _set("table tables"),
    "grant": _set("all select insert update execute create dba connect"),
    "revoke": _set("all select insert update execute"),
    "pragma": _set("table_info database_list writable_schema user_version"),
}
"""What begins a statement, and the second words that tell it from prose."""
