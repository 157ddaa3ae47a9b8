"""The framework without HTTP: any transport that can hand over a message, here one JSON message a line on stdin.

Run: python examples/in_process.py < messages.jsonl
"""

from __future__ import annotations

import json
import sys

from smcp_security import SMCPSecurityFramework


def serve(message: bytes) -> bytes:
    """The server that is protected: it answers every request with its method."""
    request = json.loads(message)
    return json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": {"method": request["method"]}}).encode()


def main() -> None:
    """Judge each line; forward what is allowed, answer what is not, and judge what the server says."""
    with SMCPSecurityFramework({"version": 1, "results": {"max_size": "64KiB"}}) as security:
        for line in sys.stdin.buffer:
            decision = security.process_request_sync(line, {"user_id": "ann", "session_id": "stdio"})
            if isinstance(decision.message, bytes):
                result = security.process_response_sync(serve(decision.message), decision).message
                print(result.decode() if isinstance(result, bytes) else result)
            elif decision.answer is not None and decision.answer.body:
                print(decision.answer.body.decode())


if __name__ == "__main__":
    main()
