"""Rules about `limits`, `budgets`, `concurrency`, `store` and `workers`: what never counts, or too late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain
from smcp_security.policy.agreement import is_loopback
from smcp_security.policy.globs import covers, matches


@rule("POL301", "list-of-nothing", "medium")
def list_of_nothing(document: Document) -> Iterator[Found]:
    """A limit names no tool or method, or one twice.

    Why:
        An empty list means nothing, never everything: the limit never counts.
    Bad:
        limits: [{per: caller, rate: 10/minute, tools: []}]
    Good:
        limits: [{per: caller, rate: 10/minute}]
    Fix:
        Leave the list out to count everything, or name what is meant.
    See: docs/policy.md#limits
    """
    yield from vain("limit_reach.lists_of_nothing", document)


@rule("POL302", "limit-of-no-call", "medium")
def limit_of_no_call(document: Document) -> Iterator[Found]:
    """A limit, a cap or an assertion is about a tool that nobody may call.

    Why:
        It never counts; mostly the name is misspelt, and the tool that was meant has no limit.
    Bad:
        unlisted_tools: deny
        tools: {make_report: {}}
        limits: [{per: caller, rate: 5/minute, tools: [mkae_report]}]
    Good:
        unlisted_tools: deny
        tools: {make_report: {}}
        limits: [{per: caller, rate: 5/minute, tools: [make_report]}]
    Fix:
        Write the name as `tools` or `roles` have it.
    See: docs/policy.md#limits
    """
    yield from vain("limit_reach.tools_that_nobody_calls", document)


@rule("POL303", "needless-subject", "low")
def needless_subject(document: Document) -> Iterator[Found]:
    """What a limit counts apart is always the same, or never there.

    Why:
        `per: method` of a limit on tools parts nothing, `per: tool` of a limit on other methods counts nothing.
    Bad:
        limits: [{per: [caller, method], rate: 10/minute, tools: ["report_*"]}]
    Good:
        limits: [{per: [caller, tool], rate: 10/minute, tools: ["report_*"]}]
    Fix:
        Take the word out of `per`.
    See: docs/policy.md#limits
    """
    yield from vain("limit_reach.subjects_that_part_nothing", document)


@rule("POL304", "tenant-of-nobody", "medium")
def tenant_of_nobody(document: Document) -> Iterator[Found]:
    """A limit counts per tenant, and no caller has one.

    Why:
        Each caller counts as a tenant of its own: whoever has ten keys has ten times the limit.
    Bad:
        identity: {certificate: {header: X-Client, subjects: {"CN=ann": [dev]}}}
        server: {trusted_proxies: [unix]}
        budgets: [{per: tenant, tokens: 100000/day}]
    Good:
        identity: {certificate: {header: X-Client, subjects: {"CN=ann": [dev]}}}
        server: {trusted_proxies: [unix]}
        budgets: [{per: caller, tokens: 100000/day}]
    Fix:
        Name where the tenant comes from, or count per caller.
    See: docs/policy.md#limits
    """
    yield from vain("limit_reach.tenants_of_nobody", document)


@rule("POL305", "limit-never-reached", "low")
def limit_never_reached(document: Document) -> Iterator[Found]:
    """Another limit refuses whatever this one would refuse.

    Why:
        A limit larger than the one around it never acts, so it does not allow what it seems to.
    Bad:
        limits:
          - {per: caller, rate: 60/minute}
          - {per: [caller, tool], rate: 100/minute}
    Good:
        limits:
          - {per: caller, rate: 60/minute}
          - {per: [caller, tool], rate: 20/minute}
    Fix:
        Make it smaller than the limit around it, or take it out.
    See: docs/policy.md#limits
    """
    yield from vain("limit_reach.limits_behind_others", document)


@rule("POL306", "memory-with-workers", "high")
def memory_with_workers(document: Document) -> Iterator[Found]:
    """Several workers count in a store that each has for itself.

    Why:
        Every limit holds as many times as there are workers, and what one worker has revoked the others let in.
    Bad:
        workers: 4
    Good:
        workers: 4
        store: "env:SMCP_STORE"
    Fix:
        Name a store that they share, such as redis://, or say `workers: 1`.
    See: docs/policy.md#store
    """
    yield from vain("reach.store_of_one_process", document)


@rule("POL307", "no-limits", "medium")
def no_limits(document: Document) -> Iterator[Found]:
    """Nothing limits how often anybody calls.

    Why:
        An agent in a loop, or one caller, uses up the server and what it pays for. The flood guard alone lets millions
        of calls a day through.
    Bad:
        limits: []
    Good:
        limits: [{per: caller, rate: 600/minute}]
    Fix:
        Take `limits` out, which leaves the default of 600 a minute for each address, or write rates.
    See: docs/policy.md#limits https://cwe.mitre.org/data/definitions/770.html
    """
    assert document.policy is not None
    if not document.policy.limits:
        yield Found(("limits",), "an empty list means no limits; leave it out for the default")


@rule("POL308", "shared-counter", "medium", "medium")
def shared_counter(document: Document) -> Iterator[Found]:
    """All callers share one limit.

    Why:
        Counted per tool or method alone, one caller uses the limit up for everybody: a limit that denies service
        instead of keeping it.
    Bad:
        limits: [{per: tool, rate: 100/minute}]
    Good:
        limits: [{per: [caller, tool], rate: 100/minute}]
    Fix:
        Add `caller`, `tenant` or `address` to `per`; keep a shared limit only beside one for each caller.
    See: docs/policy.md#limits
    """
    assert document.policy is not None
    for section in ("limits", "budgets", "concurrency"):
        entries = getattr(document.policy, section)
        own = any({"caller", "tenant", "address"} & set(entry.per) for entry in entries)
        for index, entry in enumerate(entries):
            if not {"caller", "tenant", "address"} & set(entry.per) and not own:
                yield Found((section, index, "per"), "one caller can use it up for everybody; add caller to per")


@rule("POL309", "cap-never-reached", "low")
def cap_never_reached(document: Document) -> Iterator[Found]:
    """Another cap or budget refuses whatever this one would refuse.

    Why:
        It never acts, so it does not allow what it seems to.
    Bad:
        concurrency:
          - {per: caller, max: 4}
          - {per: [caller, tool], max: 8}
    Good:
        concurrency:
          - {per: caller, max: 8}
          - {per: [caller, tool], max: 4}
    Fix:
        Make it smaller than the one around it, or take it out.
    See: docs/policy.md#concurrency
    """
    policy = document.policy
    assert policy is not None
    caps = [(set(cap.per), cap.max, cap.tools) for cap in policy.concurrency]
    for index, (per, most, tools) in enumerate(caps):
        for other, (wider, least, theirs) in enumerate(caps):
            # Of two that are equal the later one is in vain.
            before = other < index or (other > index and (wider, least, theirs) != (per, most, tools))
            if before and wider <= per and least <= most and _within(tools, theirs):
                yield Found(("concurrency", index), f"never reached: concurrency[{other}] refuses before it")
                break
    budgets = [(set(budget.per), budget.tokens) for budget in policy.budgets]
    for index, (per, tokens) in enumerate(budgets):
        for other, (wider, theirs_tokens) in enumerate(budgets):
            # What a month allows in all, a day cannot exceed.
            span = tokens.span == theirs_tokens.span or (tokens.span, theirs_tokens.span) == ("day", "month")
            # Of two that are equal the later one is in vain.
            before = other < index or (other > index and (wider, theirs_tokens) != (per, tokens))
            if before and wider <= per and span and theirs_tokens.count <= tokens.count:
                yield Found(("budgets", index), f"never reached: budgets[{other}] is spent before it")
                break


def _within(narrow: Sequence[str] | None, wide: Sequence[str] | None) -> bool:
    if wide is None:
        return True
    return narrow is not None and all(any(covers(glob, name) for glob in wide) for name in narrow)


@rule("POL310", "store-in-clear", "medium")
def store_in_clear(document: Document) -> Iterator[Found]:
    """The shared store is on another machine, and the way there is not encrypted.

    Why:
        Whoever is on the way reads names of callers and sessions, and can answer that nothing is revoked and nothing
        used up.
    Bad:
        store: redis://cache.example.com:6379/0
    Good:
        store: rediss://cache.example.com:6379/0
    Fix:
        Use rediss://, or a socket: unix:///run/valkey.sock.
    See: docs/policy.md#store https://cwe.mitre.org/data/definitions/319.html
    """
    assert document.policy is not None
    url = document.policy.store.url
    host = url.partition("://")[2].split("/")[0].split(",")[0].split(":")[0]
    # A name without a dot is one of a container network, or of this machine.
    if url.startswith("redis") and not url.startswith("rediss") and "." in host and not is_loopback(f"http://{host}"):
        yield Found(("store", "url"), "the way to the store is not encrypted; use rediss://")


@rule("POL311", "unknown-limited-tool", "medium")
def unknown_limited_tool(document: Document) -> Iterator[Found]:
    """A limit or cap names a tool that the server does not have.

    Why:
        It never counts, and the tool that was meant has no limit. Asked where a list of tools is known: `--tools`, or
        the lock file of `pins`.
    Bad:
        # with --tools, and a server that has find_book
        limits: [{per: caller, rate: 5/minute, tools: [find_boks]}]
    Good:
        # with --tools, and a server that has find_book
        limits: [{per: caller, rate: 5/minute, tools: [find_book]}]
    Fix:
        Write the name as the server has it; a `*` does not cross a slash.
    See: docs/policy.md#limits
    """
    policy, known = document.policy, document.known
    assert policy is not None
    for section in ("limits", "concurrency") if known is not None else ():
        for index, entry in enumerate(getattr(policy, section)):
            for at, glob in enumerate(entry.tools or ()):
                if known is not None and not any(matches(glob, tool) for tool in known.tools):
                    yield Found((section, index, "tools", at), f"{known.source} has no such tool, so this never counts")


@rule("POL312", "address-behind-proxy", "low", "low", persona="strict")
def address_behind_proxy(document: Document) -> Iterator[Found]:
    """Limits count addresses of a public server that believes no proxy.

    Why:
        Behind a proxy that is not named in `server.trusted_proxies` all callers have its address, and share one limit.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
        limits: [{per: address, rate: 100/minute}]
    Good:
        server: {hosts: ["mcp.example.com"], trusted_proxies: ["10.0.3.7"]}
        identity: {api_keys: {file: keys.yaml}}
        limits: [{per: address, rate: 100/minute}]
    Fix:
        Name the proxy, if there is one; count per caller.
    See: docs/policy.md#limits
    """
    policy = document.policy
    assert policy is not None
    if not is_public(policy) or policy.server.trusted_proxies:
        return
    for index, limit in enumerate(policy.limits):
        if "address" in limit.per and document.written(("limits", index)):
            yield Found(("limits", index, "per"), "behind a proxy all callers would share it; name trusted_proxies")
