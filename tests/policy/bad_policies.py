"""One bad file per kind of mistake, with the exact report, and the good twin beside it."""

from __future__ import annotations

from tests.policy import bad_access, bad_audit, bad_contracts, bad_identity, bad_limits, bad_vault
from tests.policy.mistakes import Mistake

_SIZE = "expected a size: bytes as a number, or 512KiB, 1MiB, 2MB; above 0 and at most 64MiB"
_RATE = "expected a rate such as 10/second, 100/minute, 5/hour, 50/day or 10/30s"
_HOST = (
    "expected a host name without scheme or path, such as mcp.example.com, mcp.example.com:8443 or localhost:*"
    " (an international name in its xn-- form)"
)
_ORIGIN = "expected an origin without a path, such as https://app.example.com or http://localhost:*"
_PLANNED = "this release does not enforce it, so it is refused rather than ignored; remove it"
_CATEGORIES = (
    "command, sql, path, ssrf, template, html, nosql, ldap, deserialisation, prompt, unicode, control, secret, bounds"
)


def tool(schema: str) -> str:
    """A policy with one tool, its schema in flow style beginning at line 4, column 13."""
    return f"version: 1\ntools:\n  t:\n    schema: {schema}\n"


MISTAKES: dict[str, Mistake] = {
    **bad_identity.MISTAKES,
    **bad_access.MISTAKES,
    **bad_audit.MISTAKES,
    **bad_limits.MISTAKES,
    **bad_contracts.MISTAKES,
    **bad_vault.MISTAKES,
    "a misspelt key": Mistake(
        "server:\n  max_bdy: 1MiB\n", ":2:3: server.max_bdy: unknown key; did you mean max_body?",
        "server:\n  max_body: 1MiB\n"),
    "a hyphen in a key": Mistake(
        "server:\n  max-body: 1MiB\n", ":2:3: server.max-body: unknown key; did you mean max_body?",
        "server:\n  max_body: 2MiB\n"),
    "a key of another section": Mistake(
        "max_body: 1\n", ":1:1: max_body: unknown key; did you mean server.max_body?", "server: {max_body: 1}\n"),
    "a key like no other": Mistake(
        "audit: {zzz: 1}\n",
        ":1:9: audit.zzz: unknown key; expected one of file, key, callers, signature, arguments, on_failure,"
        " queue, fsync, checkpoint, rotate, retention, ship", "audit: {queue: 1}\n"),
    "an unknown key with a secret": Mistake(
        "api_token: sk-live-1\n",
        ":1:1: api_token: unknown key; expected one of version, mode, profile, server, identity, roles, unlisted_tools,"
        " denied_tools, limits, budgets, concurrency, store, workers, arguments, tools, prompts, resources, infer,"
        " injection, results, pins, vault, audit, metrics, probes",
        "version: 1\n"),
    "a planned section": Mistake("flow: {}\n", f":1:1: flow: {_PLANNED}", "version: 1\n"),
    "a kind of text that cannot be masked": Mistake(
        "results:\n  max_size: 1\n  redact: [secrets, names]\n",
        ':3:21: results.redact[1]: expected secrets, email, phone, card, iban, national_id or ip, found "names"',
        "results:\n  max_size: 1\n  redact: [secrets, email]\n"),
    "a mask in no spelling of ours": Mistake(
        "results:\n  keep: [{mask: GitHub, tool: a, reason: b}]\n",
        ":2:17: results.keep[0].mask: expected what a mask names, such as github-token, or a kind of results.redact,"
        ' found "GitHub"',
        "results:\n  keep: [{mask: github-token, tool: a, reason: b}, {mask: national_id, tool: a, reason: b}]\n"),
    "a pin without a file": Mistake(
        "pins: {file: null}\n",
        ":1:14: pins.file: expected the name of the lock file; leave `pins` out to hold definitions to none,"
        " found nothing",
        "pins: {}\n"),
    "a digest that is none": Mistake(
        "pins: {digest: abc}\n",
        ":1:16: pins.digest: expected sha256: and 64 lower-case hex digits, as `smcp pin` prints them,"
        ' found "abc"',
        "pins: {digest: 'sha256:" + "0" * 64 + "'}\n"),
    "another version": Mistake("version: 2\n", ":1:10: version: expected 1, found the number 2", "version: 1\n"),
    "a version as text": Mistake('version: "1"\n', ':1:10: version: expected 1, found "1"', "version: 1\n"),
    "a version that is true": Mistake(
        "version: true\n", ":1:10: version: expected the number 1, found true", "version: 1\n"),
    "a misspelt mode": Mistake(
        "mode: enforse\n", ":1:7: mode: expected enforce, monitor, or a mapping of section to one of them,"
        ' found "enforse"; did you mean enforce?', "mode: enforce\n"),
    "a mode of a section that always enforces": Mistake(
        "mode: {transport: monitor}\n",
        ":1:8: mode.transport: unknown key; expected one of arguments, contracts, injection, limits, results,"
        " pins",
        "mode: {injection: monitor}\n"),
    "a misspelt profile": Mistake(
        "profile: maximal\n",
        ':1:10: profile: expected minimal, standard or maximum, found "maximal"; did you mean minimal?',
        "profile: minimal\n"),
    "a section that is empty": Mistake("server:\n", ":1:1: server: expected a mapping, found nothing", "server: {}\n"),
    "a section that is a list": Mistake(
        "server: []\n", ":1:9: server: expected a mapping, found a list", "server: {}\n"),
    "a size without end": Mistake(
        "server: {max_body: 3GB}\n", f':1:20: server.max_body: {_SIZE}, found "3GB"', "server: {max_body: 3MB}\n"),
    "a size of nothing": Mistake(
        "results: {max_size: 0}\n", f":1:21: results.max_size: {_SIZE}, found the number 0",
        "results: {max_size: 1}\n"),
    "a depth as text": Mistake(
        'server: {max_depth: "64"}\n', ':1:21: server.max_depth: expected a whole number, found "64"',
        "server: {max_depth: 64}\n"),
    "a depth with a fraction": Mistake(
        "server: {max_depth: 1.5}\n", ":1:21: server.max_depth: expected a whole number, found the number 1.5",
        "server: {max_depth: 1}\n"),
    "a depth out of bounds": Mistake(
        "server: {max_depth: 201}\n", ":1:21: server.max_depth: expected at most 200, found the number 201",
        "server: {max_depth: 200}\n"),
    "a host with a scheme": Mistake(
        "server:\n  hosts:\n    - a.example\n    - https://a.example\n",
        f':4:7: server.hosts[1]: {_HOST}, found "https://a.example"', "server:\n  hosts:\n    - a.example\n"),
    "a host where a list belongs": Mistake(
        "server: {hosts: a.example}\n", ':1:17: server.hosts: expected a list, found "a.example"',
        "server: {hosts: [a.example]}\n"),
    "a host that only listens": Mistake(
        "server: {hosts: [0.0.0.0]}\n",
        f":1:18: server.hosts[0]: {_HOST}; 0.0.0.0 is where a server listens, no client may ask for it,"
        ' found "0.0.0.0"', "server: {hosts: [127.0.0.1]}\n"),
    "an origin with a password": Mistake(
        "server: {origins: ['https://u:pw@a.example']}\n",
        f":1:20: server.origins[0]: {_ORIGIN}, found a text of 22 characters",
        "server: {origins: ['https://a.example']}\n"),
    "no path at all": Mistake(
        "server: {paths: []}\n", ":1:17: server.paths: expected at least 1 entry, found a list",
        "server: {paths: [/mcp]}\n"),
    "a revision that never was": Mistake(
        "server: {min_protocol: 2025-06-17}\n",
        ":1:24: server.min_protocol: expected 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 or 2026-07-28,"
        ' found "2025-06-17"; did you mean 2025-06-18?', "server: {min_protocol: 2025-06-18}\n"),
    "a flood guard left blank": Mistake(
        "server:\n  flood:\n",
        ":2:3: server.flood: expected a mapping with rate and burst, or the word off, found nothing",
        "server:\n  flood: off\n"),
    "a status of another kind": Mistake(
        "server: {rate_status: 503}\n", ":1:23: server.rate_status: expected 200 or 429, found the number 503",
        "server: {rate_status: 429}\n"),
    "a rate per fortnight": Mistake(
        "limits: [{per: caller, rate: 3/fortnight}]\n", f':1:30: limits[0].rate: {_RATE}, found "3/fortnight"',
        "limits: [{per: caller, rate: 3/day}]\n"),
    "a limit without a rate": Mistake(
        "limits: [{per: caller, burst: 2}]\n", ":1:10: limits[0].rate: missing, and it has no default",
        "limits: [{per: caller, burst: 2, rate: 1/s}]\n"),
    "a limit that is no mapping": Mistake(
        "limits: [10/s]\n", ':1:10: limits[0]: expected a mapping, found "10/s"', "limits: []\n"),
    "a misspelt category": Mistake(
        "injection: {action: {sgl: block}}\n",
        f":1:22: injection.action.sgl: expected a category: {_CATEGORIES}; did you mean sql?",
        "injection: {action: {sql: block}}\n"),
    "a misspelt action": Mistake(
        "injection: {action: {sql: blok}}\n",
        ':1:27: injection.action.sql: expected block, annotate or off, found "blok"; did you mean block?',
        "injection: {action: {sql: block}}\n"),
    "an exclusion without a reason": Mistake(
        "injection: {exclude: [{rule: SMCP631}]}\n",
        ":1:23: injection.exclude[0].reason: missing, and it has no default",
        "injection: {exclude: [{rule: SMCP631, reason: why}]}\n"),
    "an exclusion of no rule": Mistake(
        "injection: {exclude: [{rule: SMCP101, reason: why}]}\n",
        ':1:30: injection.exclude[0].rule: expected the code of one detection rule, such as SMCP631, found "SMCP101"',
        "injection: {exclude: [{rule: SMCP601, reason: why}]}\n"),
    "an exclusion until no day": Mistake(
        "injection: {exclude: [{rule: SMCP631, reason: why, until: 2027-02-30}]}\n",
        ":1:59: injection.exclude[0].until: expected a date such as 2027-06-01; the calendar has no such day,"
        ' found "2027-02-30"', "injection: {exclude: [{rule: SMCP631, reason: why, until: 2027-02-28}]}\n"),
    "a pointer that does not begin": Mistake(
        "injection: {exclude: [{rule: SMCP631, reason: why, pointer: body}]}\n",
        ":1:61: injection.exclude[0].pointer: expected a JSON pointer into the tool's arguments such as /body or"
        ' /items/*/text, found "body"', "injection: {exclude: [{rule: SMCP631, reason: why, pointer: /body}]}\n"),
    "a key in the file": Mistake(
        "audit: {key: sk-live-abcdef}\n",
        ":1:14: audit.key: expected env:NAME, the environment variable that holds the key;"
        " a key has no place in a file",
        "audit: {key: 'env:SMCP_AUDIT_KEY'}\n"),
    "an audit to a folder": Mistake(
        "audit: {file: /var/log/}\n",
        ":1:15: audit.file: expected the name of a file, relative to the current directory of the server or absolute,"
        ' found "/var/log/"', "audit: {file: /var/log/audit.jsonl}\n"),
    "a tool with a blank": Mistake(
        'tools: {"git diff": {schema: {type: object}}}\n',
        ':1:9: tools."git diff": expected the name of a tool, or a glob such as git.*, of 1 to 256 characters without'
        " blanks", 'tools: {"git.diff": {schema: {type: object}}}\n'),
    "a schema of several tools": Mistake(
        'tools: {"git.*": {schema: {type: object}}}\n',
        ':1:27: tools."git.*".schema: a glob has no schema: write one entry per tool, by its exact name',
        'tools: {"git.diff": {schema: {type: object}}, "git.*": {}}\n', beyond=True),
    "an inference that is a word": Mistake(
        'tools: {t: {infer: "no"}}\n', ':1:20: tools.t.infer: expected true or false, found "no"',
        "infer: false\ntools: {t: {infer: true}, u: {infer: null}}\n"),
    "a threshold of nothing": Mistake(
        "injection: {threshold: 0}\n", ":1:24: injection.threshold: expected at least 1, found the number 0",
        "injection: {threshold: 1}\n"),
    "a detector that may take its time": Mistake(
        "injection: {detectors: {budget: 60000}}\n",
        ":1:33: injection.detectors.budget: expected at most 10000, found the number 60000",
        "injection: {detectors: {budget: 10000, on_failure: allow}}\n"),
    "a schema that is text": Mistake(
        tool("file.json"), ":4:5: tools.t.schema: expected a JSON Schema as a mapping", tool("{type: object}")),
    "a schema of another type": Mistake(
        tool("{type: string}"),
        ":4:14: tools.t.schema.type: expected type: object, since arguments are always an object",
        tool("{type: object}")),
    "a misspelt type": Mistake(
        tool("{type: object, properties: {q: {type: strng}}}"),
        ":4:45: tools.t.schema.properties.q.type: expected array, boolean, integer, null, number, object or string,"
        " or a list of them", tool("{type: object, properties: {q: {type: string}}}")),
    "a negative length": Mistake(
        tool("{type: object, properties: {q: {maxLength: -1}}}"),
        ":4:45: tools.t.schema.properties.q.maxLength: expected at least 0",
        tool("{type: object, properties: {q: {maxLength: 1}}}")),
    "a misspelt keyword": Mistake(
        tool("{type: object, propertes: {}}"),
        ":4:28: tools.t.schema.propertes: unknown keyword, so nothing would check it; did you mean properties?",
        tool("{type: object, properties: {}, x-vendor: 1}")),
    "a keyword of an older draft": Mistake(
        tool("{type: object, definitions: {}}"),
        ":4:28: tools.t.schema.definitions: JSON Schema 2020-12 does not read it; use $defs",
        tool("{type: object, $defs: {}}")),
    "another dialect": Mistake(
        tool("{$schema: 'http://json-schema.org/draft-07/schema#', type: object}"),
        ":4:14: tools.t.schema.$schema: expected https://json-schema.org/draft/2020-12/schema;"
        " leave $schema out or convert the schema",
        tool("{$schema: 'https://json-schema.org/draft/2020-12/schema', type: object}")),
    "a remote reference": Mistake(
        tool("{type: object, properties: {q: {$ref: 'https://x.example/s'}}}"),
        ":4:45: tools.t.schema.properties.q.$ref: expected a reference inside this schema (#/$defs/...):"
        " none is fetched",
        tool("{type: object, properties: {q: {$ref: '#/$defs/s'}}, $defs: {s: true}}")),
    "a reference to a local file": Mistake(
        tool("{type: object, allOf: [{$ref: 'file:///etc/passwd'}]}"),
        ":4:37: tools.t.schema.allOf[0].$ref: expected a reference inside this schema (#/$defs/...):"
        " none is fetched",
        tool("{type: object, allOf: [{$ref: '#/$defs/a~1b'}], $defs: {a/b: {}}}")),
    "a reference to nowhere": Mistake(
        tool("{type: object, items: {$ref: '#/$defs/s'}}"),
        ":4:36: tools.t.schema.items.$ref: the reference leads nowhere in this schema",
        tool("{type: object, items: {$ref: '#s'}, $defs: {s: {$anchor: s}}}")),
    "a moved base": Mistake(
        tool("{type: object, properties: {q: {$id: 'x'}}}"),
        ":4:45: tools.t.schema.properties.q.$id: expected no $id inside the schema:"
        " it would move the target of references",
        tool("{type: object, $id: 'x', properties: {$id: {type: string}}}")),
    "a pattern that backtracks": Mistake(
        tool("{type: object, properties: {q: {pattern: '^(?!a)'}}}"),
        ":4:45: tools.t.schema.properties.q.pattern: look-around and back-references cannot be matched in linear time;"
        " rewrite the pattern", tool("{type: object, properties: {q: {pattern: '^(?:a)(?P<n>b)(?i:c)$'}}}")),
    "an empty file": Mistake("", ": the file is empty; write at least `version: 1`", "version: 1\n"),
    "a file of comments": Mistake(
        "# soon\n", ": the file is empty; write at least `version: 1`", "# soon\nversion: 1\n"),
    "a file that is a list": Mistake(
        "- version: 1\n", ":1:1: expected a mapping with `version: 1` as its first key", "version: 1\n"),
}  # fmt: skip
