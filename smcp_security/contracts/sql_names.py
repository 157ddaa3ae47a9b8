"""Which tables a statement reads or writes: names that it gives itself aside, catalogues never by chance. Pure."""

from __future__ import annotations

from typing import Any, Final

from smcp_security.contracts.sql_functions import Functions
from smcp_security.contracts.sql_tree import exp
from smcp_security.policy.globs import fits

_CATALOGUES: Final = frozenset(
    "information_schema pg_catalog mysql performance_schema sys system master msdb model tempdb ndbinfo snowflake "
    "syscat sysibm sysproc sysibmadm ctxsys dbsnmp account_usage organization_usage definition_schema dbc".split()
)
_CATALOGUE_TABLES: Final = frozenset(
    "sysobjects syscolumns sysusers syslogins sysdatabases sysprocesses syscomments sysservers sysxlogins all_users "
    "all_tables all_tab_columns all_objects all_source all_views user_tables user_tab_columns user_objects user_users "
    "user_source msysobjects dual_session session_privs session_roles".split()
)
_PREFIXES: Final = (
    "pg_",
    "sqlite_",
    "dba_",
    "v$",
    "gv$",
    "v_$",
    "x$",
    "duckdb_",
    "svv_",
    "stl_",
    "stv_",
    "svl_",
    "cdb_",
)
_UNPLAIN: Final = frozenset("/\\:'\"();?<>|@\n\t")
"""In a name they say that a file, a stage or another server is read."""

_SELF_NAMED: Final = frozenset({"tsql", "fabric", "oracle", "sqlite", "snowflake", "teradata"})
"""Where a common table expression may name itself without RECURSIVE. Elsewhere its name is then that of a table."""


class Tables:
    """The tables that a policy lists, as globs part by part: `public.*` is a table of `public`, `*` is any."""

    def __init__(self, globs: tuple[str, ...] | None, functions: Functions, dialect: str) -> None:
        self._globs = None if globs is None else [tuple(glob.split(".")) for glob in globs]
        self._functions = functions
        self._self_named = dialect in _SELF_NAMED
        self._files = dialect == "duckdb"
        self._dotted = dialect == "bigquery"

    def refused(self, root: Any) -> bool:
        """Whether a statement names a table that is not listed, or reads what is no table."""
        return any(self._refused(node) for node in root.walk())

    def _refused(self, node: Any) -> bool:
        if isinstance(node, exp.Table):
            return self._table_refused(node)
        if isinstance(node, exp.In):
            # `x IN name` is a table or a function of a table's kind to some databases.
            return node.args.get("field") is not None
        if isinstance(node, exp.Lateral | exp.TableFromRows):
            inner = node.this
            return not isinstance(inner, exp.Query | exp.Unnest | exp.Values) and self._function_refused(inner)
        return False

    def _function_refused(self, node: Any) -> bool:
        if isinstance(node, exp.Anonymous):
            return self._functions.refused_as_table([node.name.lower()])
        if isinstance(node, exp.Func):
            return self._functions.refused_as_table([name.lower() for name in type(node).sql_names()])
        return True

    def _table_refused(self, table: Any) -> bool:
        if isinstance(table.this, exp.Func):
            return table.args.get("db") is not None or self._function_refused(table.this)
        parts = [table.args.get("catalog"), table.args.get("db"), table.this]
        while parts and parts[0] is None:
            parts.pop(0)
        if not all(isinstance(part, exp.Identifier) or part is None for part in parts) or not parts:
            return True
        alias = table.args.get("alias")
        if alias is not None and alias.this is not None and not isinstance(alias.this, exp.Identifier):
            return True
        names = [name for part in parts for name in self._spelled(part)]
        if any(not _UNPLAIN.isdisjoint(name) or (self._files and "." in name) for name, _ in names):
            return True
        if len(names) == 1 and (names[0][0].lower() == "dual" or is_common(table, self._self_named)):
            return False
        return self._unlisted(names)

    def _spelled(self, part: Any) -> list[tuple[str, bool]]:
        """The name, and whether it is quoted. BigQuery quotes several parts at once."""
        if part is None:
            return [("", False)]
        quoted = bool(part.args.get("quoted"))
        return [(name, quoted) for name in (part.name.split(".") if self._dotted else [part.name])]

    def _unlisted(self, names: list[tuple[str, bool]]) -> bool:
        hidden = _catalogue_part(names)
        if self._globs is None:
            return hidden is not None
        return not any(self._lists(glob, names, hidden) for glob in self._globs)

    def _lists(self, glob: tuple[str, ...], names: list[tuple[str, bool]], hidden: int | None) -> bool:
        if glob == ("*",):
            return hidden is None
        if len(glob) != len(names) or not all(map(_part_fits, glob, names)):
            return False
        # What belongs to the server is listed by its own name or the prefix of it, never by a star.
        return hidden is None or (not glob[hidden].startswith("*") and _catalogue_part([
            (part.replace("*", ""), False) for part in glob
        ]) is not None)  # fmt: skip


def _part_fits(glob: str, name: tuple[str, bool]) -> bool:
    """A bare name is found whatever its case; a quoted one means its own."""
    text, quoted = name
    return fits(glob, text) if quoted else fits(glob.lower(), text.lower())


def _catalogue_part(names: list[tuple[str, bool]]) -> int | None:
    """Which part of a name says that it belongs to the server itself."""
    for place, (name, _) in enumerate(names):
        lowered = name.lower()
        last = place == len(names) - 1
        if lowered.startswith(_PREFIXES) or lowered in (_CATALOGUE_TABLES if last else _CATALOGUES):
            return place
    return None


def is_common(table: Any, self_named: bool = False) -> bool:
    """Whether a bare name is that of a common table expression that is in sight where it stands."""
    owner = table.parent
    if not isinstance(owner, exp.From | exp.Join) and not (isinstance(owner, exp.Merge) and owner.this is not table):
        # What a statement writes to is a table of that name.
        return False
    node: Any = table
    below: Any = None
    while node is not None:
        if isinstance(node, exp.With):
            visible = _visible(node, below, self_named)
            if any(_same_name(table.this, common) for common in visible):
                return True
            # The statement that owns this list is the next step; from inside the list it shows no more of it.
            below = node.parent
            node = below.parent if below is not None else None
            continue
        listed = node.args.get("with_")
        if listed is not None and any(_same_name(table.this, common) for common in listed.expressions):
            return True
        below, node = node, node.parent
    return False


def _visible(listed: Any, below: Any, self_named: bool) -> list[Any]:
    commons = list(listed.expressions)
    if listed.args.get("recursive"):
        return commons
    own = next((place for place, common in enumerate(commons) if common is below), 0)
    return commons[: own + 1 if self_named else own]


def _same_name(name: Any, common: Any) -> bool:
    alias = common.args["alias"].this
    quoted = bool(name.args.get("quoted"))
    if quoted is not bool(alias.args.get("quoted")):
        return False
    return bool(name.name == alias.name if quoted else name.name.lower() == alias.name.lower())
