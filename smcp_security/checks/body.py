"""The body rung: read with a cap, then parsed strictly. Pure: the reading is a question."""

from __future__ import annotations

from smcp_security.checks.rung import Context, ReadBody, Run, Rung
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.message import parse
from smcp_security.policy import ServerPolicy
from smcp_security.strict_json import Malformed


def build(server: ServerPolicy) -> Rung:
    """The parse rung for a policy's server section."""

    def body(context: Context) -> Run[Outcome]:
        if context.http is not None and context.http.method != "POST":
            return CLEAN
        raw = context.raw
        if raw is None:
            raw = yield from ReadBody(server.max_body).ask()
        if raw is None:
            return denied("SMCP003")
        if len(raw) > server.max_body:
            return denied("SMCP104", hint=f"at most {server.max_body} bytes")
        try:
            return Outcome(edit=parse(raw, max_depth=server.max_depth))
        except Malformed as malformed:
            return denied(malformed.code)

    return body
