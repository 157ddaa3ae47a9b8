# ruff: noqa: E501, because rows of a table are one line each.
"""What `docs/lint.md` says besides the rules."""

from __future__ import annotations

from typing import Final

LETTERS: Final = {"POL": "policies", "LCK": "lock files and lists of tools", "CFG": "clients", "LNT": "lint itself"}

SECTIONS: Final = (
    ("Any policy file", "POL001", "POL009"),
    ("Mode", "POL010", "POL099"),
    ("Server", "POL100", "POL149"),
    ("Identity", "POL150", "POL199"),
    ("Roles", "POL200", "POL299"),
    ("Limits, budgets and the store", "POL300", "POL399"),
    ("Tools and contracts", "POL400", "POL499"),
    ("Detection", "POL500", "POL599"),
    ("Results", "POL600", "POL699"),
    ("Pins", "POL700", "POL799"),
    ("Vault", "POL800", "POL899"),
    ("Audit", "POL900", "POL999"),
    ("Lock files and lists of tools", "LCK000", "LCK999"),
    ("Clients' configurations", "CFG000", "CFG999"),
    ("Comments that ignore findings", "LNT000", "LNT999"),
)
"""Title, first and last code of each part of the page."""

HEAD: Final = """
# `smcp lint`: does the policy mean what it says?

This page is generated from the rules: `python -m tests.lint.page --write`.

A policy that does nothing, or the opposite of what was meant, is the commonest hole of all. `smcp lint` looks at policies,
`smcp.lock`, lists of tools and the configurations of MCP clients, and says with a code, a line and a column what never
matches, what lets through more than was meant, and what should not be in a file. It reads files and nothing else: no
server is asked, nothing is sent.

```bash
smcp lint policy.yaml                       # a file
smcp lint .                                 # a folder, walked
cat policy.yaml | smcp lint -               # stdin
smcp lint policy.yaml --tools smcp.lock     # with what the server really has
smcp lint --explain POL210                  # the page of a rule; `smcp explain POL210` is the same
```

Exit code 0: nothing at or above `--fail-on`; 1: findings; 2: usage, an input that cannot be read, or a rule that crashed
(its name is said, and nothing counts as clean).

| option | |
|---|---|
| `--format` | `text` (the source line and a caret; colour on a terminal, unless `NO_COLOR` is set), `json`, `sarif` (2.1.0), `github` (annotations), `junit` |
| `--select RULES`, `--ignore RULES` | codes (`POL210`), beginnings of codes (`POL2`), slugs (`any-host`) or `all`, parted by commas; the options repeat. A name that no rule has is an error. |
| `--min-severity` | show findings from `info`, `low`, `medium` or `high` on |
| `--fail-on` | from which severity on the exit code is 1: `low`, unless it is said; `never` |
| `--persona strict` | rules of taste as well; `--select` with the code of one runs it too |
| `--tools FILE` | `smcp.lock`, or the result of `tools/list`: which tools the server has. Without it the lock file that `pins.file` names is used, if it stands beside the policy. |
| `--statistics` | how often each rule found something |
| `--fix`, `--unsafe-fixes`, `--diff` | see [Fixes](#fixes) |
| `--baseline FILE`, `--write-baseline FILE` | see [Baseline](#baseline) |

Severity says what it costs if the finding is right, confidence how often it is.

## What is read

A file is recognised by what it says, not by its name:

| kind | letters | recognised by |
|---|---|---|
| policy | `POL` | `version` and another key of a policy, or a key that only policies have (`unlisted_tools`, `denied_tools`, `injection`, `budgets`, `concurrency`, `pins`, `vault`) |
| lock file | `LCK` | the sections of `smcp.lock` with digests |
| list of tools | `LCK` | the result of `tools/list`, a response that holds one, or a list of definitions |
| client's configuration | `CFG` | `mcpServers`, `servers`, `context_servers` or `amp.mcpServers`, also under `mcp` and in `projects`; servers right under `mcp`; settings of an editor that approve all tools; comments and trailing commas are let through |

A file that is named is a policy if it is none of the others. In a folder files that end in `.yaml`, `.yml`, `.json`, `.jsonc`
or `.lock` are looked at, and those that are none of ours are passed over. Folders whose names begin with a dot are not
entered, but for `.cursor`, `.vscode`, `.gemini`, `.claude`, `.kiro`, `.roo`, `.windsurf` and `.github`; nor are
`node_modules`, `__pycache__`, `site-packages`, `venv` and whatever holds a `pyvenv.cfg`. Links to folders are not followed,
and a file that is reached twice is looked at once. Over 500 files a line on stderr says how far it is.

At most 16 MiB of a file are read and 1 MiB of a policy, 50,000 values of YAML and 200,000 of JSON, 64 and 100 levels deep.
What is larger, binary, no UTF-8 or not readable is named on stderr with the reason, and the exit code is 2. What is text and
no policy is [POL001](#pol001-unusable-policy), with its line and column.

Credentials are never shown: values whose key says that they are secret, and whatever the masks of
[results](results.md) know, are `[secret]` in source lines, differences and fingerprints.

## Comments

```yaml
mode: monitor # smcp: ignore[POL010] trial until the end of the quarter
# smcp: ignore[POL150, POL107] an ingress in front asks for credentials and writes Host
server: { hosts: ["mcp.example.com"] }
# smcp: ignore-file[POL902] the lab has no users
```

A comment behind a value is about its line, one on a line of its own about the next line that says something, `ignore-file` about
the whole file. Codes and slugs name rules. A reason is required: without one the comment does not count. A comment that no
finding meets is reported (if its rule could look: not without the list of tools that it asks), and so is one that names
no rule. A file that cannot be used (POL001, CFG001, LCK001) is never ignored. JSON with comments takes
`// smcp: ignore[...]`; for JSON without use `--ignore` or a baseline.

## Fixes

`--fix` writes what changes nothing of what the file means; `--unsafe-fixes` also what somebody should look at; `--diff`
shows either and writes nothing. Comments, order and line ends stay. A fix after which the loader would refuse the file is
not written, a file is exchanged at once or not at all, and a second run changes nothing more.

## Baseline

`--write-baseline known.json` writes down the findings that are there, and `--baseline known.json` leaves them out from
then on. Findings are known by their code, the keys above them and what their line says, so they stay known while lines
move, and what moves to another role is new. A file that cannot be used (POL001, CFG001, LCK001) is never known. Given
together, `--write-baseline` writes what is there now, known or not; it writes over no file but a baseline.

## In CI

`examples/ci/` has a workflow for GitHub, with annotations and SARIF, and a job for GitLab. `.pre-commit-hooks.yaml` has the hook
`smcp-lint` for [pre-commit](https://pre-commit.com):

```yaml
repos:
  - repo: URL of this project
    rev: the release
    hooks: [{id: smcp-lint}]
```

Editors complete and check a policy by its JSON Schema: `smcp schema > policy.schema.json`, and as the first line of the
policy `# yaml-language-server: $schema=policy.schema.json`.

The JSON of `--format json` is described by `smcp_security/lint/report/findings.schema.json`.
"""
