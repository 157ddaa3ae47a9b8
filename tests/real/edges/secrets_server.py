"""Tools with secrets on each SDK: `SDK PLACE`, the policy from SMCP_POLICY. It prints `listening PORT`.

SDK is `legacy` (mcp 1.x), `modern` (mcp 2.x) or `fastmcp`; PLACE is `alone`, `behind` the middleware, or `secured` by
the hooks of the SDK. What is logged goes to the file that SMCP_TEST_LOG names, without DEBUG lines: there SDK 1.x
writes what a tool tells the client on the way, before any edge sees it. No future annotations here: the class of the
context is only known when a server is made.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import sys
from typing import Any

import uvicorn
from pydantic import SecretStr

from smcp_security import SMCPMiddleware
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk.secure import secure
from tests.real.edges.decorated_server import app_of, server_of


def digest(text: str) -> str:
    """What a tool may say of a secret."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tools_of(context: Any) -> list[Any]:
    """All of them; made once the SDK is there, as where it is imported at the top."""
    guarded = secure_tool(secrets={"token": "token"})
    return [*_using(guarded), *_telling(guarded, context), *_methods(guarded)]


def _using(guarded: Any) -> list[Any]:
    @guarded
    def use(token: str, path: str, count: int = 1) -> str:
        """Use it."""
        return f"{path} {count} {digest(token)}"

    @guarded
    async def use_later(path: str, token: str = "unset") -> str:
        """Use it in a coroutine."""
        await asyncio.sleep(0)
        return f"{path} {digest(token)}"

    @secure_tool(secrets={"token": "vault://deploy"})
    async def use_own(token: str) -> str:
        """Use the one of the caller's tenant."""
        await asyncio.sleep(0)
        return digest(token)

    @secure_tool(secrets={"token": "gone"})
    def use_missing(token: str) -> str:
        """Use what is not there."""
        raise AssertionError

    return [use, use_later, use_own, use_missing]


def _telling(guarded: Any, context: Any) -> list[Any]:
    @guarded
    def tell(token: str) -> str:
        """Return it."""
        return f"it is {token}."

    @guarded
    def tell_rows(token: str) -> list[dict[str, str]]:
        """Return it in parts of a value."""
        return [{"text": token, "hex": token.encode().hex()}, {token: "a"}]

    @guarded
    def crash(token: str) -> str:
        """Raise it."""
        raise LookupError(f"no user has {token} here")

    @guarded
    async def crash_later(token: str) -> str:
        """Raise it in a coroutine."""
        raise LookupError(f"no user has {token} here")

    @guarded
    async def log(token: str, ctx: context) -> str:  # type: ignore[valid-type]
        """Tell the client of it on the way."""
        await ctx.report_progress(1, 2, f"with {token}")
        return "told"

    return [tell, tell_rows, crash, crash_later, log]


def _methods(guarded: Any) -> list[Any]:
    class House:
        @guarded
        def of_house(self, token: SecretStr, path: str = "a") -> str:
            """Use it in a method."""
            return f"{path} {digest(token.get_secret_value())}"

        @classmethod
        @guarded
        async def of_class(cls, token: bytes, path: str = "a") -> str:
            """Use it in a method of the class."""
            return f"{path} {digest(token.decode())}"

    house = House()
    return [house.of_house, house.of_class]


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(f"listening {self.servers[0].sockets[0].getsockname()[1]}", flush=True)


def main(sdk: str, place: str) -> None:
    """Serve until the end."""
    server, context = server_of(sdk)
    for tool in tools_of(context):
        server.tool()(tool)
    logging.basicConfig(filename=os.environ["SMCP_TEST_LOG"], level=logging.INFO, force=True)
    if place == "secured":
        secure(server)
    app = app_of(server)
    if place == "behind":
        app = SMCPMiddleware(app)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, ws="none", h11_max_incomplete_event_size=2**20
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_Server(config).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
