"""The kinds of typed arguments that a policy may name, and their settings. Pure; imported by who writes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, Field, PlainSerializer, Strict, model_validator

from smcp_security.policy.contract_values import (
    Alphabet,
    Dialect,
    Function,
    HostGlob,
    Option,
    Plain,
    Program,
    Root,
    Scheme,
    Statement,
    Suffix,
)
from smcp_security.policy.formats import (
    CidrContract,
    CodeContract,
    ContractPolicy,
    DateContract,
    EmailContract,
    EnumContract,
    HostnameContract,
    HtmlContract,
    JsonContract,
    Length,
    RegexContract,
    TemplateContract,
    TextContract,
    UuidContract,
    check_lengths,
)
from smcp_security.policy.roots import is_windows
from smcp_security.policy.section import FrozenMap, Truth, at_key

__all__ = [
    "KINDS", "AnyContract", "ArgvTokenContract", "CidrContract", "CodeContract", "CommandContract", "ContractPolicy",
    "DateContract", "EmailContract", "EnumContract", "HostnameContract", "HtmlContract", "IdentifierContract",
    "JsonContract", "PathContract", "RegexContract", "SqlContract", "TemplateContract", "TextContract", "UrlContract",
    "UuidContract",
]  # fmt: skip


class PathContract(ContractPolicy):
    """A path below one of some roots."""

    kind: Literal["path"] = "path"
    roots: Annotated[tuple[Root, ...], Field(min_length=1)] = Field(
        description="Absolute directories; a relative path counts from each."
    )
    resolve: Literal["lexical", "local"] = Field(
        default="lexical",
        description="local follows links where the server shares this file system; lexical reads the text alone.",
    )
    suffixes: tuple[Suffix, ...] | None = Field(
        default=None, description="Endings that a path may have, such as .md. null: any."
    )
    must_exist: Truth = Field(default=False, description="With resolve: local, the path has to be there.")
    max_length: Length = Field(default=4096, description="Characters.")

    @model_validator(mode="after")
    def _consistent(self) -> PathContract:
        if self.must_exist and self.resolve != "local":
            raise at_key("must_exist", self.must_exist, "needs resolve: local; from the text alone nobody can tell")
        if len({is_windows(root) for root in self.roots}) > 1:
            raise at_key("roots", [*self.roots], "expected roots of one system; a path means one thing on each")
        return self


class UrlContract(ContractPolicy):
    """An absolute URL of some schemes and hosts."""

    kind: Literal["url"] = "url"
    schemes: Annotated[tuple[Scheme, ...], Field(min_length=1)] = Field(
        default=("https", "http"), description="Schemes, lower case."
    )
    hosts: tuple[HostGlob, ...] | None = Field(
        default=None, description="Host names, globs such as *.example.com, or addresses. null: any."
    )
    ports: tuple[Annotated[int, Strict(), Field(ge=1, le=65535)], ...] | None = Field(
        default=None, description="Ports. null: the scheme's own, and with hosts any."
    )
    public_only: Truth = Field(
        default=True, description="Refuse addresses that are not public, as written and as resolved."
    )
    resolve: Truth = Field(default=True, description="With public_only, ask which addresses the host has.")
    max_length: Length = Field(default=2048, description="Characters.")


class SqlContract(ContractPolicy):
    """One SQL statement, read by its syntax tree. Needs the extra `sql`."""

    kind: Literal["sql"] = "sql"
    dialect: Dialect = Field(default="", description="Dialect of sqlglot, such as postgres. Empty: common SQL.")
    statements: Annotated[tuple[Statement, ...], Field(min_length=1)] = Field(
        default=("select",), description="Classes of statements."
    )
    tables: tuple[Plain, ...] | None = Field(
        default=None, description="Globs on tables as written with their schema. null: any."
    )
    columns: tuple[Plain, ...] | None = Field(
        default=None, description="Globs on columns, bare or as table.column. null: any, * included."
    )
    deny_functions: tuple[Function, ...] = Field(
        default=(), description="Globs on functions that are refused besides the built-in list."
    )
    allow_functions: tuple[Function, ...] = Field(
        default=(), description="Functions of the built-in list that are allowed all the same."
    )
    max_rows: Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="A query must have a LIMIT of at most this. null: none needed."
    )
    max_length: Length = Field(default=8192, description="Characters.")


class CommandContract(ContractPolicy):
    """One plain call of an allowed program, parsed as a POSIX shell would."""

    kind: Literal["command"] = "command"
    programs: Annotated[
        Mapping[Program, tuple[Plain, ...] | None],
        Field(min_length=1),
        AfterValidator(FrozenMap),
        PlainSerializer(dict, return_type=dict[str, Any]),
    ] = Field(
        description="Program -> globs that each of its arguments fits one of. null: any plain argument; []: none."
    )
    max_length: Length = Field(default=4096, description="Characters.")


class ArgvTokenContract(ContractPolicy):
    """One argument of a command."""

    kind: Literal["argv_token"] = "argv_token"
    options: tuple[Option, ...] = Field(default=(), description="Exact tokens with a leading dash that are allowed.")
    max_length: Length = Field(default=1024, description="Characters.")


class IdentifierContract(ContractPolicy):
    """One token, one path segment after decoding."""

    kind: Literal["identifier"] = "identifier"
    alphabet: Alphabet = Field(
        default="A-Za-z0-9_.-", description="Characters, as inside the brackets of a regular expression."
    )
    min_length: Length = Field(default=1, description="Characters.")
    max_length: Length = Field(default=128, description="Characters.")

    @model_validator(mode="after")
    def _consistent(self) -> IdentifierContract:
        check_lengths(self.min_length, self.max_length)
        return self


AnyContract: TypeAlias = (
    PathContract | UrlContract | SqlContract | CommandContract | ArgvTokenContract | IdentifierContract | EmailContract
    | HostnameContract | CidrContract | UuidContract | DateContract | EnumContract | RegexContract | JsonContract
    | HtmlContract | TemplateContract | TextContract | CodeContract
)  # fmt: skip

KINDS: Final[Mapping[str, type[AnyContract]]] = {
    model.model_fields["kind"].default: model for model in get_args(AnyContract)
}
