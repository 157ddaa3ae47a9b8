"""The text of a starter policy for the tools of a server: every choice with its reason, valid as it stands. Pure."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from smcp_security.cli.contracts_yaml import key, row
from smcp_security.cli.init.risk import DESTROYS, READS, RUNS, WRITES, Risk, risk_of, worst
from smcp_security.contracts.expected import EXPECTED
from smcp_security.contracts.inference import Inferred, infer

_RATES: Final = {READS: "120/minute", WRITES: "60/minute", DESTROYS: "20/minute", RUNS: "20/minute"}
_ROLES: Final = (("reader", (READS,)), ("editor", (WRITES,)), ("admin", (DESTROYS, RUNS)))
_WORDS: Final = {
    READS: "reads", WRITES: "writes", DESTROYS: "may destroy what is there", RUNS: "runs what it is given",
}  # fmt: skip
_MANY: Final = {READS: "only read", WRITES: "write", DESTROYS: "may destroy", RUNS: "run what they are given"}
# What all sections of a policy take for the name of one tool: `roles` and `limits` want ASCII.
_NAME: Final = re.compile(r"[!-)+-~]{1,256}")


class Proposed(msgspec.Struct, frozen=True):
    """One tool, what its arguments are, and what it can do."""

    name: str
    inferred: Sequence[Inferred]
    risk: Risk


def proposed(tools: Sequence[Mapping[str, Any]]) -> list[Proposed]:
    """The tools that a policy can name, each once, in the order of the list."""
    found: dict[str, Proposed] = {}
    for tool in tools:
        name = str(tool["name"])
        description = tool.get("description")
        schema = tool.get("inputSchema")
        inferred = infer(name, schema if isinstance(schema, Mapping) else None, str(description or ""))
        risk = risk_of(tool, frozenset(each.kind for each in inferred))
        # A name that is listed twice: which of the two a call reaches nobody knows.
        found[name] = Proposed(name, inferred, worst(found[name].risk, risk) if name in found else risk)
    return [each for name, each in found.items() if _NAME.fullmatch(name) is not None]


def counted(known: Sequence[Proposed]) -> str:
    """How many tools there are of each risk, in words."""
    counts = Counter(each.risk.rank for each in known)
    return ", ".join(f"{counts[rank]} {words}" for rank, words in _MANY.items() if counts[rank])


def proposal(known: Sequence[Proposed], *, source: str, left_out: int = 0, keys: str = "") -> str:
    """The policy as YAML. `source` is what the operator calls the server; `keys` is a key file, "" for no callers.

    `left_out` is the number of tools that no policy can name.
    """
    lines = [
        *_head(source, known, left_out),
        *_server(),
        *_callers(known, keys),
        *_limits(known),
        *_tools(known),
        *_rest(),
    ]
    return "\n".join(lines) + "\n"


def _head(source: str, known: Sequence[Proposed], left_out: int) -> Iterator[str]:
    yield "# yaml-language-server: $schema=policy.schema.json"
    yield f"# A first policy for {source}. Read it: what tools can do is the server's own word."
    if known:
        yield f"# Of {len(known)} tools, by their annotations, names and arguments: {counted(known)}."
    if left_out:
        yield f"# Left out: {left_out} whose names no policy can hold. They are refused."
    yield "# `smcp schema > policy.schema.json` makes what editors want; `smcp lint` checks this file for meaning."
    yield "version: 1"
    yield "profile: standard # minimal | standard | maximum"
    yield ""


def _server() -> Iterator[str]:
    yield "server:"
    yield '  paths: ["/mcp"] # where MCP is mounted'
    yield '  hosts: ["127.0.0.1:*", "localhost:*"] # what clients may write into Host; add your public name'
    yield "  origins: [] # web pages that may call; clients that are no browser send no Origin"
    yield ""


def _callers(known: Sequence[Proposed], keys: str) -> Iterator[str]:
    lead = "" if keys else "# "
    if not keys:
        yield "# Nobody is asked who they are. To know them, take the marks off below and make a key for each:"
    yield f"# smcp keys create --file {shlex.quote(keys or 'keys.yaml')} --owner ann --role reader"
    yield f"{lead}identity:"
    yield f"{lead}  api_keys: {{ file: {key(keys or 'keys.yaml')} }}"
    yield from (f"{lead if known else '# '}{line}" for line in _roles(known))
    yield ""


def _roles(known: Sequence[Proposed]) -> Iterator[str]:
    """Each of the roles that has something to do; without any tool an example."""
    yield "roles: # a caller has the union of its roles; what no role allows is refused"
    below = ""
    for role, ranks in _ROLES:
        names = [each.name for each in known if each.risk.rank in ranks]
        if not names:
            continue
        yield f"  {role}: # {' or '.join(_WORDS[rank] for rank in ranks)}"
        if below:
            yield f"    extends: [{below}]"
        yield "    allow:"
        yield "      - tools:"
        yield from (f"          - {key(name)}" for name in names)
        below = role
    if known:
        yield "# Prompts and resources too are nobody's until a rule below `allow:` names them, as in"
        yield '#     - { prompts: [summarise], resources: ["docs://*"] }'
    else:
        yield '  reader: { allow: [{ tools: ["find_*"], prompts: [summarise], resources: ["docs://*"] }] }'


def _limits(known: Sequence[Proposed]) -> Iterator[str]:
    yield "limits: # all of them hold; a refused message costs nothing"
    yield "  - { per: address, rate: 600/minute }"
    if known:
        yield f"  - {{ per: [caller, tool], rate: {_RATES[READS]} }} # each tool for itself"
    for rank in (WRITES, DESTROYS, RUNS):
        names = [each.name for each in known if each.risk.rank == rank]
        if names:
            yield f"  - per: [caller, tool] # {_WORDS[rank]}"
            yield f"    rate: {_RATES[rank]}"
            yield "    tools:"
            yield from (f"      - {key(name)}" for name in names)
    yield ""


def _tools(known: Sequence[Proposed]) -> Iterator[str]:
    if not known:
        yield "# tools: name them here, with contracts for their arguments; see docs/policy.md"
        yield ""
        return
    yield "unlisted_tools: deny # a tool that appears later waits until somebody has read it"
    yield "tools: # a contract refuses what does not fit it: widen those that your callers need wider"
    for each in known:
        yield from _tool(each)
    yield ""


def _tool(tool: Proposed) -> Iterator[str]:
    rows = [line for each in tool.inferred if (line := row(each)) is not None]
    whole = [line for line in rows if not line.startswith("#")]
    to_fill = [line for line in rows if line.startswith("#")]
    yield f"  {key(tool.name)}:{'' if whole else ' {}'} # {_WORDS[tool.risk.rank]} ({tool.risk.why})"
    if whole:
        yield "    arguments:"
        yield from (f"      {line}" for line in whole)
        yield from (f"      {line} # fill in" for line in to_fill)
    elif to_fill:
        yield "    # fill in, and write it in place of the {}:"
        yield "    # arguments:"
        yield from (f"    #   {line.removeprefix('# ')}" for line in to_fill)
    content = sorted({category for each in tool.inferred for category in EXPECTED.get(each.kind, ())})
    content = [each for each in content if not each.startswith("SMCP")]
    if content:
        yield f"    # detection lets some arguments hold {', '.join(content)}"


def _rest() -> Iterator[str]:
    yield "results:"
    yield "  redact: [secrets] # also: email, phone, iban, card, national_id, ip"
    yield "  injection: annotate # texts that speak to the model: annotate | datamark | block"
    yield ""
    yield "# Hold definitions to what you have read: `smcp pin` writes the file, `smcp pin --check` compares in CI."
    yield "# pins: { file: smcp.lock }"
    yield ""
    yield "# Without a file the decisions go to the logger smcp_security.audit."
    yield '# audit: { file: audit.jsonl, key: "env:SMCP_AUDIT_KEY" }'
