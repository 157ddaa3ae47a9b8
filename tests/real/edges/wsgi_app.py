"""A Flask app that does to the edge what apps do: answers by JSON, streams, holds on, breaks, hands over files.

Streams wait for the tests by two pipes in `EDGE_DESK`, whichever process serves them: `release` lets one go on, and
`closed` tells that one was closed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_file

from smcp_security.adapters.wsgi import SMCPMiddleware

app = Flask(__name__)
DESK = Path(os.environ["EDGE_DESK"])
_STREAM = "text/event-stream"


@app.post("/mcp")
def mcp() -> Response:
    """A tool by the name of each thing that an app may do."""
    asked = request.get_json()
    if "method" not in asked:
        return Response(status=202)
    result = {"content": [{"type": "text", "text": json.dumps(asked.get("params", {}).get("arguments"))}]}
    answer = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "result": result})
    name = asked["params"]["name"]
    if name == "stream":
        return Response(_events(answer), content_type=_STREAM)
    if name == "break":
        raise RuntimeError("as a view breaks")
    if name == "break_late":
        return Response(_breaking(), content_type=_STREAM)
    if name == "file":
        with tempfile.NamedTemporaryFile(suffix=".json", delete=False) as file:
            file.write(answer.encode())
        return send_file(file.name, mimetype="application/json")
    return Response(answer, mimetype="application/json")


def _events(answer: str) -> Iterator[str]:
    try:
        yield f"data: {json.dumps(_progress('begun'))}\n\n"
        (DESK / "release").read_bytes()
        yield f"data: {answer}\n\n"
        while True:  # until the client is gone
            yield f"data: {json.dumps(_progress('on and on' * 1000))}\n\n"
    finally:
        (DESK / "closed").write_bytes(b"closed")


def _breaking() -> Iterator[str]:
    yield f"data: {json.dumps(_progress('begun'))}\n\n"
    raise RuntimeError("as a stream breaks")


def _progress(text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": text}}


@app.post("/upload")
def upload() -> str:
    """The size of what was sent."""
    return str(len(request.stream.read()))


app.wsgi_app = SMCPMiddleware(  # type: ignore[method-assign]
    app.wsgi_app,
    policy={"version": 1, "limits": [], "server": {"hosts": ["*"], "flood": "off"}, "results": {"max_size": "64KiB"}},
)
