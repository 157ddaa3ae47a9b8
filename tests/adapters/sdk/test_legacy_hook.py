"""The wrapping of a low-level server of SDK 1.x is refused where the server is not built as it is known."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security import Misplaced
from smcp_security.adapters.sdk.guard import Guard
from smcp_security.adapters.sdk.legacy import secure_run, secured


class _AsKnown:
    async def run(
        self, read_stream: Any, write_stream: Any, initialization_options: Any, stateless: bool = False
    ) -> None:
        """Serve."""

    async def _handle_request(
        self, message: Any, req: Any, session: Any, lifespan_context: Any, raise_exceptions: Any
    ) -> None:
        """Serve one request."""


class _OtherRun(_AsKnown):
    async def run(self, streams: Any) -> None:  # type: ignore[override]
        """Serve."""


class _OtherRequests(_AsKnown):
    _handle_request = None  # type: ignore[assignment]


def test_a_server_as_it_is_known_is_wrapped() -> None:
    server, guard = _AsKnown(), Guard({})
    assert secured(server) is None
    secure_run(server, guard)
    assert secured(server) is guard


@pytest.mark.parametrize("kind", [_OtherRun, _OtherRequests])
def test_a_server_of_another_shape_stops_the_start(kind: type) -> None:
    with pytest.raises(Misplaced, match=r"low-level server of mcp \S+ is not the one .* \(tried with 1\.30\)"):
        secure_run(kind(), Guard({}))
