"""A WSGI app that is guarded and counted: each answer says which worker process gave it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from smcp_security.adapters.wsgi import SMCPMiddleware
from smcp_security.metrics import exposition


def _served(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/metrics":
        body, kind = exposition()
    else:
        asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        result = {"content": [{"type": "text", "text": str(os.getpid())}]}
        body, kind = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode(), "application/json"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


app = SMCPMiddleware(
    _served,
    policy={
        "limits": [],
        "server": {"hosts": ["*"], "flood": "off"},
        "metrics": {"prometheus": True},
        "tools": {"echo": {"arguments": {"text": {"kind": "identifier"}}}},
    },
)
