"""Who uses a server that has no requests: one over its own standard input, or called by code. It is configured.

The specification wants no OAuth on stdio, and credentials from the environment (basic/authorization, "Protocol
Requirements"). One framework serves a whole process, so that its limits count once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Lock
from typing import Final

from smcp_security.contexts import RequestContext
from smcp_security.framework import SMCPSecurityFramework

CREDENTIAL: Final = "SMCP_CREDENTIAL"
"""The variable with the API key or token that every message of this process counts for."""
ADDRESS: Final = "stdio"
"""What stands in place of an address, in limits and in the audit."""

_changing: Final = Lock()
_own: list[SMCPSecurityFramework] = []


def local_facts(environ: Mapping[str, str] = os.environ) -> RequestContext:
    """What is known of whoever is at the other end of a pipe."""
    return RequestContext(ip_address=ADDRESS, token=environ.get(CREDENTIAL, ""))


def own_framework() -> SMCPSecurityFramework:
    """The framework of edges that were given none, from `SMCP_POLICY` or safe defaults; made at first use.

    Raises `PolicyError`, `KeyFileError` or `RulesError`.
    """
    with _changing:
        if not _own:
            _own.append(SMCPSecurityFramework())
        return _own[0]
