"""Flask with MCP among its own views; run it with `gunicorn examples.flask_app:app`."""

from __future__ import annotations

import json

from flask import Flask, Response, request

from smcp_security.adapters.wsgi import SMCPMiddleware

ABOUT = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "a", "version": "1"}}
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
KNOWN = {"initialize": ABOUT, "ping": {}, "tools/list": {"tools": [{"name": "find_book", "inputSchema": SCHEMA}]}}
app = Flask(__name__)


@app.get("/health")
def health() -> str:
    """Not MCP, so it is left alone."""
    return "ok"


@app.post("/mcp")
def mcp() -> Response:
    """Answer one message: a tool's call by a stream of events, all else by JSON."""
    asked = request.get_json()
    if "id" not in asked:
        return Response(status=202)
    answer = {"jsonrpc": "2.0", "id": asked["id"]}
    if asked["method"] == "tools/call":
        found = f"{asked['params']['arguments'].get('title')}: shelf 7"
        event = json.dumps({**answer, "result": {"content": [{"type": "text", "text": found}]}})
        return Response([f"data: {event}\n\n"], mimetype="text/event-stream")
    known = asked["method"] in KNOWN
    told = {"result": KNOWN[asked["method"]]} if known else {"error": {"code": -32601, "message": "no such method"}}
    return Response(json.dumps({**answer, **told}), mimetype="application/json")


app.wsgi_app = SMCPMiddleware(app.wsgi_app)
