"""`smcp test`: cases against a policy, as unit tests are for code. Asks nothing outside and changes nothing."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.output import print_json, without_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smcp_security.cli.test.cases import Cases
    from smcp_security.cli.test.report import Played, Run
    from smcp_security.cli.test.trial import Ground
    from smcp_security.policy import Policy


@click.command("test")
@click.argument("policy")
@click.argument("cases")
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True,
              help="Text for people, JSON for programs, JUnit for CI servers.")  # fmt: skip
@click.option("--coverage/--no-coverage", default=True, show_default=True,
              help="Also tell which rules of the policy no case holds in place.")  # fmt: skip
@click.option("--fail-under", type=click.IntRange(0, 100), default=0, metavar="PERCENT",
              help="Exit code 1 if fewer rules are covered.")  # fmt: skip
def command(policy: str, cases: str, form: str, coverage: bool, fail_under: int) -> int:
    """Play the CASES of a YAML file against a POLICY. Exit code 0: all as expected, 1: not, 2: a file is unusable.

    Each case starts anew: no case sees what another has used up of a limit. Who calls is what the case says, no
    credential is asked for. Store, issuers, vault and audit of the policy are left alone, and so are SMCP_ variables.

    \b
      smcp test policy.yaml cases.yaml
      smcp test policy.yaml cases.yaml --format junit > report.xml
    """
    from smcp_security.cli.test import report

    if fail_under and not coverage:
        raise click.UsageError("--fail-under needs --coverage", click.get_current_context())
    run = _run(policy, cases, coverage)
    if form == "json":
        print_json(report.as_facts(run))
    else:
        click.echo(report.as_junit(run) if form == "junit" else report.as_text(run))
    return 1 if run.failed or _percent(run) < fail_under else 0


def _percent(run: Run) -> float:
    if not run.rules:
        return 100.0
    return 100 * sum(rule.covered is True for rule in run.rules) / len(run.rules)


def _run(policy_file: str, cases_file: str, covers: bool) -> Run:
    from smcp_security.cli.environment import without_settings
    from smcp_security.cli.test.cases import read_cases
    from smcp_security.cli.test.coverage import coverage
    from smcp_security.cli.test.report import Run
    from smcp_security.cli.test.trial import Ground, standing_alone
    from smcp_security.policy import Policy
    from smcp_security.policy.source import read

    with without_log(), without_settings():
        cases, lines = read_cases(cases_file)
        policy = standing_alone(Policy.load(policy_file))
        _warn_of_roles(policy, cases, lines, cases_file)
        ground = Ground(policy, _tools(cases, cases_file), cases.hosts)
        played = _played(cases, lines, ground)
        rules = None
        if covers:
            verdicts = {each.name: each.verdict for each in played}
            rules = coverage(read(policy_file)[0], cases.cases, verdicts, ground, _progress)
    return Run(policy_file, cases_file, played, rules)


def _played(cases: Cases, lines: Mapping[str, int], ground: Ground) -> list[Played]:
    from smcp_security.cli.test.report import Played
    from smcp_security.cli.test.trial import bench, meets, play

    played = []
    with bench(ground) as security:
        for case in cases.cases:
            began = time.perf_counter()
            verdict = play(case, security, ground.tools)
            spent = time.perf_counter() - began
            played.append(Played(case.name, lines[case.name], verdict, meets(case, verdict), spent))
    return played


def _warn_of_roles(policy: Policy, cases: Cases, lines: Mapping[str, int], file: str) -> None:
    """A role that is misspelt may nothing: a refusal that is expected of it proves nothing."""
    known = set(policy.roles or ())
    for case in cases.cases if policy.roles is not None else ():
        for role in case.caller.roles if case.caller is not None else ():
            if role not in known:
                known.add(role)
                click.echo(
                    f"smcp test: warning: {file}:{lines[case.name]}: the policy has no role {role[:80]!r}", err=True
                )


def _tools(cases: Cases, cases_file: str) -> list[dict[str, Any]]:
    """The tools of the file that the cases name, which lies beside them."""
    from smcp_security.cli.listed import read_tools

    return [] if cases.tools is None else read_tools("test", os.path.join(os.path.dirname(cases_file), cases.tools))


def _progress(done: int, all_: int) -> None:
    if sys.stderr is not None and sys.stderr.isatty() and all_ > 20:
        # What is printed next stands in its place.
        click.echo(f"\r{f'  {done} of {all_} rules left out':60}\r", nl=False, err=True)
