"""The stdio proxy, by the lines that it would read from its pipes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.adapters.local import local_facts
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.lines import Line, LineReader, Part
from tests.acceptance.fate import Edge, Fate, Run, answered, judged
from tests.acceptance.obedient import Obedient
from tests.acceptance.table import Sees, Sent


class _Overheard:
    """The framework, and the verdict that it gave last: of a notification that is dropped nobody is told."""

    def __init__(self, security: SMCPSecurityFramework) -> None:
        self._security = security
        self.decision: Decision | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._security, name)

    def inspect_sync(self, *given: Any, **named: Any) -> Decision:
        """The framework's own verdict."""
        self.decision = self._security.inspect_sync(*given, **named)
        return self.decision


@asynccontextmanager
async def _opened(security: SMCPSecurityFramework) -> AsyncIterator[Run]:
    house = Obedient()

    async def run(sent: Sent) -> Fate:
        # A conversation of its own: nobody answers, and two open requests may not have one id.
        overheard: Any = _Overheard(security)
        conversation = Conversation(overheard, local_facts())
        [line] = LineReader(security.policy.server.max_body).feed(sent.raw + b"\n")
        said = conversation.from_client(line)
        if not said.server and not said.client:
            return judged(overheard.decision)
        if not said.server:
            return answered((), said.client)
        answer = json.dumps(house.answer(json.loads(said.server))).encode()
        told = conversation.from_server(Line(answer, Part.WHOLE)).client
        return answered((said.server.removesuffix(b"\n"),), told)

    yield run


STDIO: Final = Edge("stdio proxy", Sees.BYTES, _opened)
