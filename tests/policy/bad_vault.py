"""Bad `vault` sections, each with its report and its good twin. What could be a secret is never shown."""

from __future__ import annotations

from tests.policy.mistakes import Mistake

_KEY = (
    "expected env:NAME or file:PATH of the key, or passphrase:env:NAME or passphrase:file:PATH, or a list of them;"
    " a key has no place in a policy"
)
_NAME = "expected the name of a secret: letters, digits and _ . -, at most 128"
_LIST = "expected a list of at least one name or glob"
_GOOD = "{file: v.smcp, key: 'env:K'}"
_PASTED = "ghp_" + "Zx9" * 12


def vault(rest: str, *, identity: str = "") -> str:
    """A policy with one grant, in flow style beginning at line 4, column 6."""
    return f"{identity}vault:\n  {{file: v.smcp, key: 'env:K'}}\n".replace("'}", f"', grants: [\n     {rest}]}}")


_KNOWN = "identity: {api_keys: {file: k.yaml}}\n"

MISTAKES: dict[str, Mistake] = {
    "a vault without a key": Mistake(
        "vault: {file: v.smcp}\n", ":1:8: vault.key: missing, and it has no default", f"vault: {_GOOD}\n"),
    "a vault without a file": Mistake(
        "vault: {key: 'env:K'}\n", ":1:8: vault.file: missing, and it has no default", f"vault: {_GOOD}\n"),
    "a vault in a folder": Mistake(
        "vault: {file: a/, key: 'env:K'}\n",
        ":1:15: vault.file: expected the name of a file, relative to the current directory of the server or absolute,"
        ' found "a/"', f"vault: {_GOOD}\n"),
    "a vault that is a word": Mistake(
        "vault: on\n", ':1:8: vault: expected a mapping, found "on"', f"vault: {_GOOD}\n"),
    "a key of the vault in the file": Mistake(
        f"vault: {{file: v.smcp, key: {'QkJC' * 11}}}\n", f":1:28: vault.key: {_KEY}", f"vault: {_GOOD}\n"),
    "a passphrase of the vault in the file": Mistake(
        "vault: {file: v.smcp, key: 'passphrase:correct horse'}\n", f":1:28: vault.key: {_KEY}",
        "vault: {file: v.smcp, key: 'passphrase:file:/run/p'}\n"),
    "a key of the vault among references": Mistake(
        f"vault: {{file: v.smcp, key: ['env:K', {'QkJC' * 11}]}}\n", f":1:28: vault.key: {_KEY}",
        "vault: {file: v.smcp, key: ['env:K', 'file:/k']}\n"),
    "no key of the vault at all": Mistake(
        "vault: {file: v.smcp, key: []}\n", f":1:28: vault.key: {_KEY}", "vault: {file: v.smcp, key: ['env:K']}\n"),
    "a key of the vault twice": Mistake(
        "vault: {file: v.smcp, key: ['env:K', 'env:K']}\n",
        ":1:28: vault.key: names the same key twice; the first one seals, the others only open",
        "vault: {file: v.smcp, key: ['env:K', 'env:L']}\n", beyond=True),
    "a misspelt key of the vault": Mistake(
        "vault: {file: v.smcp, key: 'env:K', grant: []}\n",
        ":1:37: vault.grant: unknown key; did you mean grants?", "vault: {file: v.smcp, key: 'env:K', grants: []}\n"),
    "a generation of nothing": Mistake(
        "vault: {file: v.smcp, key: 'env:K', generation: 0}\n",
        ":1:49: vault.generation: expected at least 1, found the number 0",
        "vault: {file: v.smcp, key: 'env:K', generation: 1}\n"),
    "a grant of no tool": Mistake(
        vault("{secrets: [github]}"), ":3:6: vault.grants[0].tools: missing, and it has no default",
        vault("{secrets: [github], tools: [t]}")),
    "a grant of no secret": Mistake(
        vault("{secrets: [], tools: [t]}"), ":3:16: vault.grants[0].secrets: expected at least 1 entry",
        vault("{secrets: [a.b-c_D], tools: [t]}")),
    "a grant of a handle": Mistake(
        vault("{secrets: ['vault://github'], tools: [t]}"), f":3:17: vault.grants[0].secrets[0]: {_NAME}",
        vault("{secrets: [github], tools: [t]}")),
    "a grant with a secret in it": Mistake(
        vault(f"{{secrets: ['{_PASTED}+/='], tools: [t]}}"), f":3:17: vault.grants[0].secrets[0]: {_NAME}",
        vault("{secrets: [github], tools: [t]}")),
    "a grant of a glob": Mistake(
        vault("{secrets: ['github*'], tools: ['*']}"), f":3:17: vault.grants[0].secrets[0]: {_NAME}",
        vault("{secrets: [github], tools: ['*']}")),
    "a grant to an empty list of tools": Mistake(
        vault("{secrets: [a], tools: []}"), f":3:28: vault.grants[0].tools: {_LIST}, found a list",
        vault("{secrets: [a], tools: ['*']}")),
    "a grant to an empty list of callers": Mistake(
        vault("{secrets: [a], tools: [t], callers: []}", identity=_KNOWN),
        f":4:42: vault.grants[0].callers: {_LIST}, found a list",
        vault("{secrets: [a], tools: [t], callers: ['key:*']}", identity=_KNOWN)),
    "an owner of another kind": Mistake(
        vault("{secrets: [a], tools: [t], owner: caller}"),
        ':3:40: vault.grants[0].owner: expected shared or tenant, found "caller"',
        vault("{secrets: [a], tools: [t], owner: shared}")),
    "a grant to callers whom nobody knows": Mistake(
        vault("{secrets: [a], tools: [t], callers: ['key:*']}"),
        ":3:42: vault.grants[0].callers: needs identity, or no caller is known",
        vault("{secrets: [a], tools: [t], callers: ['key:*']}", identity=_KNOWN), beyond=True),
    "a grant to tenants whom nobody knows": Mistake(
        vault("{secrets: [a], tools: [t], owner: tenant}"),
        ":3:40: vault.grants[0].owner: tenant needs identity, or no tenant is known",
        vault("{secrets: [a], tools: [t], owner: tenant}", identity=_KNOWN), beyond=True),
    "a grant to a role that there is not": Mistake(
        vault("{secrets: [a], tools: [t], roles: [analist]}", identity=_KNOWN + "roles: {analyst: {}}\n"),
        ":5:41: vault.grants[0].roles[0]: unknown role; did you mean analyst?",
        vault("{secrets: [a], tools: [t], roles: [analyst]}", identity=_KNOWN + "roles: {analyst: {}}\n"),
        beyond=True),
    "a grant to a role where no roles are stated": Mistake(
        vault("{secrets: [a], tools: [t], roles: []}", identity=_KNOWN),
        f":4:40: vault.grants[0].roles: {_LIST}, found a list",
        vault("{secrets: [a], tools: [t], roles: [whatever]}", identity=_KNOWN)),
}  # fmt: skip
