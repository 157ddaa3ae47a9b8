"""`smcp check`: one message from a file, judged by the framework as a server would. Never shows what it holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.environment import without_overrides
from smcp_security.cli.output import Failure, format_option, paragraph, print_json, without_log

if TYPE_CHECKING:
    from smcp_security.decision import Decision, Finding
    from smcp_security.policy import Policy

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@click.command("check")
@click.argument("file")
@click.option("--policy", metavar="FILE", help="The policy. Default: SMCP_POLICY, or the built-in defaults.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header of the request; repeat for more. Give all of them, Host and Content-Type too, or none: with any, "
    "the transport is judged as well.",
)
@click.option("--address", default="", help="The address of the sender.")
@click.option("--user", default="", help="The label of the user, for limits.")
@format_option
@click.pass_context
def command(
    context: click.Context,
    file: str,
    policy: str | None,
    headers: Sequence[str],
    address: str,
    user: str,
    form: str,
) -> int:
    """Judge the one message in FILE (- for stdin). Exit code 0: allowed, 1: denied, 2: FILE or policy is unusable.

    The bytes are judged as a server would get them: a final line break is fine, UTF-16 is a finding. Nothing is
    written to the policy's audit, and no message is sent anywhere.
    """
    fields = _fields(headers, context)
    effective = _policy(policy)
    raw = _read(file, effective.server.max_body)
    decision = _judged(raw, effective, {"user_id": user, "ip_address": address, "headers": fields})
    if form == "json":
        print_json(_facts(decision))
    else:
        click.echo(_told(decision))
    return 0 if decision.allowed else 1


def _fields(headers: Sequence[str], context: click.Context) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, header in enumerate(headers, start=1):
        name, colon, value = header.partition(":")
        name = name.strip().lower()
        if not colon or not name or not name.isascii() or not value.isprintable():
            raise click.UsageError(f"--header number {number}: expected 'Name: value' in printable text", context)
        if name in fields:
            raise click.UsageError(f"--header number {number}: {name[:40]!r} is given twice; give it once", context)
        fields[name] = value.strip()
    return fields


def _policy(path: str | None) -> Policy:
    """The policy in force, without its audit: a trial must not stand in the record of what really happened."""
    from smcp_security.policy import AuditPolicy, resolve

    return resolve(path, os.environ).model_copy(update={"audit": AuditPolicy()})


def _read(file: str, most: int) -> bytes:
    """The bytes of the message, at most `most` and one more: enough to see that they are too many."""
    shown = "stdin" if file == "-" else file
    try:
        if file == "-":
            # None where the shell closed it.
            raw = b"" if sys.stdin is None else sys.stdin.buffer.read(most + 1)
        else:
            with open(file, "rb") as source:
                raw = source.read(most + 1)
    except (OSError, ValueError) as error:
        raise Failure("check", f"{shown!r}: {_problem(error)}; expected a file with one JSON-RPC message") from None
    if not raw.strip():
        raise Failure("check", f"{shown}: empty; expected one JSON-RPC message")
    if not _is_text(raw):
        raise Failure("check", f"{shown}: binary data; expected one JSON-RPC message as a client sends it")
    return raw


def _problem(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "a directory"
        case PermissionError():
            return "not readable for this user"
        case _:
            return "cannot be read"


def _is_text(raw: bytes) -> bool:
    """Whether somebody could mean it as a message: UTF-8, or what begins like JSON in whatever encoding."""
    try:
        raw[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < min(len(raw), 4096) - 4:
            start = next((raw.removeprefix(mark) for mark in _MARKS if raw.startswith(mark)), raw)
            return start.lstrip(b"\0 \t\r\n")[:1] in (b"{", b"[")
    return b"\0" not in raw[:4096] or raw.lstrip(b"\0 \t\r\n")[:1] in (b"{", b"[")


def _judged(raw: bytes, policy: Policy, given: Mapping[str, Any]) -> Decision:
    from smcp_security.framework import SMCPSecurityFramework

    # Its overrides are part of the policy already, and would bring the audit back.
    with without_log(), without_overrides(), SMCPSecurityFramework(policy) as security:
        return security.process_request_sync(raw, given)


def _facts(decision: Decision) -> dict[str, Any]:
    from smcp_security.cli.wire import shape

    answer = decision.answer
    found = shape(answer) if answer is not None else None
    message = decision.request
    return {
        "allowed": decision.allowed,
        "era": message.era.value if message is not None and message.revision else None,
        "revision": message.revision or None if message is not None else None,
        "findings": [_plain(finding) for finding in decision.findings],
        "answer": None
        if answer is None or found is None
        else {
            "status": found.status,
            "error": found.rpc,
            "tool_error": found.tool_error,
            "id": found.id,
            "headers": dict(answer.headers),
        },
    }


def _plain(finding: Finding) -> Mapping[str, str]:
    return {
        "code": finding.code,
        "slug": finding.slug,
        "where": finding.where,
        "severity": finding.severity.value,
        "action": finding.action.value,
        "hint": finding.hint,
    }


def _told(decision: Decision) -> str:
    from smcp_security.cli.wire import shape

    verdict = "allowed: the server gets it"
    if not decision.allowed:
        verdict = "denied" if decision.answer is None else f"denied: {shape(decision.answer)}"
    return "\n".join([verdict, *(_line(finding) for finding in decision.findings)])


def _line(finding: Finding) -> str:
    where = f" at {finding.where}" if finding.where else ""
    done = "blocks" if finding.action.value == "block" else "is reported"
    line = f"  {finding.code} {finding.slug} ({finding.severity.value}) {done}{where}"
    advice = _advice(finding)
    return f"{line}\n{paragraph('', advice, indent=4, width=0)}" if advice else line


def _advice(finding: Finding) -> str:
    """A rule's hint is its remediation; a check's hint says what would be accepted."""
    from smcp_security.codes import CODES

    if finding.code not in CODES:
        return finding.hint
    expected = f"Expected: {finding.hint}. " if finding.hint else ""
    return expected + CODES[finding.code].remediation
