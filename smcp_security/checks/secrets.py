"""The secrets rung: a grant is looked for, then the vault opens what the tool asks for. Pure.

Rules: a grant fits if all that it says fits; its `callers`, `roles` and `tenants` fit nobody who is not verified. Where
grants of both owners fit, the tenant's own secret comes first, and the shared one where the tenant has none. Without a
grant of `owner: shared` nothing shared is ever given, and the other way round. All secrets are given, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from smcp_security.checks.custody import Given, OpenSecret
from smcp_security.checks.membership import held, roles_of
from smcp_security.checks.rules import Role
from smcp_security.checks.rung import Context, Run, Rung
from smcp_security.decision import CLEAN, Caller, Outcome, finding
from smcp_security.errors import InvalidToken, Unavailable, VaultError
from smcp_security.opened import Opened
from smcp_security.policy import Policy
from smcp_security.policy.globs import fits, matches
from smcp_security.policy.vault import LEAST_GRANTED, GrantPolicy

_TOOL: Final = "/params/name"
Owners = dict[str, tuple[str, ...]]
"""By secret, the tenants whose own may be opened for a call, in that order; "" is the shared one."""


class _Lacking(Exception):
    """A secret that cannot be given. `reason` is for the audit."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def _fits(grant: GrantPolicy, tool: str, caller: Caller | None, roles: Sequence[str]) -> bool:
    if not any(matches(glob, tool) for glob in grant.tools):
        return False
    if grant.owner == "shared" and grant.callers is grant.roles is grant.tenants is None:
        return True
    # A name that nothing has vouched for is a label.
    if caller is None or not caller.verified:
        return False
    if not caller.tenant and (grant.owner == "tenant" or grant.tenants is not None):
        return False
    return (
        (grant.callers is None or _any(grant.callers, (caller.id,)))
        and (grant.roles is None or _any(grant.roles, roles))
        and (grant.tenants is None or _any(grant.tenants, (caller.tenant,)))
    )


def _any(globs: Iterable[str], texts: Iterable[str]) -> bool:
    return any(fits(glob, text) for text in texts for glob in globs)


def build(policy: Policy, wanted: Mapping[str, str], texts: Collection[str] = ()) -> Rung:
    """What a tool asks for: names of secrets by parameter; those of `texts` must be UTF-8.

    Denies with SMCP920 (no grant) and SMCP921 (no secret). Enforced in any mode.
    """
    if not wanted:
        return _nothing
    known = roles_of(policy)
    stated = () if policy.vault is None else policy.vault.grants
    grants = {name: tuple(grant for grant in stated if name in grant.secrets) for name in wanted.values()}

    def secrets(context: Context) -> Run[Outcome]:
        owners: Owners = {}
        for name, offered in grants.items():
            owners[name] = _owners(context, offered, known)
            if not owners[name]:
                return _refused("SMCP920", name)
        opened = {}
        for name, tenants in owners.items():
            try:
                opened[name] = yield from _open(name, tenants)
            except _Lacking as lacking:
                return _refused("SMCP921", f"{name}: {lacking.reason}")
        for parameter in texts:
            if not opened[wanted[parameter]].is_text:
                return _refused("SMCP921", f"{wanted[parameter]}: not UTF-8")
        return Outcome(given=tuple(Given(parameter, opened[name]) for parameter, name in wanted.items()))

    return secrets


def _nothing(context: Context) -> Run[Outcome]:
    yield from ()
    return CLEAN


def _owners(context: Context, grants: Sequence[GrantPolicy], known: Mapping[str, Role]) -> tuple[str, ...]:
    message, caller = context.message, context.caller
    if message is None or message.method != "tools/call":
        return ()
    roles = () if caller is None or not caller.verified else held(caller, known)
    fit = {grant.owner for grant in grants if _fits(grant, message.target, caller, roles)}
    own = (caller.tenant,) if "tenant" in fit and caller is not None else ()
    return (*own, "") if "shared" in fit else own


def _open(name: str, tenants: Sequence[str]) -> Run[Opened]:
    """The first that there is. Raises `_Lacking`."""
    for tenant in tenants:
        try:
            opened = yield from OpenSecret(name, tenant).ask()
        except (Unavailable, VaultError, InvalidToken):
            raise _Lacking("cannot be opened") from None
        if opened is None:
            continue
        if len(opened.value) < LEAST_GRANTED:
            raise _Lacking(f"under {LEAST_GRANTED} bytes")
        return opened
    raise _Lacking("not there, or expired")


def _refused(code: str, about: str) -> Outcome:
    return Outcome((replace(finding(code, _TOOL), about=about),))
