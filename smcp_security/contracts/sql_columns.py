"""Which columns a statement names, for policies that list them. Pure.

Without the database's own schema nobody knows which table a bare name belongs to, so a name is allowed where the policy
lists it, or where it can only be an output of a subquery whose own columns were judged.
"""

from __future__ import annotations

from typing import Any, Final

from smcp_security.contracts.sql_names import is_common
from smcp_security.contracts.sql_tree import exp
from smcp_security.policy.globs import fits

_WIDE: Final = (exp.Star, exp.Columns, exp.PositionalColumn, exp.Pivot)
"""What names columns without saying which."""


class Columns:
    """The columns that a policy lists, as globs: bare, or as table.column."""

    def __init__(self, globs: tuple[str, ...], dialect: str) -> None:
        self._globs = tuple(glob.lower() for glob in globs)
        self._numbered = dialect == "snowflake"

    def refused(self, root: Any) -> bool:
        """Whether a statement names a column that is not listed, or columns without their names."""
        return any(self._refused(node) for node in root.walk())

    def _refused(self, node: Any) -> bool:
        if isinstance(node, _WIDE):
            return not (isinstance(node, exp.Star) and isinstance(node.parent, exp.Count))
        if isinstance(node, exp.Parameter):
            return self._numbered
        if isinstance(node, exp.Column):
            return not isinstance(node.this, exp.Star) and not self._allowed(node)
        if isinstance(node, exp.Join):
            # A hidden comparison tells as much as the column itself.
            named = node.args.get("using") or ()
            return str(node.args.get("method") or "").upper() == "NATURAL" or not all(
                self._lists(each.name) for each in named
            )
        if isinstance(node, exp.Insert):
            return not isinstance(node.this, exp.Schema) or not all(
                self._lists(each.name, node.this.this.name) for each in node.this.expressions
            )
        return False

    def _lists(self, name: str, table: str = "") -> bool:
        spellings = (name.lower(), f"{table}.{name}".lower()) if table else (name.lower(),)
        return any(
            fits(glob, spelling) for glob in self._globs for spelling in spellings if ("." in glob) == ("." in spelling)
        )

    def _allowed(self, column: Any) -> bool:
        if column.args.get("catalog") is not None:
            return False
        name, qualifier = column.name, column.table
        if not name:
            return False
        scope = column.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge, exp.Insert)
        sources = _sources(scope) if scope is not None else {}
        if qualifier:
            return self._qualified(column, name, qualifier)
        if self._lists(name) or _is_alias(column):
            return True
        tables = list(sources.values())
        if len(tables) == 1 and isinstance(tables[0], exp.Table) and not is_common(tables[0]):
            return self._lists(name, tables[0].name)
        return any(name.lower() in outputs for outputs in map(_outputs, tables) if outputs is not None)

    def _qualified(self, column: Any, name: str, qualifier: str) -> bool:
        source = _source_named(column, qualifier)
        if source is None:
            return False
        outputs = _outputs(source)
        if outputs is not None:
            return name.lower() in outputs
        return isinstance(source, exp.Table) and not is_common(source) and self._lists(name, source.name)


def _is_alias(column: Any) -> bool:
    """Whether a name in ORDER BY is that of an output: there, and only alone, every database prefers it."""
    ordered = column.parent
    if not isinstance(ordered, exp.Ordered) or not isinstance(ordered.parent, exp.Order):
        return False
    query = ordered.parent.parent
    if not isinstance(query, exp.Query):
        return False
    return column.name.lower() in (_named(query) or ())


def _sources(scope: Any) -> dict[str, Any]:
    """What a statement reads from, by the names that columns call it; only its own level."""
    found: list[Any] = []
    if isinstance(scope, exp.Select):
        begin = scope.args.get("from_")
        found += [begin.this] if begin is not None else []
    else:
        found += [each for each in (scope.this, scope.args.get("using"), scope.args.get("from_")) if each is not None]
        found = [each.this if isinstance(each, exp.From | exp.Schema) else each for each in found]
    joins = list(scope.args.get("joins") or ()) + list(scope.args.get("laterals") or ())
    for each in list(found):
        joins += list(each.args.get("joins") or ()) if isinstance(each, exp.Expr) else []
    found += [join.this if isinstance(join, exp.Join) else join for join in joins]
    return {(each.alias_or_name or str(place)).lower(): each for place, each in enumerate(found)}


def _source_named(column: Any, qualifier: str) -> Any:
    """The source of that name nearest to a column: its own statement first, then those around it."""
    scope = column
    while scope is not None:
        scope = scope.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge, exp.Insert)
        if scope is not None:
            source = _sources(scope).get(qualifier.lower())
            if source is not None:
                return source
    return None


def _outputs(source: Any) -> frozenset[str] | None:
    """The names of what a subquery or common table expression gives; None for a table and where they are not known."""
    if isinstance(source, exp.Subquery):
        alias = source.args.get("alias")
        return _renamed(alias) or _named(source.this)
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and is_common(source):
        return _renamed(source.args.get("alias")) or _of_common(source)
    if isinstance(source, exp.Unnest | exp.Lateral | exp.Values) or isinstance(source.this, exp.Func):
        return _renamed(source.args.get("alias")) or frozenset({source.alias_or_name.lower()})
    return None


def _of_common(table: Any) -> frozenset[str] | None:
    node = table.parent
    while node is not None:
        listed = node.args.get("with_")
        for common in listed.expressions if listed is not None else ():
            if common.alias.lower() == table.name.lower():
                return _renamed(common.args.get("alias")) or _named(common.this)
        node = node.parent
    return None


def _renamed(alias: Any) -> frozenset[str] | None:
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    return frozenset(each.name.lower() for each in columns) if columns else None


def _named(query: Any) -> frozenset[str] | None:
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return (
        frozenset(each.alias_or_name.lower() for each in query.expressions) if isinstance(query, exp.Select) else None
    )
