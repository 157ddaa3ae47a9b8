"""Bad contracts, each with its report and its good twin."""

from __future__ import annotations

from smcp_security.policy.contract_values import DIALECTS
from smcp_security.policy.contracts import KINDS
from tests.policy.mistakes import Mistake

_PLACE = "expected the name of an argument, such as path, or a JSON pointer such as /files/* or /options/path"
_ROOT = "expected an absolute directory such as /srv/data or C:\\data"
_HOST = (
    "expected a host name such as api.example.com, a glob such as *.example.com, or an IP address;"
    " no scheme, no port, an international name in its xn-- form"
)
_ALPHABET = "expected characters as inside the brackets of a regular expression, such as A-Za-z0-9_.-"
_ELEMENT = "expected the name of an element in lower case such as table"
_KINDS = ", ".join([*KINDS][:-1]) + f" or {[*KINDS][-1]}"


def contract(settings: str) -> str:
    """A policy with one contract; its settings, in flow style without braces, begin at line 3, column 10."""
    return f"tools:\n  t: {{arguments:\n    {{a: {{{settings}}}}}}}\n"


def _wrong(settings: str, column: int, report: str, good: str, *, beyond: bool = False) -> Mistake:
    return Mistake(contract(settings), f":3:{column}: tools.t.arguments.a.{report}", contract(good), beyond)


