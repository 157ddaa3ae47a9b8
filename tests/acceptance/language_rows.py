"""Rows 18 to 20, 27 and 33: URLs, SQL, and texts built to cost more than they are worth."""

from __future__ import annotations

from typing import Final

from tests.acceptance.spellings import in_list
from tests.acceptance.table import Row, Sees, Sent, guessed, passes, refused
from tests.envelopes import legacy

_METADATA: Final = (
    "http://169.254.169.254/metadata/identity/oauth2/token", "http://2852039166/", "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/",
    "http://metadata.google.internal/computeMetadata/v1/", "http://169.254.169.254./", "http://[fd00:ec2::254]/",
)  # fmt: skip

OUTBOUND: Final = Row(
    18, "CVE-2026-26118: a URL that leads the server to itself or to its cloud", Sees.VALUES,
    [
        *refused("SMCP511 SMCP512", "web.fetch", "url", *_METADATA, "http://169.254.43518/", "http://127.1/",
                 "http://0/", "http://[::1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/",
                 "http://100.64.0.1/", "http://10.0.0.1/", "http://localhost/", "http://[fe80::1%25eth0]/",
                 "file:///etc/passwd", "FILE:///etc/passwd", "gopher://example.com/", "http://a@example.com/",
                 "http://example.com\\@127.0.0.1/", "http://example.com/\r\nX: y", "//example.com/", "2852039166",
                 "http:/example.com/", "http://\u2460\u2461\u2466.0.0.1/", "http://127\u30020\u30020\u30021/",
                 "jar:http://example.com!/", " http://example.com/"),
        *refused("SMCP511 SMCP512", "web.fetch", "url", in_list("http://127.0.0.1/"), where="/params/arguments/url/1"),
        *passes("web.fetch", "url", "https://example.com/a?b=c#d", "http://example.com/", "https://1.1.1.1/",
                "https://xn--bcher-kva.example/", ["https://example.com/", "https://example.org/"]),
        *guessed("SMCP511 SMCP512 SMCP640 SMCP641 SMCP642", "fetch", "url", *_METADATA),
        *passes("fetch", "url", "https://example.com/", "http://intranet.example.com:3000/health"),
    ],
    {"tools": {"web.fetch": {"arguments": {
        "url": {"kind": "url", "schemes": ["http", "https"], "public_only": True, "resolve": False}}}}},
)  # fmt: skip

READ_ONLY: Final = Row(
    19, "Postgres reference server: a read-only transaction that the text ends", Sees.VALUES,
    [
        *refused("SMCP513", "pg.query", "sql", "COMMIT; DROP SCHEMA public CASCADE;", "commit;drop schema public",
                 "SELECT 1; DROP TABLE users", "SELECT 1;\nDELETE FROM users", "SELECT 1 -- x\n; DROP TABLE users",
                 "SELECT 1 /* ; */; DROP TABLE users", "ROLLBACK", "SET ROLE postgres", "DROP TABLE users",
                 "INSERT INTO a VALUES (1)", "COPY users TO PROGRAM 'id'", "SELECT * INTO t FROM users", "DO $$ $$",
                 "SELECT $$a$$; DROP TABLE users", "EXPLAIN ANALYZE DELETE FROM users", "", "no sql at all",
                 "SELECT '\\'; DROP TABLE users --'", "(" * 3000, "SELECT 1;;DROP TABLE users"),
        *passes("pg.query", "sql", "SELECT a FROM public.t WHERE s = 'x; DROP TABLE t'", "select 1", "SELECT 1;",
                "SELECT a, count(*) FROM public.t GROUP BY a ORDER BY 2 DESC LIMIT 5"),
        *guessed("SMCP513 SMCP630 SMCP631 SMCP632 SMCP633 SMCP634 SMCP635 SMCP636 SMCP637 SMCP638 SMCP639",
                 "postgres_query", "sql", "COMMIT; DROP SCHEMA public CASCADE;"),
    ],
    {"tools": {"pg.query": {"arguments": {
        "sql": {"kind": "sql", "dialect": "postgres", "statements": ["select"]}}}}},
)  # fmt: skip

