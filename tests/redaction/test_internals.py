"""What errors tell of a server's insides: found with its bounds, while what went wrong stays readable."""

from __future__ import annotations

import json

import pytest

from smcp_security.redaction.redactor import Redactor

PYTHON = (
    "Traceback (most recent call last):\n"
    '  File "/srv/app/main.py", line 12, in <module>\n    run()\n  File "x.py", line 3, in run'
)
JAVA = (
    "at com.acme.Foo.bar(Foo.java:12)\n\tat com.acme.Main.main(Main.java:3)\n"
    "Caused by: java.io.IOException: gone\n\t... 2 more"
)
NODE = "at foo (/home/ann/p/index.js:10:5)\n    at async Object.<anonymous> (node:internal/main:1:1)"
DOTNET = "at Acme.Service.Run(String x) in C:\\src\\Service.cs:line 12\n   at Acme.Program.Main()"
GO = "goroutine 1 [running]:\nmain.main()\n\t/tmp/sandbox/prog.go:8 +0x1b"
PHP = "Stack trace:\n#0 /var/www/html/b.php(7): f()\n#1 {main}"
RUBY = "from /srv/app/app.rb:9:in `<main>'"
RUST = "stack backtrace:\n   0: rust_begin_unwind\n             at /rustc/abc/library/std/src/panicking.rs:645:5"

INSIDES = [
    ("stack-trace", f"Error: boom\n{PYTHON}\nValueError: no such user", PYTHON),
    ("stack-trace", f"IllegalState: bad\n\t{JAVA}", JAVA),
    ("stack-trace", f"TypeError: x\n    {NODE}\nend of it", NODE),
    ("stack-trace", f"System.Exception: bad\n   {DOTNET}", DOTNET),
    ("stack-trace", f"panic: index out of range\n\n{GO}\n", GO),
    ("stack-trace", f"Uncaught Exception: x\n{PHP}\n", PHP),
    ("stack-trace", f"oops (RuntimeError)\n\t{RUBY}", RUBY),
    ("stack-trace", f"boom\n{RUST}\n", RUST),
    ("source-path", "cannot read /usr/lib/python3.11/site-packages/x/y.py", "/usr/lib/python3.11/site-packages/x/y.py"),
    ("source-path", "no such file: '/home/ann/report.csv'", "/home/ann/report.csv"),
    ("source-path", "failed in service.py:12 again", "service.py:12"),
    ("source-path", "see C:\\Users\\bob\\src\\a.cs:12 there", "C:\\Users\\bob\\src\\a.cs:12"),
    ("source-path", "./app/node_modules/left-pad/index.js:3:1", "./app/node_modules/left-pad/index.js:3:1"),
    ("sql", "LINE 1: SELECT * FROM users\n        ^", "SELECT * FROM users"),
    ("sql", "[SQL: SELECT a FROM b WHERE c=?]\n", "SELECT a FROM b WHERE c=?"),
    ("sql", "[parameters: {'id': 1}]\n", "{'id': 1}"),
    ("sql", "right syntax to use near 'FORM users' at line 1", "FORM users"),
    ("sql", 'near "FORM": syntax error', "FORM"),
    ("sql", "Query: SELECT a FROM b", "SELECT a FROM b"),
    ("input", "Input should be a number [type=int, input_value='abc', input_type=str]", "'abc'"),
    ("input", 'Invalid value. Received: {"a": 1}', '{"a": 1}'),
    ("input", "On instance['a']:\n    'abc'", "'abc'"),
    ("input", "expected an integer, got: 'seven'", "'seven'"),
    ("endpoint", "connect ECONNREFUSED 10.0.0.5:5432", "10.0.0.5:5432"),
    ("endpoint", "dial tcp 10.0.0.1:443: i/o timeout", "10.0.0.1:443"),
    ("endpoint", "getaddrinfo ENOTFOUND db.internal", "db.internal"),
    ("endpoint", "cannot connect to redis://cache.internal:6379/0 now", "redis://cache.internal:6379/0"),
    ("endpoint", 'could not translate host name "db-main" to address', "db-main"),
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor([], internals=True)


def seen(redactor: Redactor, text: str) -> list[tuple[str, str]]:
    return [(span.mask, text[span.start : span.end]) for span in redactor.internals([text])]


@pytest.mark.parametrize(("mask", "text", "inside"), INSIDES, ids=[inside[:24] for _, _, inside in INSIDES])
def test_insides_are_found_with_their_bounds(redactor: Redactor, mask: str, text: str, inside: str) -> None:
    assert seen(redactor, text) == [(mask, inside)]


@pytest.mark.parametrize(("mask", "text", "inside"), INSIDES[:8], ids=[inside[:24] for _, _, inside in INSIDES[:8]])
def test_a_stack_is_found_in_a_text_of_json(redactor: Redactor, mask: str, text: str, inside: str) -> None:
    quoted = json.dumps({"error": text.replace("\\", "/")})
    found = seen(redactor, quoted)
    assert quoted.replace(found[0][1], "").endswith('"}')
    assert [each for each, _ in found][:1] == [mask]
    assert not any(
        sign in quoted.replace(found[0][1], "") for sign in ("main.main()", "Foo.java", "File ", "#0", "rust_begin")
    )


@pytest.mark.parametrize(
    "text",
    [
        "file not found: report.csv",
        "no such file: /data/reports/report.csv",
        "see https://example.com/src/index.html for help",
        "we meet at home\n at the station, at noon",
        "the meeting is at 12:30 in Room A",
        "host a party for 8 people",
        "Connected to the network.",
        "LINE up here",
        "expected an integer",
        "got it",
        "invalid input",
        "query returned no rows",
        "select a colour from the list",
        "README.md:12",
        "and/or",
        "/api/v1/users/12",
        "the traceback was lost",
        "on instance shutdown",
        "permission denied",
        "ratio 3:1",
        "goroutines are cheap",
        "#1 in the charts: ABBA",
    ],
)
def test_an_error_that_tells_no_insides_stays(redactor: Redactor, text: str) -> None:
    assert seen(redactor, text) == []


def test_insides_are_looked_for_only_where_they_are_asked_for() -> None:
    assert Redactor(["secrets"]).internals([PYTHON]) == []
    assert Redactor(["secrets"], internals=True).find([PYTHON], [""]) == []
