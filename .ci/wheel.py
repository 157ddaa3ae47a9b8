"""A first use of the installed wheel, with no extra and no source beside it: it decides, and it carries its rules."""

from __future__ import annotations

import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import smcp_security
from smcp_security import SMCPSecurityFramework

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
CALLER = {"ip_address": "127.0.0.1"}


def _call(text: str) -> dict[str, object]:
    return CALL | {"params": {"name": "search", "arguments": {"text": text}}}


def _answer(text: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}]}}


def _say(fact: str, holds: bool) -> None:
    print(f"{'ok' if holds else 'NOT OK'}: {fact}")
    if not holds:
        sys.exit(1)


def main() -> None:
    """Each fact on a line; the first that does not hold ends the run with exit code 1."""
    home = Path(smcp_security.__file__ or "").parent
    _say("the package comes from the environment", home.is_relative_to(sysconfig.get_path("purelib")))
    _say("it is typed", (home / "py.typed").is_file())
    _say("its rules are compiled", (home / "rules" / "compiled.json").is_file())
    _say("its masks are compiled", (home / "redaction" / "rules" / "compiled.json").is_file())
    with SMCPSecurityFramework() as security:
        honest = security.process_request_sync(_call("a quiet afternoon"), CALLER)
        hostile = security.process_request_sync(_call("x; cat /etc/passwd"), CALLER)
        told = security.process_response_sync(_answer("gh" + "p_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAbCd"), honest)
    _say("an honest call passes", honest.allowed)
    _say("an injected command is denied by a rule", any(each.code.startswith("SMCP6") for each in hostile.findings))
    _say("a token in a result is masked", "[redacted:github-token]" in str(told.message))
    _say("the denied call has an answer and no message", hostile.answer is not None and hostile.message is None)
    print(f"smcp-security {version('smcp-security')} on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
