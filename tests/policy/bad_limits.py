"""Bad limits, budgets, caps and stores, each with its report and its good twin."""

from __future__ import annotations

from tests.policy.mistakes import Mistake

_WORDS = "address, caller, tenant, tool or method"
_STORE = (
    "expected memory://, env:NAME, or a URL such as redis://host:6379/0 (rediss, redis+sentinel, redis+cluster, unix);"
    " one with a password has no place in a file: write env:NAME"
)
_ALLOWANCE = "expected a count per day or month such as 2000000/day"


def limit(fields: str) -> str:
    """A policy with one limit; `fields` begin at line 1, column 35."""
    return f"limits: [{{per: caller, rate: 1/s, {fields}}}]\n"


MISTAKES: dict[str, Mistake] = {
    "a limit per planet": Mistake(
        "limits: [{per: planet, rate: 1/s}]\n",
        f':1:16: limits[0].per[0]: expected {_WORDS}, found "planet"',
        "limits: [{per: tenant, rate: 1/s}]\n"),
    "a limit per nobody": Mistake(
        "limits: [{per: [], rate: 1/s}]\n", ":1:16: limits[0].per: expected at least 1 entry, found a list",
        "limits: [{per: [caller, tool], rate: 1/s}]\n"),
    "a limit per caller and caller": Mistake(
        "limits: [{per: [caller, caller], rate: 1/s}]\n",
        ":1:16: limits[0].per: expected each of address, caller, tenant, tool and method at most once, found a list",
        "limits: [{per: [caller, method], rate: 1/s}]\n"),
    "tools of other methods": Mistake(
        limit("tools: [a], methods: ['tools/*', prompts/get]"),
        ":1:68: limits[0].methods[1]: a limit of tools counts tools/call alone; remove one of the two",
        limit("tools: [a], methods: ['tools/*']"), beyond=True),
    "a cost without an end": Mistake(
        limit("cost: {argument: pages}"), ":1:41: limits[0].cost.max: missing, and it has no default",
        limit("cost: {argument: pages, max: 50}")),
    "a cost of everything": Mistake(
        limit("cost: {argument: '', max: 5}"),
        ":1:52: limits[0].cost.argument: expected one argument: its name, such as pages, or a JSON pointer such as"
        ' /options/pages, found ""', limit("cost: {argument: /a/b, max: 5}")),
    "a cost of nothing": Mistake(
        limit("cost: {argument: a, max: 0}"), ":1:60: limits[0].cost.max: expected at least 1, found the number 0",
        limit("cost: {argument: a, max: 1}")),
    "a budget per fortnight": Mistake(
        "budgets: [{per: caller, tokens: 5/fortnight}]\n", f":1:33: budgets[0].tokens: {_ALLOWANCE}",
        "budgets: [{per: caller, tokens: 5/month}]\n"),
    "a budget of nothing": Mistake(
        "budgets: [{per: caller, tokens: 0/day}]\n", f":1:33: budgets[0].tokens: {_ALLOWANCE}",
        "budgets: [{per: caller, tokens: 1/day}]\n"),
    "a cap of nothing": Mistake(
        "concurrency: [{per: caller, max: 0}]\n", ":1:34: concurrency[0].max: expected at least 1, found the number 0",
        "concurrency: [{per: [caller, tool], max: 1, tools: ['a*']}]\n"),
    "a store of another make": Mistake(
        "store: memcached://a\n", f":1:8: store.url: {_STORE}", "store: redis://a:6379/0\n"),
    "a store with a password": Mistake(
        "store:\n  url: redis://:hunter2@a\n", f":2:8: store.url: {_STORE}", "store:\n  url: env:SMCP_STORE\n"),
    "a store with a password behind": Mistake(
        "store: redis://a?password=hunter2\n", f":1:8: store.url: {_STORE}", "store: unix:///run/valkey.sock?db=1\n"),
    "a store with an escape": Mistake(
        "store: redis://a?%70assword=hunter2\n", f":1:8: store.url: {_STORE}",
        "store: redis+sentinel://a:26379,b:26379/mymaster/0\n"),
    "a namespace with a brace": Mistake(
        "store: {namespace: 'a}b'}\n",
        ":1:20: store.namespace: expected a name of letters, digits and . _ -, at most 64 characters,"
        " found a text of 3 characters", "store: {namespace: a.b}\n"),
    "a store that may take its time": Mistake(
        "store: {timeout_ms: 60000}\n", ":1:21: store.timeout_ms: expected at most 10000, found the number 60000",
        "store: {timeout_ms: 10000}\n"),
    "no worker at all": Mistake(
        "workers: 0\n", ":1:10: workers: expected at least 1, found the number 0", "workers: 1\n"),
}  # fmt: skip
