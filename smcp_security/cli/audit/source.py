"""Which audit a command reads and what opens it: from its options, or from the `audit` section of a policy."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import click

from smcp_security.cli.output import Failure, without_log
from smcp_security.errors import PolicyError

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.keys import AuditKeys
    from smcp_security.policy.audit import AuditPolicy

KEY_VARIABLE: Final = "SMCP_AUDIT_KEY"


@dataclass(frozen=True, slots=True)
class Source:
    """An audit file (absolute, its segments beside it), the file of its callers, and the reference of its secret.

    `key` is None where nothing named one. `signature` is None where no policy says it: then the file does.
    """

    file: str
    callers: str
    key: str | None = None
    signature: Literal["hmac", "ed25519"] | None = None
    named: bool = False
    """Whether somebody said where the key is, or the file of callers."""

    def opened(self, signature: Literal["hmac", "ed25519"] | None = None) -> tuple[People, AuditKeys]:
        """The people and the keys. Raises `PolicyError` where they cannot be had, `AuditDamaged` for a torn file."""
        from smcp_security.audit.callers.people import open_people

        kind = signature or self.signature or "hmac"
        if self.key is not None or KEY_VARIABLE not in os.environ:
            return open_people(self.callers, self.key, kind, os.environ, create=False)
        try:
            return open_people(self.callers, None, kind, os.environ, create=False)
        except PolicyError:
            # The file of callers holds no secret, or there is none: the variable by its usual name may be meant.
            return open_people(self.callers, f"env:{KEY_VARIABLE}", kind, os.environ, create=False)

    def people(self) -> People | None:
        """The people, or None after a word on stderr that only what is public can be shown.

        A key or a file that was named and does not fit is a mistake, and raises.
        """
        try:
            return self.opened()[0]
        except PolicyError as error:
            if self.named:
                raise
            click.echo(f"{called()}: only what is public is shown: {error}", err=True)
            return None


def at_audit(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the argument FILE and the options that name its keys; it gets them as `source`."""

    @click.argument("file", required=False)
    @click.option("--policy", metavar="FILE", help="A policy whose `audit` section names file, callers and key.")
    @click.option("--callers", metavar="FILE", help="The file with a key per caller. Default: FILE.keys.")
    @click.option(
        "--key-env",
        "variable",
        metavar="NAME",
        help=f"The environment variable with the secret. Default: what the file of callers holds, or {KEY_VARIABLE}.",
    )
    @wraps(function)
    def run(
        *arguments: object, file: str | None, policy: str | None, callers: str | None, variable: str | None,
        **options: object,
    ) -> int | None:  # fmt: skip
        return function(*arguments, source=named(file, policy, callers, variable), **options)

    return run


def named(file: str | None, policy: str | None, callers: str | None, variable: str | None) -> Source:
    """The audit that arguments and options name; what is typed goes before what the policy says."""
    from smcp_security.audit.callers.people import people_file
    from smcp_security.audit.reading.log import live_name

    section = _section(policy, needed=file is None)
    if variable is not None and (not variable.isidentifier() or not variable.isascii()):
        raise click.UsageError("--key-env: expected the name of an environment variable, never the secret itself")
    named_file = file if file is not None else section.file if section is not None else None
    if named_file is None:
        fail("no audit is named; expected FILE, or --policy FILE with audit.file")
    key = f"env:{variable}" if variable is not None else None if section is None else section.key
    path = _checked(named_file)
    beside = callers if callers is not None else None if section is None else section.callers
    signature = None if section is None else section.signature
    return Source(path, people_file(live_name(path), beside), key, signature, key is not None or beside is not None)


def fail(problem: str) -> NoReturn:
    """End the command that runs with one line and exit code 2."""
    raise Failure(called().removeprefix("smcp "), problem)


def called() -> str:
    """The command that runs, as it was typed."""
    return click.get_current_context().command_path


def _section(policy: str | None, *, needed: bool) -> AuditPolicy | None:
    """The `audit` section of a policy that was named; that of SMCP_POLICY only where nothing else names a file."""
    from smcp_security.policy.load import FILE_VARIABLE, resolve

    if policy is None and not (needed and FILE_VARIABLE in os.environ):
        return None
    with without_log():
        return resolve(policy, os.environ).audit


def _checked(file: str) -> str:
    """The path of what may be an audit file: it, or segments of it, are there."""
    from smcp_security.cli.audit.recognition import refusal

    if not file:
        fail("the name of the audit file is empty; expected FILE")
    path = os.path.abspath(file)
    problem = refusal(path)
    if problem:
        fail(f"{file}: {problem}")
    return path
