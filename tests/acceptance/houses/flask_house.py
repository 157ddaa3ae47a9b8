"""The obedient server as a Flask app behind the middleware; its policy is that of `SMCP_POLICY`."""

from __future__ import annotations

from flask import Flask, Response, request

from smcp_security.adapters.wsgi import SMCPMiddleware
from tests.acceptance.obedient import Obedient

app = Flask("obedient")
_house = Obedient()


@app.route("/", defaults={"path": ""}, methods=["GET", "POST", "DELETE"])
@app.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def everything(path: str) -> Response:
    """Whatever is asked, wherever."""
    fields = [name.lower() for name, _ in request.headers]
    said = _house.http(request.method, request.path, fields, request.get_data())
    return Response(said.body, said.status, list(said.headers))


app.wsgi_app = SMCPMiddleware(app.wsgi_app)  # type: ignore[method-assign]
