"""Calls of two callers through the framework, each a record of `audit.jsonl`. The README's audit section uses it.

Run, with keys of `smcp keys create --file keys.yaml` in the environment: python examples/audited_calls.py
"""

from __future__ import annotations

import json
import os
from typing import Any

from smcp_security import SMCPSecurityFramework

POLICY = {"version": 1, "identity": {"api_keys": {"file": "keys.yaml"}}, "audit": {"file": "audit.jsonl"}}
ANSWER = {"jsonrpc": "2.0", "result": {"content": [{"type": "text", "text": "nothing of that kind"}]}}
ASKED = ("shoes", "umbrellas", "../../etc/passwd; cat /etc/shadow")


def call(number: int, text: str) -> dict[str, Any]:
    """A call of the tool `search`."""
    params = {"name": "search", "arguments": {"text": text}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def main() -> None:
    """Judge and answer what each of them asks."""
    with SMCPSecurityFramework(POLICY) as security:
        for owner in ("ann", "bob"):
            context = {"api_key": os.environ[f"{owner.upper()}_KEY"], "ip_address": "127.0.0.1"}
            for number, text in enumerate(ASKED):
                decision = security.process_request_sync(call(number, text), context)
                if isinstance(decision.message, dict):
                    security.process_response_sync({**ANSWER, "id": number}, decision)
                print(json.dumps({"caller": owner, "asked": text, "allowed": decision.allowed}))


if __name__ == "__main__":
    main()