PREFIXED_SQL: Final = Row(
    20, "GHSA-65hm-pwj5-73pw and sqlite reference #3314: a query that only begins like one", Sees.VALUES,
    [
        *refused("SMCP513", "lite.query", "sql", "WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d",
                 "SELECT load_extension('x')", "select LOAD_EXTENSION ( 'x' )", 'SELECT "load_extension"(\'x\')',
                 "WITH a AS (SELECT 1), b AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM b",
                 "PRAGMA writable_schema=1", "ATTACH DATABASE 'x' AS y", "SELECT writefile('x', 'y')",
                 "SELECT 1 UNION SELECT readfile('/etc/passwd')"),
        *refused("SMCP513", "my.query", "sql", "SELECT 1 INTO OUTFILE '/var/www/x.php'", "SELECT LOAD_FILE('/etc/x')",
                 "SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "SELECT sleep(10)"),
        *refused("SMCP516", "lite.columns", "table_name", "users); DROP TABLE users;--", "users;--", "users--x y",
                 'users"', "main.users)", "users/**/"),
        *passes("lite.query", "sql", "WITH d AS (SELECT * FROM users) SELECT * FROM d", "SELECT name FROM users"),
        *passes("my.query", "sql", "SELECT name FROM users WHERE note = 'into outfile'"),
        *passes("lite.columns", "table_name", "users", "order_items"),
    ],
    {"tools": {
        "lite.query": {"arguments": {"sql": {"kind": "sql", "dialect": "sqlite"}}},
        "my.query": {"arguments": {"sql": {"kind": "sql", "dialect": "mysql"}}},
        "lite.columns": {"arguments": {"table_name": {"kind": "identifier", "alphabet": "A-Za-z0-9_"}}},
    }},
)  # fmt: skip

SLOW: Final = Row(
    27, "CVE-2026-0621: text built to be slow", Sees.VALUES,
    [
        *[
            Sent(f"a URI of {len(uri)} characters, {uri[7:11]}", legacy("resources/read", {"uri": uri}),
                 frozenset({"SMCP304", "SMCP517", "SMCP518"}))
            for uri in ("book://" + "a/" * 50_000, "book://" + "%2" * 40_000, "book://" + "a" * 100_000 + "!",
                        "book://" + "a/" * 1_500, "book://" + "a" * 1_900 + "!")
        ],
        *refused("SMCP517 SMCP518", "match.run", "text", "a" * 60_000 + "!", "a" * 100_000),
        *refused("SMCP501", "match.schema", "text", "a" * 50_000 + "!"),
        *guessed("SMCP600", "match.other", "text", "e" + "\u0301\u0316" * 40_000),
        Sent("a short URI", legacy("resources/read", {"uri": "book://a/b"})),
        *passes("match.run", "text", "a" * 30_000),
        *passes("match.schema", "text", "a" * 30_000),
        *passes("match.other", "text", "e\u0301\u0316 a\u0308 \u0e01\u0e34\u0e48"),
    ],
    {
        "tools": {
            "match.run": {"arguments": {"text": {"kind": "regex", "pattern": "(a+)+", "max_length": 65536}}},
            "match.schema": {"schema": {
                "type": "object", "properties": {"text": {"type": "string", "pattern": "^(a+)+$"}}}},
        },
        "resources": {"book://{+page}": {
            "uri": {"kind": "regex", "pattern": "book://([a-z]+/?)+", "max_length": 2000}}},
    },
)  # fmt: skip

AMPLIFIED: Final = Row(
    33, "vllm#49256: an error larger than its cause", Sees.VALUES,
    [
        *refused("SMCP501", "sum.numbers", "numbers", ["tulip4711"] * 20_000, [{"tulip4711": 1}] * 5_000,
                 where=None),
        *refused("SMCP510", "sum.paths", "paths", ["../tulip4711"] * 9_000, where=None),
        *passes("sum.numbers", "numbers", list(range(2000))),
        *passes("sum.paths", "paths", ["a.txt"] * 2_000),
    ],
    {"tools": {
        "sum.numbers": {"schema": {
            "type": "object", "properties": {"numbers": {"type": "array", "items": {"type": "integer"}}}}},
        "sum.paths": {"arguments": {"/paths/*": {"kind": "path", "roots": ["/srv/data"]}}},
    }},
)  # fmt: skip

LANGUAGE_ROWS: Final = (OUTBOUND, READ_ONLY, PREFIXED_SQL, SLOW, AMPLIFIED)
