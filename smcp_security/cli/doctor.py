"""`smcp doctor`: which routes of an application look like MCP, and whether the policy stands in front of each."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import click

from smcp_security.cli.output import Failure, format_option, paragraph, print_json

_DOING: Final = {
    "": "its start",
    "policy": "the reading of the policy",
    "import": "its import",
    "startup": "its startup (lifespan)",
    "routes": "the look at its routes",
    "shutdown": "its shutdown (lifespan)",
}


@click.command("doctor")
@click.argument("target", required=False)
@click.option("--django", "settings", metavar="MODULE", help="A Django project, by its settings module.")
@click.option("--policy", metavar="FILE", help="The policy where the application names none. Default: SMCP_POLICY.")
@click.option("--offline", is_flag=True, help="Ask neither the shared store nor issuers whether they answer.")
@click.option("--strict", is_flag=True, help="Warnings count as findings.")
@click.option("--ignore", "ignored", multiple=True, metavar="CODE", help="Leave a finding out; repeat for more.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds that all of it may take.",
)
@format_option
def command(
    target: str | None,
    settings: str | None,
    policy: str | None,
    offline: bool,
    strict: bool,
    ignored: Sequence[str],
    timeout: float,
    form: str,
) -> int:
    """Check that every MCP route of TARGET is behind the policy. Exit code 0: it is, 1: findings, 2: cannot be loaded.

    TARGET is MODULE:APP, MODULE:FACTORY() or MODULE:SERVER: an ASGI or WSGI application, or a server object of an MCP
    SDK. It is imported and started as a server would do, in a process of its own, and serves nothing.

    \b
      smcp doctor mypackage.main:app
      smcp doctor --django mysite.settings --format json
    """
    from smcp_security.doctor.codes import CODES

    chosen = _chosen(target, settings)
    unknown = [code for code in ignored if code.upper() not in CODES]
    if unknown:
        raise click.UsageError(f"--ignore {unknown[0][:40]!r}: no such code; expected one of {', '.join(CODES)}")
    request = {"target": chosen, "django": target is None, "policy": policy, "offline": offline}
    report = _examined(request, timeout)
    left_out = {code.upper() for code in ignored}
    report["findings"] = [each for each in report["findings"] if each["code"] not in left_out]
    if form == "json":
        print_json(report)
    else:
        click.echo(_told(report))
    return int(any(strict or each["level"] == "error" for each in report["findings"]))


def _chosen(target: str | None, settings: str | None) -> str:
    if target is not None and settings is not None:
        raise click.UsageError("TARGET and --django exclude each other; leave one out")
    named = target or settings or os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not named:
        raise click.UsageError("expected MODULE:APP, or --django with a settings module")
    return named


def _examined(request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """The report of another process, which may do what it likes."""
    phase = ""
    report: dict[str, Any] | None = None
    for facts in _facts(request, timeout):
        phase = facts.get("phase", phase)
        report = facts.get("report", report)
        if "failure" in facts:
            raise Failure("doctor", f"{request['target']}: {facts['failure']}")
        if "hung" in facts and report is not None:
            report["findings"].append(_unended(facts["hung"]))
        elif "hung" in facts:
            problem = f"{_DOING[phase]} did not end in {timeout:g} s; expected an end of it, or --timeout with more"
            raise Failure("doctor", f"{request['target']}: {problem}")
    if report is None:
        raise Failure(
            "doctor", f"{request['target']}: the process ended during {_DOING[phase]}; run it by itself to see why"
        )
    return report


def _unended(seconds: float) -> dict[str, str]:
    from smcp_security.doctor.codes import CODES

    row = CODES["DOC051"]
    return {
        "code": row.code, "slug": row.slug, "level": row.level, "where": "lifespan",
        "detail": f"it did not end in {seconds:g} s", "meaning": row.meaning, "remedy": row.remedy,
    }  # fmt: skip


def _facts(request: Mapping[str, Any], timeout: float) -> Iterator[dict[str, Any]]:
    """What the process tells, until it has told all; `hung` if it does not in time."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "smcp_security.doctor", json.dumps(request), str(writer)]
    nowhere = subprocess.DEVNULL
    # A session of its own, so that what it has started ends with it.
    with (
        open(reader, "rb", buffering=0) as pipe,
        subprocess.Popen(
            command,
            pass_fds=[writer],
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
            env={**os.environ, "SMCP_DOCTOR": "1"},
        ) as process,
    ):
        os.close(writer)
        try:
            yield from _lines(pipe.fileno(), time.monotonic() + timeout, timeout)
        finally:
            # Gone by itself, with all that it had started.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _lines(descriptor: int, ends: float, timeout: float) -> Iterator[dict[str, Any]]:
    waiting = b""
    while True:
        if not select.select([descriptor], [], [], max(0.0, ends - time.monotonic()))[0]:
            yield {"hung": timeout}
            return
        chunk = os.read(descriptor, 65536)
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            facts = json.loads(line)
            if "end" in facts:
                return
            yield facts
        if not chunk:
            return


def _told(report: Mapping[str, Any]) -> str:
    lines = [f"{report['target']} ({report['kind']})", *_seen(report), *_findings(report["findings"])]
    errors = sum(each["level"] == "error" for each in report["findings"])
    warnings = len(report["findings"]) - errors
    lines.append(f"{_count(errors, 'finding')}, {_count(warnings, 'warning')}")
    return "\n".join(lines)


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _seen(report: Mapping[str, Any]) -> Iterator[str]:
    for route in report["routes"]:
        guard = "guarded" if route["guarded"] else "NOT GUARDED"
        methods = f" {','.join(route['methods'])}" if route["methods"] else ""
        yield f"  {guard:<11}  {route['path']}{methods}: {route['why']}"
    for route in report["unseen"]:
        if not route["guarded"]:
            yield f"  not seen     {route['path']}: {route['endpoint']} shows no routes"
    for server in report["servers"]:
        state = "judges calls by itself" if server["secured"] else "as safe as what stands in front of it"
        yield f"  server       {server['name']}: {state}"
    if not any(report[seen] for seen in ("routes", "unseen", "servers")):
        yield "  no route looks like MCP"


def _findings(findings: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Each code once, with all its places."""
    for code in dict.fromkeys(each["code"] for each in findings):
        alike = [each for each in findings if each["code"] == code]
        yield f"  {code} {alike[0]['slug']} ({alike[0]['level']})"
        for each in alike:
            yield paragraph("at", each["where"] + (f": {each['detail']}" if each["detail"] else ""), indent=4, width=2)
        yield paragraph("", f"{alike[0]['meaning']} {alike[0]['remedy']}", indent=4, width=2)
