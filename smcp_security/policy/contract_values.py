"""The kinds of value in contracts: checked when the policy loads, and brought to one spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, Literal
from unicodedata import category

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticKnownError

from smcp_security.policy.patterns import check_alphabet, check_pattern, check_script
from smcp_security.policy.roots import ROOT_PATTERN, parse_root

_PLAIN: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_STARS: Final = r"[A-Za-z0-9_*](?:[A-Za-z0-9_*-]{0,61}[A-Za-z0-9_*])?"
_IPV6: Final = r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45}"
HOST_GLOB_PATTERN: Final = rf"^(\*|(\*\.)?{_PLAIN}|({_STARS}\.)*{_PLAIN}\.{_PLAIN}|{_IPV6}|\[{_IPV6}\])$"
SCHEME_PATTERN: Final = r"^[a-z][a-z0-9+.-]{0,31}$"
SUFFIX_PATTERN: Final = r"^\.[^/\\\x00-\x20\x7f]{1,63}$"
PROGRAM_PATTERN: Final = r"^(/?[A-Za-z0-9_.+-]+|(/[A-Za-z0-9_.+-]+)+)$"
PLAIN_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,1000}$"
OPTION_PATTERN: Final = r"^-[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,999}$"
FUNCTION_PATTERN: Final = r"^[A-Za-z0-9_.$*]{1,128}$"
ELEMENT_PATTERN: Final = r"^[a-z][a-z0-9]{0,31}$"
VARIABLE_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"

# They have no host: what they name lies on the server itself, or is a program.
_HOSTLESS: Final = frozenset(
    "about blob data file filesystem intent jar javascript mailto mhtml netdoc phar php tel urn vbscript view-source "
    "resource chrome".split()
)
# What runs, loads or changes how the rest is read, and what a reader takes for raw text.
RUNNING: Final = frozenset(
    "applet audio base basefont body button canvas dialog embed fencedframe form frame frameset head html iframe image "
    "input isindex keygen link listing marquee math meta noembed noframes noscript object option param plaintext "
    "portal script select slot source style svg template textarea title track video xml xmp".split()
)

DIALECTS: Final = tuple(
    "athena bigquery clickhouse databricks doris dremio drill druid duckdb dune exasol fabric hive materialize mysql "
    "oracle postgres presto redshift risingwave snowflake solr spark spark2 sqlite starrocks tableau teradata trino "
    "tsql".split()
)
"""The SQL dialects of sqlglot. A list of our own: a policy must not mean less where the extra is missing."""

Statement = Literal[
    "select", "insert", "update", "delete", "merge", "create", "alter", "drop", "truncate", "explain", "describe",
    "show", "use", "set",
]  # fmt: skip


def _dialect(value: object) -> str:
    if value not in ("", *DIALECTS):
        raise PydanticKnownError("literal_error", {"expected": ", ".join(f"'{name}'" for name in DIALECTS)})
    return str(value)


def _matching(pattern: str, expected: str) -> Callable[[object], str]:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object) -> str:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise ValueError(expected)
        return value

    return check


_HOST_EXPECTED: Final = (
    "expected a host name such as api.example.com, a glob such as *.example.com, or an IP address;"
    " no scheme, no port, an international name in its xn-- form"
)
_host_like: Final = _matching(HOST_GLOB_PATTERN, _HOST_EXPECTED)


def parse_host_glob(value: object) -> str:
    """A host name, a glob on some or an IP address, in lower case and without brackets.

    Raises:
        ValueError: none of them, or a glob whose star stands where anybody may register a name (*example.com).
    """
    if not isinstance(value, str) or len(value) > 253:
        raise ValueError(_HOST_EXPECTED)
    if "*" in value and re.fullmatch(HOST_GLOB_PATTERN, value) is None and "/" not in value:
        raise ValueError(f"{_HOST_EXPECTED}; a star in the last two labels would fit names of others, such as evil.com")
    host = _host_like(value).lower()
    if ":" not in host and not host.rpartition(".")[2].isdecimal():
        return host
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError(f"{_HOST_EXPECTED}; this is no IP address in its usual form") from None


def _scheme(value: object) -> str:
    expected = "expected a scheme in lower case such as https"
    scheme = _matching(SCHEME_PATTERN, expected)(value)
    if scheme in _HOSTLESS:
        raise ValueError(f"{expected}; {scheme} names no host (a file of the server is of the kind path)")
    return scheme


def _network(value: object) -> str:
    expected = "expected a network such as 10.0.0.0/8, or one address"
    if not isinstance(value, str):
        raise ValueError(expected)
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(expected) from None


def _program(value: object) -> str:
    expected = "expected the name of a program such as git, or its absolute path"
    program = _matching(PROGRAM_PATTERN, expected)(value)
    if program.startswith("-") or {".", ".."} & set(program.split("/")):
        raise ValueError(expected)
    return program


def _element(value: object) -> str:
    expected = "expected the name of an element in lower case such as table"
    element = _matching(ELEMENT_PATTERN, expected)(value)
    if element in RUNNING:
        raise ValueError(f"{expected}; {element} runs or loads something, or changes how the rest is read")
    return element


def _control(value: object) -> str:
    if not isinstance(value, str) or len(value) != 1 or category(value) != "Cc" or value == "\x00":
        raise ValueError(
            'expected one control character such as "\\n" or "\\t", in double quotes; NUL is refused always'
        )
    return value


Dialect = Annotated[str, BeforeValidator(_dialect), WithJsonSchema({"type": "string", "enum": ["", *DIALECTS]})]
HostGlob = Annotated[str, BeforeValidator(parse_host_glob), WithJsonSchema({"type": "string", "maxLength": 253})]
Root = Annotated[str, BeforeValidator(parse_root), WithJsonSchema({"type": "string", "pattern": ROOT_PATTERN})]
Scheme = Annotated[str, BeforeValidator(_scheme), WithJsonSchema({"type": "string", "pattern": SCHEME_PATTERN})]
Suffix = Annotated[
    str,
    BeforeValidator(_matching(SUFFIX_PATTERN, "expected an ending that begins with a dot, such as .md")),
    WithJsonSchema({"type": "string", "pattern": SUFFIX_PATTERN}),
]
Plain = Annotated[
    str,
    BeforeValidator(_matching(PLAIN_PATTERN, "expected a text of 1 to 1,000 characters without control characters")),
    WithJsonSchema({"type": "string", "pattern": PLAIN_PATTERN}),
]
Function = Annotated[
    str,
    BeforeValidator(_matching(FUNCTION_PATTERN, "expected the name of a SQL function or a glob such as pg_*")),
    AfterValidator(str.lower),
    WithJsonSchema({"type": "string", "pattern": FUNCTION_PATTERN}),
]
Option = Annotated[
    str,
    BeforeValidator(_matching(OPTION_PATTERN, "expected an exact option that begins with a dash, such as --stat")),
    WithJsonSchema({"type": "string", "pattern": OPTION_PATTERN}),
]
Program = Annotated[str, BeforeValidator(_program), WithJsonSchema({"type": "string", "pattern": PROGRAM_PATTERN})]
Network = Annotated[str, BeforeValidator(_network), WithJsonSchema({"type": "string", "maxLength": 50})]
Element = Annotated[str, BeforeValidator(_element), WithJsonSchema({"type": "string", "pattern": ELEMENT_PATTERN})]
Variable = Annotated[
    str,
    BeforeValidator(_matching(VARIABLE_PATTERN, "expected a plain name such as name or user.name")),
    WithJsonSchema({"type": "string", "pattern": VARIABLE_PATTERN}),
]
Control = Annotated[str, BeforeValidator(_control), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1})]
Alphabet = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(check_alphabet)]
Script = Annotated[str, Field(max_length=40), AfterValidator(check_script)]
LinearPattern = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(check_pattern)]
