"""Rules about `vault`: grants that reach further than was meant, or nowhere, and keys that guard little."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from posixpath import dirname
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Edit, Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.stated import role_may
from smcp_security.policy.access import RolePolicy, inherited
from smcp_security.policy.globs import covers, fits, matches
from smcp_security.policy.places import Path
from smcp_security.policy.vault import GrantPolicy, VaultPolicy

_BETWEEN: Final = re.compile(r"\s*,\s*|[ \t]*\n[ \t]*-[ \t]+")
"""What may stand between two items of a list without a comment getting lost."""
_TOLD: Final = ("callers", "roles", "tenants")


def _vault(document: Document) -> VaultPolicy | None:
    return document.policy.vault if document.policy is not None else None


def _grants(document: Document) -> Iterator[tuple[Path, GrantPolicy]]:
    vault = _vault(document)
    for index, grant in enumerate(vault.grants if vault is not None else ()):
        yield ("vault", "grants", index), grant


def _is_for_all(grant: GrantPolicy) -> bool:
    return all(getattr(grant, key) is None for key in _TOLD) and grant.owner == "shared"


@rule("POL804", "grant-for-every-tool", "high")
def grant_for_every_tool(document: Document) -> Iterator[Found]:
    """A grant gives a secret to every tool, whoever calls it.

    Why:
        A tool that is added tomorrow, by an update of the server or by somebody else, asks for the secret and has it.
    Bad:
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["*"]}]
    Good:
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"]}]
    Fix:
        Name the tools that need it, and the roles.
    See: docs/vault.md#grants-who-may-have-what https://cwe.mitre.org/data/definitions/732.html
    """
    for path, grant in _grants(document):
        for index, glob in enumerate(grant.tools if _is_for_all(grant) else ()):
            if not glob.strip("*"):
                yield Found((*path, "tools", index), "every tool has it, whoever calls; name the tools that need it")


@rule("POL805", "key-beside-vault", "low", "medium", persona="strict")
def key_beside_vault(document: Document) -> Iterator[Found]:
    """The key of the vault lies in the folder of the vault.

    Why:
        A backup, an image or a mistake that takes the folder along takes both, and then nothing is sealed.
    Bad:
        vault: {file: vault.smcp, key: "file:vault.key"}
    Good:
        vault: {file: vault.smcp, key: "file:/run/secrets/vault.key"}
    Fix:
        Keep the key where secrets of the machine are kept, or in the environment (`env:NAME`).
    See: docs/vault.md#keys https://cwe.mitre.org/data/definitions/922.html
    """
    vault = _vault(document)
    for index, key in enumerate(vault.key if vault is not None else ()):
        kind, _, file = key.removeprefix("passphrase:").partition(":")
        if vault is not None and kind == "file" and dirname(file) == dirname(vault.file):
            yield Found(_key(document, index), "whoever takes the folder has both; keep the key elsewhere")


def _key(document: Document, index: int) -> Path:
    return ("vault", "key", index) if isinstance(document.at(("vault", "key")), list) else ("vault", "key")


@rule("POL806", "secret-twice", "low", fixes="unsafe")
def secret_twice(document: Document) -> Iterator[Found]:
    """A grant names a secret, a tool, a role, a caller or a tenant twice.

    Why:
        One of the two was probably meant to be another one.
    Bad:
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github, github], tools: ["github.*"]}]
    Good:
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github, gitlab], tools: ["github.*"]}]
    Fix:
        Write what was meant, or take one out.
    See: docs/vault.md#grants-who-may-have-what
    """
    for path, grant in _grants(document):
        for key in ("secrets", "tools", *_TOLD):
            values = getattr(grant, key) or ()
            for index, value in enumerate(values):
                if value in values[:index]:
                    where = (*path, key, index)
                    yield Found(where, "stands there already; take it out", fix=_without(document, where))


def _without(document: Document, path: Path) -> Fix | None:
    """The edit that takes out an item of a list together with what parts it from the one before."""
    *above, index = path
    if not isinstance(index, int):
        return None
    before, item = document.span((*above, index - 1)), document.span(path)
    start = document.offset(before.end_line, before.end_column)
    if _BETWEEN.fullmatch(document.text, start, document.offset(item.line, item.column)) is None:
        return None
    return Fix((Edit(start, document.offset(item.end_line, item.end_column), ""),), safe=False)


@rule("POL807", "grant-out-of-reach", "medium")
def grant_out_of_reach(document: Document) -> Iterator[Found]:
    """A grant is for tools that none of its roles may call.

    Why:
        A call is judged by `roles` before it asks for a secret, so the grant never acts; mostly a name is misspelt.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          agent: {allow: [{tools: ["github.get_issue"]}]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["gitlab.*"], roles: [agent]}]
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          agent: {allow: [{tools: ["github.get_issue"]}]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], roles: [agent]}]
    Fix:
        Write the names as `roles` have them.
    See: docs/vault.md#grants-who-may-have-what
    """
    policy = document.policy
    assert policy is not None
    roles = policy.roles or {}
    for path, grant in _grants(document):
        held = [name for name in roles if grant.roles is None or _has(name, grant.roles, roles)]
        for index, glob in enumerate(grant.tools if held else ()):
            if not any(role_may(policy, name, glob) for name in held):
                who = "no role" if grant.roles is None else "none of the grant's roles"
                yield Found((*path, "tools", index), f"{who} may call such a tool, so this never counts")


def _has(role: str, globs: Sequence[str], roles: Mapping[str, RolePolicy]) -> bool:
    """Whether a caller of a role fits a grant for some: what the role extends he has as well."""
    return any(fits(glob, name) for glob in globs for name in (role, *inherited(role, roles)))


@rule("POL808", "grant-of-unknown-tool", "medium")
def grant_of_unknown_tool(document: Document) -> Iterator[Found]:
    """A grant is for a tool that the server does not have.

    Why:
        The tool that was meant has no secret. Asked where a list of tools is known: `--tools`, or the lock file of
        `pins`.
    Bad:
        # with --tools, and a server that has find_book
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [catalogue], tools: [find_boks]}]
    Good:
        # with --tools, and a server that has find_book
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [catalogue], tools: [find_book]}]
    Fix:
        Write the name as the server has it.
    See: docs/vault.md#grants-who-may-have-what
    """
    known = document.known
    for path, grant in _grants(document) if known is not None else ():
        for index, glob in enumerate(grant.tools):
            if known is not None and not any(matches(glob, tool) for tool in known.tools):
                yield Found((*path, "tools", index), f"{known.source} has no such tool, so this never counts")


@rule("POL809", "vault-without-generation", "info", persona="strict")
def vault_without_generation(document: Document) -> Iterator[Found]:
    """An older copy of the vault is taken by a server that has not seen a newer one.

    Why:
        Whoever can write the file brings back a secret that was revoked. What the process has seen and the mark beside
        the vault are gone on a new machine; the generation in the policy is not.
    Bad:
        vault: {file: vault.smcp, key: "env:SMCP_VAULT_KEY"}
    Good:
        vault: {file: vault.smcp, key: "env:SMCP_VAULT_KEY", generation: 12}
    Fix:
        Write the generation that `smcp vault verify` prints, anew after each revocation.
    See: docs/policy.md#vault
    """
    vault = _vault(document)
    if vault is not None and vault.generation is None:
        yield Found(("vault",), "an older copy is taken; write the generation that smcp vault verify prints", key=True)


@rule("POL810", "passphrase-key", "info")
def passphrase_key(document: Document) -> Iterator[Found]:
    """The vault opens with a passphrase.

    Why:
        What a person can remember can be guessed at, by whoever has a copy of the file, as long as he likes. A key that
        `smcp vault init` makes cannot.
    Bad:
        vault: {file: vault.smcp, key: "passphrase:env:SMCP_VAULT_PASSPHRASE"}
    Good:
        vault: {file: vault.smcp, key: "env:SMCP_VAULT_KEY"}
    Fix:
        Change to a key: `smcp vault rotate`; where it must be a passphrase, let it be long and random.
    See: docs/vault.md#keys https://cwe.mitre.org/data/definitions/521.html
    """
    vault = _vault(document)
    for index, key in enumerate(vault.key if vault is not None else ()):
        if key.startswith("passphrase:"):
            yield Found(_key(document, index), "can be guessed at by whoever has the file; change to a made key")


@rule("POL811", "grant-without-caller", "medium", "medium")
def grant_without_caller(document: Document) -> Iterator[Found]:
    """Callers who show no credential get a secret.

    Why:
        With `identity.required: false` anybody may call, and the grant asks for nobody in particular: what the secret
        opens elsewhere is open to all who reach the server.
    Bad:
        identity: {required: false, api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"]}]
    Good:
        identity: {api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"]}]
    Fix:
        Name the callers or roles in the grant, or ask everybody for a credential.
    See: docs/vault.md#grants-who-may-have-what https://cwe.mitre.org/data/definitions/306.html
    """
    policy = document.policy
    assert policy is not None
    if policy.identity is None or policy.identity.required or policy.roles is not None:
        return
    for path, grant in _grants(document):
        if _is_for_all(grant):
            yield Found(path, "whoever shows no credential has it too; name callers or roles")


@rule("POL812", "shadowed-grant", "medium")
def shadowed_grant(document: Document) -> Iterator[Found]:
    """What a grant asks of callers restricts nothing, because another grant gives the same to everybody.

    Why:
        One grant that fits is enough. Whoever wrote the role thinks that it protects the secret.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants:
            - {secrets: [github], tools: ["github.*"]}
            - {secrets: [github], tools: ["github.delete_repo"], roles: [admin]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants:
            - {secrets: [github], tools: ["github.get_*"]}
            - {secrets: [github], tools: ["github.delete_repo"], roles: [admin]}
    Fix:
        Narrow the wide grant.
    See: docs/vault.md#grants-who-may-have-what https://cwe.mitre.org/data/definitions/863.html
    """
    shadowed: set[Path] = set()
    for (_, wide), (path, grant) in permutations(_grants(document), 2):
        if not _is_for_all(wide) or _is_for_all(grant) or grant.owner != "shared" or path in shadowed:
            continue
        same = set(grant.secrets) <= set(wide.secrets)
        if same and all(any(covers(one, glob) for one in wide.tools) for glob in grant.tools):
            shadowed.add(path)
            yield Found(path, "another grant gives the same to everybody, so this one restricts nothing; narrow it")
