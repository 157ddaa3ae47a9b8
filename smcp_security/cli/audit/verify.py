"""`smcp audit verify`: reads the whole chain, and says what it proves or where it is broken first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.audit.progress import progress
from smcp_security.cli.audit.recognition import refusal
from smcp_security.cli.audit.source import fail, named
from smcp_security.cli.audit.verdict import facts, print_report
from smcp_security.cli.output import format_option, print_json
from smcp_security.errors import PolicyError

if TYPE_CHECKING:
    from smcp_security.audit.proof import Proof
    from smcp_security.audit.proving.report import Report
    from smcp_security.audit.proving.witness import Witness

NOT_WHOLE: Final = 1


@click.command("verify")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--policy", metavar="FILE", help="A policy whose `audit` section names file, callers and key.")
@click.option("--callers", metavar="FILE", help="The file with a key per caller. Default: FILE.keys.")
@click.option("--key-env", "variable", metavar="NAME", help="The environment variable with the secret.")
@click.option("--public-key", "public", metavar="HEX", help="What `smcp audit key` prints, in the place of the secret.")
@click.option("--no-key", is_flag=True, help="Check the hashes alone: that proves little, and the output says what.")
@click.option(
    "--checkpoint", "kept", metavar="FILE", help="Checkpoints kept elsewhere, one a line; - for stdin. Each must hold."
)
@click.option("--all", "every", is_flag=True, help="Read on behind the first bad record, and name all of them.")
@format_option
def command(
    files: tuple[str, ...], policy: str | None, callers: str | None, variable: str | None, public: str | None,
    no_key: bool, kept: str | None, every: bool, form: str,
) -> int | None:  # fmt: skip
    """Prove that no record was changed, dropped, put in, repeated or moved; name the first bad one if there is.

    \b
      smcp audit verify audit.jsonl
      smcp audit verify audit.jsonl --checkpoint kept-elsewhere.txt
      smcp audit verify audit.jsonl.2 audit.jsonl.1 audit.jsonl     (rotated by another tool: oldest first)

    One FILE stands for itself and its segments (FILE.000001 and on). Whoever cuts off the newest records leaves no
    trace in the rest: only --checkpoint proves the end. Exit code 0: whole, 1: changed or cut, 2: usage, or a file or
    key that cannot be used, 3: a damaged file of callers.
    """
    if no_key and (public is not None or variable is not None):
        raise click.UsageError("--no-key goes with neither --key-env nor --public-key")
    if public is not None and variable is not None:
        raise click.UsageError("--key-env and --public-key exclude each other")
    names, proof = _proof(files, policy, callers, variable, public, no_key=no_key)
    report = _verified(names, proof, _witnesses(kept, proof), every=every)
    if form == "json":
        print_json(facts(names[-1], report))
    else:
        print_report(names[-1], report, every=every)
    return None if report.whole else NOT_WHOLE


def _proof(
    files: Sequence[str], policy: str | None, callers: str | None, variable: str | None, public: str | None,
    *, no_key: bool,
) -> tuple[Sequence[str], Proof]:  # fmt: skip
    """The files to read, and what proves their lines."""
    from smcp_security.audit.proof import Proof
    from smcp_security.audit.reading.log import live_name

    for file in files:
        problem = refusal(file)
        if problem:
            fail(f"{file}: {problem}")
    source = named(live_name(files[-1]) if files else None, policy, callers, variable)
    names = list(files) or [source.file]
    if no_key:
        return names, Proof()
    if public is not None:
        return names, Proof(public=public)
    try:
        return names, Proof.of(source.opened("ed25519")[1])
    except PolicyError as error:
        fail(f"{error}; without any key, --no-key checks the hashes alone")


def _witnesses(kept: str | None, proof: Proof) -> list[Witness]:
    from smcp_security.audit.proving.witness import read_witnesses

    if kept is None:
        return []
    try:
        if kept == "-":
            return read_witnesses(sys.stdin.buffer.read(), proof, "stdin")
        with open(kept, "rb") as file:
            return read_witnesses(file.read(), proof, kept)
    except OSError as error:
        fail(f"--checkpoint {kept}: cannot be read: {error.strerror}")


def _verified(names: Sequence[str], proof: Proof, witnesses: list[Witness], *, every: bool) -> Report:
    from smcp_security.audit.proving.verification import Verifier
    from smcp_security.audit.reading.log import is_segment, open_log

    log = open_log(names)
    verifier = Verifier(proof, witnesses=witnesses, beginning=not is_segment(names[0]))
    with progress("verify", lambda: log.size) as told:
        for block in log.blocks(told):
            verifier.feed(block)
            if verifier.settled and not every:
                return verifier.finish(complete=False)
    return verifier.finish()
