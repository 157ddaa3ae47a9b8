"""`run_proxy`: a server's command behind a policy, on this process's own stdin and stdout, to its exit code."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from smcp_security.adapters.local import local_facts
from smcp_security.adapters.stdio.child import Child
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.overheard import overhearing
from smcp_security.adapters.stdio.privacy import keep_private
from smcp_security.adapters.stdio.relay import Relay
from smcp_security.adapters.stdio.signals import Signals
from smcp_security.adapters.stdio.stderr import Words, words_to
from smcp_security.adapters.stdio.variables import Variable, handed_out, surroundings
from smcp_security.armed import PolicySource
from smcp_security.framework import SMCPSecurityFramework

_log: Final = logging.getLogger("smcp_security.stdio")


def run_proxy(policy: PolicySource, command: Sequence[str], variables: Sequence[Variable] = ()) -> int:
    """Serve until the server has ended; its exit code, 128 and the signal if one ended it.

    `variables` are secrets for the server alone. Must run in the main thread. Raises `NotStarted`, what
    `SMCPSecurityFramework` raises, and for a secret that there is not `VaultError`.
    """
    with own_streams() as client, words_to(2) as words:
        # A signal before there is a server simply ends us; afterwards the audit is closed before one can.
        framework = SMCPSecurityFramework(policy)
        with Signals() as signals, framework:
            return _served(framework, command, client, words, signals, variables)


def _served(
    framework: SMCPSecurityFramework,
    command: Sequence[str],
    client: tuple[int, int],
    words: Words,
    signals: Signals,
    variables: Sequence[Variable] = (),
) -> int:
    if not keep_private():
        _log.warning("the server may read this process's environment, SMCP_CREDENTIAL in it; see docs/proxy.md")
    environment = {**surroundings(os.environ, framework.policy), **handed_out(framework, variables)}
    with overhearing(2, framework.sought, needed=bool(variables)) as ear:
        child = Child(command, environment, None if ear is None else ear.writes)
        try:
            if ear is not None:
                ear.begin()
            words.begin()
            limits = framework.policy.server.max_body, framework.policy.results.max_size
            return Relay(Conversation(framework, local_facts()), client, child, signals, limits).run()
        finally:
            child.end()


@contextmanager
def own_streams() -> Iterator[tuple[int, int]]:
    """Our stdin and stdout for MCP alone: what else reads finds nothing, and what else writes does so to stderr."""
    kept = _kept(0, os.O_RDONLY), _kept(1, os.O_WRONLY)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    try:
        yield kept
    finally:
        for number, fd in enumerate(kept):
            os.dup2(fd, number)
            os.close(fd)


def _kept(number: int, mode: int) -> int:
    try:
        return os.dup(number)
    except OSError:  # closed by whoever started us
        return os.open(os.devnull, mode)
