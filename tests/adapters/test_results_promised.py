"""`@secure_tool(redact=)`: what can be read but once is still there for the caller, and a mask that breaks what the
function promises to return withholds the value, as the edges do."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel, Field

from smcp_security.adapters.decorator import secure_tool
from smcp_security.errors import SMCPDenied
from smcp_security.framework import SMCPSecurityFramework

MAIL = "ann.smith@" + "harbour-post.de"
MASK = "[redacted:email]"
CARD = int("4539" + "578263621481")
Address = Annotated[str, Field(pattern="^[^@]+@[^@]+$")]


class Contact(BaseModel):
    """A model whose mask would not be one of it."""

    mail: Address


@pytest.fixture(scope="module")
def guarded() -> Callable[..., Any]:
    return secure_tool(redact=["email", "card"], framework=SMCPSecurityFramework({"version": 1}))


def _file(texts: list[str]) -> io.StringIO:
    return io.StringIO("\n".join(texts))


@pytest.mark.parametrize("read_once", [iter, lambda texts: map(str, texts), _file])
def test_what_can_be_read_but_once_is_there_for_whoever_called(guarded: Any, read_once: Any) -> None:
    def honest() -> Any:
        return read_once(["a", "b"])

    def masked() -> Any:
        return {"found": [read_once(["a", MAIL])]}

    assert [text.strip() for text in guarded(honest)()] == ["a", "b"]
    assert [text.strip() for text in guarded(masked)()["found"][0]] == ["a", MASK]


def test_a_list_that_holds_itself_is_withheld_and_not_searched_for_ever(guarded: Any) -> None:
    def knot() -> Any:
        found: list[Any] = [MAIL]
        found.append(found)
        return found

    with pytest.raises(SMCPDenied) as refused:
        guarded(knot)()
    assert refused.value.decision.findings[0].code == "SMCP709"


def _card() -> int:
    return CARD


def _cards() -> dict[str, int]:
    return {"card": CARD}


def _contacts() -> list[Contact]:
    return [Contact(mail=MAIL)]


def _known() -> Literal["ann.smith@harbour-post.de", "nobody"]:
    return "ann.smith@harbour-post.de"


@pytest.mark.parametrize("function", [_card, _cards, _contacts, _known])
def test_a_mask_that_breaks_what_a_function_promises_withholds_the_value(guarded: Any, function: Any) -> None:
    with pytest.raises(SMCPDenied) as refused:
        guarded(function)()
    assert refused.value.decision.findings[0].code == "SMCP709"
    assert MAIL not in str(refused.value) and str(CARD) not in str(refused.value)


def test_a_mask_that_keeps_the_promise_is_no_reason_to_withhold(guarded: Any) -> None:
    def texts() -> dict[str, str]:
        return {"mail": MAIL}

    def unread() -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
        return {"mail": MAIL}

    def broken() -> int:
        return MAIL  # type: ignore[return-value]

    def items() -> Iterator[str]:
        yield MAIL

    assert guarded(texts)() == guarded(unread)() == {"mail": MASK}
    assert (guarded(broken)(), list(guarded(items)())) == (MASK, [MASK])


@pytest.mark.anyio
async def test_a_client_is_told_that_a_call_ran_whose_masked_result_would_not_fit(guarded: Any) -> None:
    server = MCPServer("promises", log_level="CRITICAL")
    server.tool(name="cards")(guarded(_cards))
    async with Client(server) as client:
        with pytest.raises(MCPError, match="The call ran; its result was withheld"):
            await client.call_tool("cards", {})
