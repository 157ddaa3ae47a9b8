"""Bad `roles`, tenant assertions and hidden tools, each with its report and its good twin."""

from __future__ import annotations

from tests.policy.mistakes import Mistake

_RANGE = "expected [least, most]: two numbers, or null for one end that is open"
_ARGUMENT = "expected one argument: its name, such as pages, or a JSON pointer such as /options/pages"


def rule(fields: str, kind: str = "allow") -> str:
    """A policy with one rule of one role; its fields begin at line 3, column 14 for allow, 13 for deny."""
    return f"roles:\n  r:\n    {kind}: [{{{fields}}}]\n"


def when(fields: str) -> str:
    """A policy with one condition; its fields begin at line 3, column 33."""
    return rule(f"tools: [a], when: [{{{fields}}}]")


MISTAKES: dict[str, Mistake] = {
    "a role with a space": Mistake(
        "roles: {my role: {}}\n",
        ':1:9: roles."my role": expected the name of a role: letters, digits and _ . : / -',
        "roles: {my-role: {}}\n"),
    "a thousand and one roles": Mistake(
        "roles:\n" + "".join(f"  r{at}: {{}}\n" for at in range(1001)),
        ":2:3: roles: expected at most 1000 roles; claims and tenants tell more callers apart, found a mapping",
        "roles:\n" + "".join(f"  r{at}: {{}}\n" for at in range(1000)), beyond=True),
    "a misspelt key of a role": Mistake(
        "roles: {r: {alow: []}}\n", ":1:13: roles.r.alow: unknown key; did you mean allow?",
        "roles: {r: {allow: []}}\n"),
    "a role that nobody defines": Mistake(
        "roles:\n  viewer: {}\n  dev: {extends: [viever]}\n",
        ":3:19: roles.dev.extends[0]: unknown role; did you mean viewer?",
        "roles:\n  viewer: {}\n  dev: {extends: [viewer]}\n", beyond=True),
    "a role that nobody else is like": Mistake(
        "roles: {dev: {extends: [xyz]}}\n",
        ":1:25: roles.dev.extends[0]: unknown role; expected a role of this section",
        "roles: {dev: {extends: [xyz]}, xyz: {}}\n", beyond=True),
    "roles in a circle": Mistake(
        "roles:\n  a: {extends: [b]}\n  b: {extends: [c]}\n  c: {extends: [b]}\n",
        ":3:16: roles.b.extends: leads back to this role; a role cannot extend itself\n"
        "{}:4:16: roles.c.extends: leads back to this role; a role cannot extend itself",
        "roles:\n  a: {extends: [b, c]}\n  b: {extends: [c]}\n  c: {}\n", beyond=True),
    "a role that extends itself": Mistake(
        "roles: {a: {extends: [a]}}\n",
        ":1:22: roles.a.extends: leads back to this role; a role cannot extend itself",
        "roles: {a: {}}\n", beyond=True),
    "a rule of nothing": Mistake(
        rule("scopes: [s]"),
        ":3:13: roles.r.allow[0]: names nothing; expected tools, prompts, resources, templates or methods",
        rule("scopes: [s], prompts: [p]"), beyond=True),
    "a denial of nothing": Mistake(
        rule("tools: []", "deny"),
        ":3:12: roles.r.deny[0]: names nothing; expected tools, prompts, resources, templates or methods",
        rule("methods: [x/y]", "deny"), beyond=True),
    "a denial with scopes": Mistake(
        rule("tools: [a], scopes: [s]", "deny"),
        ":3:25: roles.r.deny[0].scopes: unknown key; did you mean roles.*.allow.*.scopes?",
        rule("tools: [a], scopes: [s]")),
    "a glob with a space": Mistake(
        rule("tools: ['a b']"),
        ":3:22: roles.r.allow[0].tools[0]: expected a tool name or glob such as wiki.*, without spaces,"
        ' found "a b"', rule("tools: [a, b]")),
    "a URI with a space": Mistake(
        rule("resources: ['docs://a b']"),
        ":3:26: roles.r.allow[0].resources[0]: expected a URI or glob such as docs://*, without spaces; what"
        ' holds {x} belongs to templates, found "docs://a b"', rule("resources: ['docs://a%20b']")),
    "a template among resources": Mistake(
        rule("resources: ['docs://{id}']"),
        ":3:26: roles.r.allow[0].resources[0]: expected a URI or glob such as docs://*, without spaces; what holds {x}"
        " belongs to templates, found a text of 11 characters", rule("templates: ['docs://{id}']")),
    "a template that never closes": Mistake(
        rule("templates: ['docs://{id/x']"),
        ":3:26: roles.r.allow[0].templates[0]: expected a URI template (RFC 6570) such as docs://{id}/text, without"
        " spaces, found a text of 12 characters", rule("templates: ['docs://{+id}/x{?q,r*}']")),
    "a template in a template": Mistake(
        rule("templates: ['docs://{a{b}}']", "deny"),
        ":3:25: roles.r.deny[0].templates[0]: expected a URI template (RFC 6570) such as docs://{id}/text, without"
        " spaces, found a text of 13 characters", rule("templates: ['docs://*/{b:3}']", "deny")),
    "a condition on nothing": Mistake(
        when("equals: 1"), ":3:33: roles.r.allow[0].when[0]: expected either claim or argument, found a mapping",
        when("claim: org, equals: 1"), beyond=True),
    "a condition on two things": Mistake(
        when("equals: 1, claim: a, argument: b"),
        ":3:33: roles.r.allow[0].when[0]: expected either claim or argument, found a mapping",
        when("equals: 1, argument: b"), beyond=True),
    "a condition without a test": Mistake(
        when("claim: org"),
        ":3:33: roles.r.allow[0].when[0]: expected one of equals, in, prefix and range, found a mapping",
        when("claim: org, in: [a]"), beyond=True),
    "a condition with two tests": Mistake(
        when("claim: org, equals: a, prefix: a"),
        ":3:33: roles.r.allow[0].when[0]: expected one of equals, in, prefix and range, found a mapping",
        when("claim: org, equals: a"), beyond=True),
    "a condition by its name in code": Mistake(
        when("claim: org, one_of: [a]"),
        ":3:46: roles.r.allow[0].when[0].one_of: unknown key; expected one of claim, argument, equals, in, prefix,"
        " range",
        when("claim: org, in: [a]")),
    "a condition on a list": Mistake(
        when("claim: org, equals: [a]"),
        ":3:54: roles.r.allow[0].when[0].equals: expected a text, a number, true or false, found a list",
        when("claim: org, equals: true")),
    "one of no values": Mistake(
        when("claim: org, in: []"), ":3:50: roles.r.allow[0].when[0].in: expected at least 1 entry, found a list",
        when("claim: org, in: [1, true, '1', 1.5]")),
    "an empty prefix": Mistake(
        when("claim: org, prefix: ''"),
        ':3:54: roles.r.allow[0].when[0].prefix: expected at least 1 character, found ""',
        when("claim: org, prefix: a")),
    "a range upside down": Mistake(
        when("argument: n, range: [2, 1]"),
        f":3:54: roles.r.allow[0].when[0].range: {_RANGE}; least is more than most, so no number lies between,"
        " found a list", when("argument: n, range: [1, 1]"), beyond=True),
    "a range without ends": Mistake(
        when("argument: n, range: [null, null]"),
        f":3:54: roles.r.allow[0].when[0].range: {_RANGE}; every number lies between two open ends, found a list",
        when("argument: n, range: [null, 9007199254740993]"), beyond=True),
    "a range of texts": Mistake(
        when("argument: n, range: ['1', '2']"),
        f":3:54: roles.r.allow[0].when[0].range: {_RANGE}, found a list", when("argument: n, range: [1, 2.5]")),
    "a range of truths": Mistake(
        when("argument: n, range: [false, true]"),
        f":3:54: roles.r.allow[0].when[0].range: {_RANGE}, found a list", when("argument: n, range: [0, 1]")),
    "a range of three": Mistake(
        when("argument: n, range: [1, 2, 3]"),
        f":3:54: roles.r.allow[0].when[0].range: {_RANGE}, found a list", when("argument: n, range: [1, 2]")),
    "an argument everywhere": Mistake(
        when("argument: /items/*/id, equals: 1"),
        f':3:44: roles.r.allow[0].when[0].argument: {_ARGUMENT}; * is not understood here, found "/items/*/id"',
        when("argument: /items/0/id, equals: 1"), beyond=True),
    "an argument without a name": Mistake(
        when("argument: '', equals: 1"),
        f':3:44: roles.r.allow[0].when[0].argument: {_ARGUMENT}, found ""', when("argument: /, equals: 1")),
    "an argument of a resource": Mistake(
        rule("resources: ['a://*'], when: [{argument: p, equals: 1}]"),
        ":3:54: roles.r.allow[0].when[0].argument: only calls of tools and prompts have arguments; name some",
        rule("resources: ['a://*'], prompts: [p], when: [{argument: p, equals: 1}]"), beyond=True),
    "hidden tools in an open list": Mistake(
        "denied_tools: hide\n",
        ":1:15: denied_tools: hide needs unlisted_tools: deny, or unknown tools would be told apart from hidden ones",
        "denied_tools: hide\nunlisted_tools: deny\n", beyond=True),
    "a tenant of no tools": Mistake(
        "results: {tenant: [{tools: [], pointer: /a}]}\n",
        ":1:28: results.tenant[0].tools: expected at least 1 entry, found a list",
        "results: {tenant: [{tools: ['*'], pointer: /a}]}\n"),
    "rows of another kind": Mistake(
        "results: {tenant: [{tools: [a], pointer: /a, rows: keep}]}\n",
        ':1:52: results.tenant[0].rows: expected drop or refuse, found "keep"',
        "results: {tenant: [{tools: [a], pointer: /a, rows: refuse}]}\n"),
}  # fmt: skip
