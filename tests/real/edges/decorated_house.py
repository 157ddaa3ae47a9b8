"""Runs the server with decorated tools in a process of its own, on each SDK and transport."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from smcp_security.keys.issuing import create_key
from tests.audit.records import read_records
from tests.real.backends.processes import listening
from tests.real.house import Address
from tests.real.messages import Request, call, initialize
from tests.real.wire import Reply, ask
from tests.toolbox.shelf import ROOT

SDKS: Final = ("legacy", "modern", "fastmcp")
PROGRAM: Final = "tests.real.edges.decorated_server"


def python_of(sdk: str, request: pytest.FixtureRequest) -> str:
    """The interpreter that has the SDK."""
    return str(request.getfixturevalue("legacy")) if sdk == "legacy" else sys.executable


def command(python: str, sdk: str, *rest: str) -> list[str]:
    """The command line of the server."""
    return [python, "-m", PROGRAM, sdk, *rest]


def environment(policy: Path, **others: str) -> dict[str, str]:
    """Its environment."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "SMCP_POLICY": str(policy), **others}


@dataclass
class Lodge:
    """The files of one server: its policy, its audit, and the keys of two callers with different roles."""

    folder: Path
    keys: dict[str, str] = field(default_factory=dict)

    def policy(self, **others: Any) -> Path:
        """A policy in a file. The keys are made at first use."""
        file = self.folder / "keys.yaml"
        for owner, role in (("ann", "admin"), ("bob", "reader")):
            if owner not in self.keys:
                self.keys[owner] = create_key(str(file), owner=owner, roles=[role])[1]
        whole = {
            "version": 1,
            "identity": {"api_keys": {"file": str(file)}},
            "audit": {"file": str(self.folder / "audit.jsonl")},
            **others,
        }
        path = self.folder / "policy.yaml"
        path.write_text(json.dumps(whole))
        return path

    def audited(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind that the server has left."""
        return [record for record in read_records(self.folder / "audit.jsonl") if record["kind"] == kind]


@contextlib.contextmanager
def http_server(python: str, sdk: str, place: str, policy: Path) -> Iterator[Address]:
    """The server on a port, for the length of the block."""
    with listening(command(python, sdk, "http", place), environment(policy)) as port:
        yield Address(port)


@dataclass
class Visit:
    """One caller at a server, in a session where the SDK has sessions."""

    address: Address
    sdk: str
    key: str
    session: str = ""

    @property
    def _era(self) -> str:
        return "legacy" if self.sdk == "legacy" else "modern"

    async def begin(self) -> Visit:
        """Begin the session."""
        if self.sdk == "legacy":
            reply = await ask(self.address, self._borne(initialize()))
            self.session = reply.header("mcp-session-id") or ""
            assert self.session, reply.text
        return self

    async def call(self, tool: str, arguments: Mapping[str, Any] | None = None) -> Reply:
        """Call a tool."""
        options: dict[str, Any] = {"session": self.session} if self.session else {}
        return await ask(self.address, self._borne(call(self._era, tool, arguments, **options)))

    def _borne(self, request: Request) -> Request:
        request = request.named(f"127.0.0.1:{self.address.port}")
        return request.adding(("authorization", f"Bearer {self.key}")) if self.key else request


def refusal(reply: Reply) -> str:
    """The text of a refusal, be it an error of the protocol or a result; empty for a result that is none."""
    message = reply.message
    if "error" in message:
        return json.dumps(message["error"])
    result = message["result"]
    return str(result["content"][0]["text"]) if result.get("isError") else ""
