"""Bad `audit`, `metrics` and `probes` sections, each with its report and its good twin."""

from __future__ import annotations

from tests.policy.mistakes import Mistake

_NAME = "expected env:NAME, the environment variable that holds the key; a key has no place in a file"
_VOLUME = "expected a size: bytes as a number, or 64MiB, 1GiB, 10GB; at least 4KiB and at most 1024GiB"
_URL = "expected a URL such as https://logs.example.com/ingest, without a user or a password in it"
_ADDRESS = "expected unix:/dev/log, udp://host:514, tcp://host:601 or tls://host:6514"
_PASTED = "ghp_" + "Zx9" * 12
_FILED = "only what is in a file has keys, is removed or shipped"


def ships(*entries: str) -> str:
    """A policy that ships its audit to these places, one on each line from the second on, at column 4."""
    return "audit: {file: a.jsonl, ship: [\n" + ",\n".join(f"   {entry}" for entry in entries) + "]}\n"


MISTAKES: dict[str, Mistake] = {
    "a key of the audit in the file": Mistake(
        f"audit: {{key: {_PASTED}}}\n", f":1:14: audit.key: {_NAME}", "audit: {key: 'env:K'}\n"),
    "callers without a file": Mistake(
        "audit: {callers: k}\n", f":1:18: audit.callers: needs audit.file: {_FILED}",
        "audit: {file: a.jsonl, callers: k}\n", beyond=True),
    "callers in the audit itself": Mistake(
        "audit: {file: a.jsonl, callers: ./a.jsonl}\n",
        ":1:33: audit.callers: the same file as audit.file; the keys need one of their own",
        "audit: {file: a.jsonl, callers: ./a.keys}\n", beyond=True),
    "a retention without a file": Mistake(
        "audit: {retention: 90d}\n", f":1:20: audit.retention: needs audit.file: {_FILED}",
        "audit: {file: a.jsonl, retention: 90d}\n", beyond=True),
    "a retention of a moment": Mistake(
        "audit: {file: a.jsonl, retention: 1s}\n",
        ":1:35: audit.retention: expected at least 1m; leave it out to remove nothing",
        "audit: {file: a.jsonl, retention: 1m}\n", beyond=True),
    "a signature without a file": Mistake(
        "audit: {signature: ed25519}\n",
        ":1:20: audit.signature: needs audit.file: lines of the logger are not signed",
        "audit: {file: a.jsonl, signature: ed25519}\n", beyond=True),
    "another signature": Mistake(
        "audit: {file: a.jsonl, signature: rsa}\n",
        ':1:35: audit.signature: expected hmac or ed25519, found "rsa"',
        "audit: {file: a.jsonl, signature: ed25519}\n"),
    "a sync of the logger": Mistake(
        "audit: {fsync: always}\n", ":1:16: audit.fsync: needs audit.file: nobody knows when the logger writes",
        "audit: {file: a.jsonl, fsync: always}\n", beyond=True),
    "a sync now and then": Mistake(
        "audit: {file: a.jsonl, fsync: sometimes}\n",
        ':1:31: audit.fsync: expected always, interval or never, found "sometimes"',
        "audit: {file: a.jsonl, fsync: never}\n"),
    "checkpoints all the time": Mistake(
        "audit: {file: a.jsonl, checkpoint: 0}\n", ":1:36: audit.checkpoint: expected at least 1s",
        "audit: {file: a.jsonl, checkpoint: 1}\n", beyond=True),
    "a segment for every record": Mistake(
        "audit: {file: a.jsonl, rotate: {size: 1KiB}}\n", f':1:39: audit.rotate.size: {_VOLUME}, found "1KiB"',
        "audit: {file: a.jsonl, rotate: {size: 4KiB}}\n", beyond=True),
    "a segment as large as no disk": Mistake(
        "audit: {file: a.jsonl, rotate: {size: 2000GiB}}\n", f':1:39: audit.rotate.size: {_VOLUME}, found "2000GiB"',
        "audit: {file: a.jsonl, rotate: {size: 1024GiB, daily: true}}\n", beyond=True),
    "a rotation that is a size": Mistake(
        "audit: {file: a.jsonl, rotate: 1GiB}\n", ':1:32: audit.rotate: expected a mapping, found "1GiB"',
        "audit: {file: a.jsonl, rotate: {size: null}}\n"),
    "arguments in part": Mistake(
        "audit: {arguments: some}\n", ':1:20: audit.arguments: expected hashed, redacted or full, found "some"',
        "audit: {arguments: redacted}\n"),
    "shipping without a file": Mistake(
        "audit: {ship: [{syslog: 'unix:/dev/log'}]}\n", f":1:15: audit.ship: needs audit.file: {_FILED}",
        "audit: {file: a.jsonl, ship: [{syslog: 'unix:/dev/log'}]}\n", beyond=True),
    "shipping to nowhere": Mistake(
        ships("{spool: 1GiB}"), ":2:4: audit.ship[0]: expected exactly one of syslog, http, otel",
        ships("{spool: 1GiB, otel: 'https://c.example/v1/logs'}"), beyond=True),
    "shipping to two places at once": Mistake(
        ships("{http: 'https://a.example', otel: 'https://b.example/v1/logs'}"),
        ":2:4: audit.ship[0]: expected exactly one of syslog, http, otel, found http and otel",
        ships("{http: 'https://a.example'}", "{otel: 'https://b.example/v1/logs'}"), beyond=True),
    "shipping to one place twice": Mistake(
        ships("{http: 'https://a.example'}", "{otel: 'https://a.example'}", "{http: 'https://a.example', spool: 1GiB}"),
        ":4:11: audit.ship[2].http: the same place as audit.ship[0]; every line would come twice",
        ships("{http: 'https://a.example'}", "{otel: 'https://a.example'}", "{http: 'https://b.example'}"),
        beyond=True),
    "a token for syslog": Mistake(
        ships("{syslog: 'tls://logs.example:6514', token: 'env:T'}"),
        ":2:47: audit.ship[0].token: syslog has no place for a token; remove it, or ship by http or otel",
        ships("{syslog: 'tls://logs.example:6514'}"), beyond=True),
    "a token to ship with, in the file": Mistake(
        ships(f"{{http: 'https://a.example', token: {_PASTED}}}"), f":2:39: audit.ship[0].token: {_NAME}",
        ships("{http: 'https://a.example', token: 'env:T'}")),
    "a port that is none": Mistake(
        ships("{syslog: 'udp://logs.example:70000'}"),
        ":2:13: audit.ship[0].syslog: expected a host, and a port of 1 to 65535",
        ships("{syslog: 'udp://logs.example:514'}"), beyond=True),
    "a syslog with a password": Mistake(
        ships("{syslog: 'tcp://u:p@logs.example:601'}"),
        f":2:13: audit.ship[0].syslog: {_ADDRESS}, found a text of 26 characters",
        ships("{syslog: 'tcp://logs.example:601'}")),
    "a syslog whose port is in its query": Mistake(
        ships("{syslog: 'tcp://logs.example?to=x:601'}"),
        ":2:13: audit.ship[0].syslog: expected a host, and a port of 1 to 65535",
        ships("{syslog: 'tcp://[::1]:601'}"), beyond=True),
    "a collector at a port that is none": Mistake(
        ships("{http: 'https://a.example:99999/'}"),
        ":2:11: audit.ship[0].http: expected a host, and a port of 1 to 65535",
        ships("{http: 'https://a.example:8443/'}"), beyond=True),
    "a collector at no port": Mistake(
        ships("{otel: 'https://a.example:0/'}"),
        ":2:11: audit.ship[0].otel: expected a host, and a port of 1 to 65535",
        ships("{otel: 'https://[::1]:4318/'}"), beyond=True),
    "a collector nowhere": Mistake(
        ships("{http: 'https:///in'}"), ":2:11: audit.ship[0].http: expected a host, and a port of 1 to 65535",
        ships("{http: 'https://a.example/in'}"), beyond=True),
    "callers in a cursor": Mistake(
        "audit: {file: a.jsonl, callers: a.jsonl.ship.0}\n",
        ":1:33: audit.callers: the name of a segment or a cursor of audit.file; the keys need one of their own",
        "audit: {file: a.jsonl, callers: a.jsonl.shipped}\n", beyond=True),
    "callers in a segment": Mistake(
        "audit: {file: logs/a.jsonl, callers: ./logs/a.jsonl.000001}\n",
        ":1:38: audit.callers: the name of a segment or a cursor of audit.file; the keys need one of their own",
        "audit: {file: logs/a.jsonl, callers: logs/b.jsonl.000001}\n", beyond=True),
    "a syslog without a port": Mistake(
        ships("{syslog: 'udp://logs.example'}"), f":2:13: audit.ship[0].syslog: {_ADDRESS}, found \"udp://logs.example\"",
        ships("{syslog: 'udp://logs.example:514'}")),
    "a collector with a password": Mistake(
        ships("{http: 'https://u:p@a.example/'}"), f":2:11: audit.ship[0].http: {_URL}, found a text of 22 characters",
        ships("{http: 'https://a.example/'}")),
    "a spool of nothing": Mistake(
        ships("{http: 'https://a.example', spool: 0}"), f":2:39: audit.ship[0].spool: {_VOLUME}, found the number 0",
        ships("{http: 'https://a.example', spool: 1MiB}")),
    "metrics of another system": Mistake(
        "metrics: {statsd: true}\n",
        ":1:11: metrics.statsd: unknown key; expected one of prometheus, opentelemetry",
        "metrics: {prometheus: true}\n"),
    "metrics that are a word": Mistake(
        "metrics: {prometheus: 'yes'}\n", ':1:23: metrics.prometheus: expected true or false, found "yes"',
        "metrics: {prometheus: true}\n"),
    "a path for metrics that nobody counts": Mistake(
        "probes: {metrics: /metrics}\n",
        ":1:19: probes.metrics: needs metrics.prometheus: true, or there is nothing to read",
        "probes: {metrics: /metrics}\nmetrics: {prometheus: true}\n", beyond=True),
    "a probe at the path of MCP": Mistake(
        "server: {paths: [/mcp]}\nprobes: {live: /MCP/}\n",
        ":2:16: probes.live: the same path as server.paths; give it one of its own",
        "server: {paths: [/mcp]}\nprobes: {live: /mcp/live}\n", beyond=True),
    "two probes at one path": Mistake(
        "probes: {ready: /livez}\n", ":1:17: probes.ready: the same path as probes.live; give it one of its own",
        "probes: {ready: /livez, live: null}\n", beyond=True),
    "a probe at no path": Mistake(
        "probes: {live: livez}\n",
        ':1:16: probes.live: expected an absolute path such as /mcp, without query, escapes, dot segments or //,'
        ' found "livez"', "probes: {live: /livez}\n"),
    "a network that is none": Mistake(
        "probes: {networks: [everywhere]}\n",
        ":1:21: probes.networks[0]: expected a network such as 10.0.0.0/8, one address, or the word unix,"
        ' found "everywhere"',
        "probes: {networks: [10.0.0.0/8]}\n"),
    "a deadline that is a word": Mistake(
        "probes: {deadline: true}\n", ":1:20: probes.deadline: expected a number, found true",
        "probes: {deadline: 1.5}\n"),
    "a deadline without an end": Mistake(
        "probes: {deadline: 60}\n", ":1:20: probes.deadline: expected at most 30.0, found the number 60",
        "probes: {deadline: 30}\n"),
}  # fmt: skip