MISTAKES: dict[str, Mistake] = {
    "a contract of no kind": _wrong(
        "roots: [/a]", 9, "kind: missing, and it has no default", "kind: path, roots: [/a]"),
    "a contract of a misspelt kind": _wrong(
        "kind: pth", 16, f'kind: expected {_KINDS}, found "pth"; did you mean path?', "kind: path, roots: [/a]"),
    "a contract that is a word": Mistake(
        "tools: {t: {arguments: {a: uuid}}}\n",
        ':1:28: tools.t.arguments.a: expected a contract: a mapping with kind and its settings, found "uuid"',
        "tools: {t: {arguments: {a: {kind: uuid}}}}\n"),
    "contracts that are a list": Mistake(
        "tools: {t: {arguments: [a]}}\n",
        ":1:24: tools.t.arguments: expected a mapping of arguments to contracts, found a list",
        "tools: {t: {arguments: {}}}\n"),
    "a misspelt setting": _wrong(
        "kind: path, rots: [/a], roots: [/a]", 22, "rots: unknown key; did you mean roots?", "kind: path, roots: [/a]"),
    "a setting of another kind": _wrong(
        "kind: uuid, max_length: 3", 22, "max_length: unknown key; expected one of detect, kind, versions",
        "kind: text, max_length: 3"),
    "a place that is no pointer": Mistake(
        "tools: {t: {arguments: {files/*: {kind: uuid}}}}\n",
        f':1:25: tools.t.arguments."files/*": {_PLACE}; what has slashes, dots or brackets is written as a'
        " pointer: /a/b, /a.b",
        "tools: {t: {arguments: {/files/*: {kind: uuid}}}}\n"),
    "a place with a loose tilde": Mistake(
        "tools: {t: {arguments: {/a~b: {kind: uuid}}}}\n",
        f':1:25: tools.t.arguments."/a~b": {_PLACE}; ~ is written ~0 in a pointer, and a slash in a name ~1',
        "tools: {t: {arguments: {/a~0b: {kind: uuid}, a~c: {kind: uuid}}}}\n"),
    "one argument in two spellings": Mistake(
        "tools: {t: {arguments: {a: {kind: uuid}, /a: {kind: email}}}}\n",
        ':1:42: tools.t.arguments."/a": the same argument again; remove one of the two',
        "tools: {t: {arguments: {a: {kind: uuid}, /b: {kind: email}}}}\n", beyond=True),
    "a root that is relative": _wrong(
        "kind: path, roots: [srv]", 30, f'roots[0]: {_ROOT}, found "srv"', "kind: path, roots: [/srv]"),
    "a root that climbs": _wrong(
        "kind: path, roots: [/srv/../etc]", 30, f'roots[0]: {_ROOT}, without ..; write where it leads, found'
        ' "/srv/../etc"', "kind: path, roots: [/srv/..etc]", beyond=True),
    "a root on another machine": _wrong(
        "kind: path, roots: [//host/share]", 30, f"roots[0]: {_ROOT}; two slashes begin the name of another machine,"
        ' found "//host/share"', "kind: path, roots: [/host//share]", beyond=True),
    "roots of two systems": _wrong(
        "kind: path, roots: [/srv, 'C:\\srv']", 29, "roots: expected roots of one system; a path means one thing on"
        " each, found a list", "kind: path, roots: ['D:/srv', 'C:\\srv']", beyond=True),
    "no root at all": _wrong(
        "kind: path, roots: []", 29, "roots: expected at least 1 entry, found a list", "kind: path, roots: [/]"),
    "an existence that nobody looks up": _wrong(
        "kind: path, roots: [/a], must_exist: true", 47,
        "must_exist: needs resolve: local; from the text alone nobody can tell, found true",
        "kind: path, roots: [/a], must_exist: true, resolve: local", beyond=True),
    "a suffix without a dot": _wrong(
        "kind: path, roots: [/a], suffixes: [md]", 46,
        'suffixes[0]: expected an ending that begins with a dot, such as .md, found "md"',
        "kind: path, roots: [/a], suffixes: [.md, .tar.gz]"),
    "a scheme without hosts": _wrong(
        "kind: url, schemes: [file]", 31,
        "schemes[0]: expected a scheme in lower case such as https; file names no host"
        ' (a file of the server is of the kind path), found "file"', "kind: url, schemes: [ftp]", beyond=True),
    "a scheme in capitals": _wrong(
        "kind: url, schemes: [HTTPS]", 31,
        'schemes[0]: expected a scheme in lower case such as https, found "HTTPS"', "kind: url, schemes: [https]"),
    "a host with a port": _wrong(
        "kind: url, hosts: ['a.example:80']", 29, f'hosts[0]: {_HOST}, found "a.example:80"',
        "kind: url, hosts: [a.example], ports: [80]", beyond=True),
    "a star where others register": _wrong(
        "kind: url, hosts: ['*example.com']", 29,
        f"hosts[0]: {_HOST}; a star in the last two labels would fit names of others, such as evil.com,"
        ' found "*example.com"', "kind: url, hosts: ['*.example.com', example.com]", beyond=True),
    "an address in another form": _wrong(
        "kind: hostname, hosts: ['127.1']", 34,
        f'hosts[0]: {_HOST}; this is no IP address in its usual form, found "127.1"',
        "kind: hostname, hosts: [127.0.0.1, '[::1]']", beyond=True),
    "a port of nobody": _wrong(
        "kind: url, ports: [0]", 29, "ports[0]: expected at least 1, found the number 0",
        "kind: url, ports: [1, 65535]"),
    "a misspelt dialect": _wrong(
        "kind: sql, dialect: postgrs", 30,
        f'dialect: expected {", ".join(DIALECTS)}, found "postgrs"; did you mean postgres?',
        "kind: sql, dialect: postgres"),
    "a misspelt statement": _wrong(
        "kind: sql, statements: [selct]", 34,
        "statements[0]: expected select, insert, update, delete, merge, create, alter, drop, truncate, explain,"
        ' describe, show, use or set, found "selct"; did you mean select?', "kind: sql, statements: [select, explain]"),
    "a function with a call": _wrong(
        "kind: sql, deny_functions: ['sleep()']", 38,
        "deny_functions[0]: expected the name of a SQL function or a glob such as pg_*, found a text of 7 characters",
        "kind: sql, deny_functions: [sleep, 'pg_*'], allow_functions: [sum]"),
    "rows without end": _wrong(
        "kind: sql, max_rows: 0", 31, "max_rows: expected at least 1, found the number 0", "kind: sql, max_rows: 1"),
    "a program with its arguments": _wrong(
        "kind: command, programs: {git log: null}", 36,
        'programs."git log": expected the name of a program such as git, or its absolute path',
        "kind: command, programs: {git: [log, '--format=*'], /usr/bin/env: []}"),
    "a program of a folder": _wrong(
        "kind: command, programs: {bin/git: null}", 36,
        'programs."bin/git": expected the name of a program such as git, or its absolute path',
        "kind: command, programs: {git: null}"),
    "no program at all": _wrong(
        "kind: command, programs: {}", 35, "programs: expected at least 1 entry, found a mapping",
        "kind: command, programs: {git: null}"),
    "an option without a dash": _wrong(
        "kind: argv_token, options: [stat]", 38,
        'options[0]: expected an exact option that begins with a dash, such as --stat, found "stat"',
        "kind: argv_token, options: [--stat]"),
    "an alphabet that leaves its class": _wrong(
        "kind: identifier, alphabet: 'a]|[b'", 38,
        f"alphabet: {_ALPHABET}; write \\[ and \\] for brackets, found a text of 5 characters",
        "kind: identifier, alphabet: 'a\\]\\[b'", beyond=True),
    "an alphabet of everything else": _wrong(
        "kind: identifier, alphabet: '^a'", 38,
        f"alphabet: {_ALPHABET}; a class of everything else is no alphabet (write \\^ for the character),"
        " found a text of 2 characters", "kind: identifier, alphabet: '\\^a'", beyond=True),
    "an alphabet with line breaks": _wrong(
        "kind: identifier, alphabet: '\\w\\s'", 38,
        f"alphabet: {_ALPHABET}; control characters and line breaks are part of no identifier,"
        " found a text of 4 characters", "kind: identifier, alphabet: '\\w'", beyond=True),
    "lengths the wrong way round": _wrong(
        "kind: identifier, min_length: 9, max_length: 8", 40,
        "min_length: more than max_length, so no text would be accepted, found the number 9",
        "kind: identifier, min_length: 8, max_length: 8", beyond=True),
    "a network with host bits": _wrong(
        "kind: cidr, within: [10.0.0.1/8]", 31,
        'within[0]: expected a network such as 10.0.0.0/8, or one address, found "10.0.0.1/8"',
        "kind: cidr, within: [10.0.0.0/8]", beyond=True),
    "networks of another version": _wrong(
        "kind: cidr, version: 6, within: [10.0.0.0/8]", 42, "within: holds no network of version 6, found a list",
        "kind: cidr, version: 4, within: [10.0.0.0/8, 2001:db8::/32]", beyond=True),
    "a version that never was": _wrong(
        "kind: uuid, versions: [9]", 33, "versions[0]: expected at most 8, found the number 9",
        "kind: uuid, versions: [4, 7]"),
    "an end in another form": _wrong(
        "kind: date, earliest: 1.6.2027", 32, 'earliest: expected a date such as 2027-06-01, found "1.6.2027"',
        "kind: date, earliest: 2027-06-01", beyond=True),
    "an end without its offset": _wrong(
        "kind: date, form: date-time, latest: '2027-06-01T12:00:00'", 47,
        'latest: expected a date-time such as 2027-06-01T12:00:00Z, found "2027-06-01T12:00:00"',
        "kind: date, form: date-time, latest: '2027-06-01T12:00:00+02:00'", beyond=True),
    "ends the wrong way round": _wrong(
        "kind: date, form: time, earliest: '12:00:00+02:00', latest: '09:00:00Z'", 70,
        'latest: earlier than earliest, so no value would be accepted, found "09:00:00Z"',
        "kind: date, form: time, earliest: '12:00:00+02:00', latest: '11:00:00Z'", beyond=True),
    "an enum of nothing": _wrong(
        "kind: enum, values: []", 30, "values: expected at least 1 entry, found a list", "kind: enum, values: [a, '']"),
    "an enum of numbers": _wrong(
        "kind: enum, values: [1]", 31, "values[0]: expected text, found the number 1", "kind: enum, values: ['1']"),
    "a pattern that is not linear": _wrong(
        "kind: regex, pattern: '(a)\\1'", 32,
        "pattern: expected a regular expression in RE2 syntax: no look-around, no back-references, repeats of at most"
        " 1000, found a text of 5 characters", "kind: regex, pattern: '(a)+'", beyond=True),
    "an element that runs": _wrong(
        "kind: html, elements: [p, script]", 36,
        f'elements[1]: {_ELEMENT}; script runs or loads something, or changes how the rest is read, found "script"',
        "kind: html, elements: [p, a]", beyond=True),
    "a variable with a call": _wrong(
        "kind: template, variables: ['name()']", 38,
        "variables[0]: expected a plain name such as name or user.name, found a text of 6 characters",
        "kind: template, variables: [name, user.name]"),
    "a variable of the machinery": _wrong(
        "kind: template, variables: [self.__class__]", 38,
        'variables[0]: expected a plain name such as name or user.name, found "self.__class__"',
        "kind: template, variables: [self.class_]"),
    "a control character that is none": _wrong(
        'kind: text, controls: ["\\n", x]', 39,
        'controls[1]: expected one control character such as "\\n" or "\\t", in double quotes; NUL is refused always,'
        ' found "x"', 'kind: text, controls: ["\\n", "\\e"]', beyond=True),
    "a script of no people": _wrong(
        "kind: text, scripts: [Klingon]", 32,
        "scripts[0]: expected the long name of a Unicode script such as Latin, Greek, Cyrillic or Han,"
        ' found "Klingon"', "kind: text, scripts: [Latin, Han]", beyond=True),
    "a script that is a category": _wrong(
        "kind: text, scripts: [Any]", 32,
        "scripts[0]: expected the long name of a Unicode script such as Latin, Greek, Cyrillic or Han,"
        ' found "Any"', "kind: text, scripts: [Arabic]", beyond=True),
    "an action of no category": _wrong(
        "kind: text, detect: {sgl: off}", 31,
        "detect.sgl: expected a category: command, sql, path, ssrf, template, html, nosql, ldap, deserialisation,"
        " prompt, unicode, control, secret, bounds; did you mean sql?", "kind: text, detect: {sql: off}"),
    "a misspelt section of a prompt": Mistake(
        "prompts: {p: {argument: {}}}\n", ":1:15: prompts.p.argument: unknown key; did you mean arguments?",
        "prompts: {'p*': {arguments: {lang: {kind: enum, values: [en]}}}}\n"),
    "a resource with a blank": Mistake(
        "resources: {'a://b c': {}}\n",
        ':1:13: resources."a://b c": expected a URI, a glob such as docs://* or a URI template (RFC 6570) such as'
        " docs://{id}/text, no spaces", "resources: {'a://b*': {uri: {kind: url, schemes: [a]}}}\n"),
    "a template with a star": Mistake(
        "resources: {'a://*/{id}': {}}\n",
        ':1:13: resources."a://*/{id}": expected a glob or a URI template, not both: write the star as a variable such'
        " as {any}", "resources: {'a://{any}/{id*}': {arguments: {id: {kind: uuid}}}}\n", beyond=True),
    "a variable that the template has not": Mistake(
        "resources: {'a://{id}{?q*,r:3}': {arguments: {ids: {kind: uuid}}}}\n",
        ':1:52: resources."a://{id}{?q*,r:3}".arguments.ids: unknown variable; expected id or q or r',
        "resources: {'a://{id}{?q*,r:3}': {arguments: {id: {kind: uuid}, r: {kind: uuid}}}}\n", beyond=True),
    "a variable of a glob": Mistake(
        "resources: {'a://*': {arguments: {id: {kind: uuid}}}}\n",
        ':1:39: resources."a://*".arguments.id: unknown variable; the key of this entry is no URI template',
        "resources: {'a://{id}': {arguments: {id: {kind: uuid}}, uri: null}}\n", beyond=True),
    "a variable that is a pointer": Mistake(
        "resources: {'a://{id}': {arguments: {/id: {kind: uuid}}}}\n",
        ':1:38: resources."a://{id}".arguments."/id": expected the name of a variable of the URI template, such as id',
        "resources: {'a://{id}': {arguments: {id: {kind: uuid}}}}\n"),
}  # fmt: skip
