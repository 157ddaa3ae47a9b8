"""`@secure_tool(redact=)`: what a function returns is masked as a policy would mask it, in a value of the same kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import fastmcp
import pytest
from fastmcp.exceptions import ToolError as OtherToolError
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field

from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.decorator import secure_tool
from smcp_security.contexts import in_process
from smcp_security.errors import PolicyError, SMCPDenied
from smcp_security.framework import SMCPSecurityFramework
from tests.adapters.tools.ledger import Ledger, ledger_policy

pytestmark = pytest.mark.anyio

# In parts, so that no scanner of this repository takes it for one.
TOKEN = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))
MAIL = "ann.smith@" + "harbour-post.de"
MASK = "[redacted:github-token]"
Make = Callable[..., Callable[..., Any]]


class Note(BaseModel):
    """A model as tools return them."""

    model_config = ConfigDict(extra="allow", frozen=True)
    title: str
    body: str = Field(default="", serialization_alias="text")


class Loud(BaseModel):
    """What it tells is not in its fields alone."""

    key: str = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shown(self) -> str:
        return f"it is {self.key}"


@dataclass(frozen=True)
class Row:
    """A dataclass whose fields may not be set."""

    name: str
    parts: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    """A named tuple."""

    first: str
    second: int


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A framework whose policy masks nothing, and whose audit can be read."""
    file = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    policy = {**ledger_policy(file), "results": {"redact": []}}
    with SMCPSecurityFramework(policy) as framework:
        yield Ledger(framework, file)


@pytest.fixture
def returning(security: Ledger) -> Make:
    """A guarded function that returns what it is given here."""

    def made(value: Any, kinds: Any = ("secrets",)) -> Callable[..., Any]:
        @secure_tool(redact=kinds, framework=security.framework)
        def look() -> Any:
            return value

        return look

    return made


# -- values of every kind ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (f"key {TOKEN} there", f"key {MASK} there"),
        ({"a": [1, {"b": TOKEN}], "c": "stays"}, {"a": [1, {"b": MASK}], "c": "stays"}),
        ([f"x {TOKEN}", "stays"], [f"x {MASK}", "stays"]),
        ((TOKEN, 1), (MASK, 1)),
        (Pair(TOKEN, 1), Pair(MASK, 1)),
        ({f"{TOKEN}"}, {MASK}),
        ({1: TOKEN, "two": [None, 2**70]}, {1: MASK, "two": [None, 2**70]}),
        ({TOKEN: "as a key"}, {MASK: "as a key"}),
        (TOKEN.encode(), MASK.encode()),
        (Note(title="t", body=f"see {TOKEN}"), Note(title="t", body=f"see {MASK}")),
        ([Note(title=TOKEN)], [Note(title=MASK)]),
        (Row("r", ["a", TOKEN]), Row("r", ["a", MASK])),
        (RootModel[list[str]]([TOKEN]), RootModel[list[str]]([MASK])),
        (TextContent(type="text", text=TOKEN), TextContent(type="text", text=MASK)),
        (
            EmbeddedResource(type="resource", resource=TextResourceContents(uri="a://b", text=TOKEN)),
            EmbeddedResource(type="resource", resource=TextResourceContents(uri="a://b", text=MASK)),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_masked_in_a_value_of_the_same_kind(returning: Make, value: Any, masked: Any) -> None:
    found = returning(value)()
    assert found == masked
    assert type(found) is type(value)
    assert TOKEN in repr(value)


@pytest.mark.parametrize(
    "value",
    [
        *("plain", "", None, 7, 1.5, Decimal("1.20"), b"bytes", {"a": [1, None]}, ["x"], ("x", 1), {"x"}),
        *({1: "x"}, 2**70, float("nan"), {"a": float("inf")}, Decimal("NaN"), "\u2028", Pair("x", 1)),
        *(Note(title="t"), Row("r"), object(), TextContent(type="text", text="plain")),
        ImageContent(type="image", data="aGk=", mime_type="image/png"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_nothing_is_the_very_object_that_was_returned(returning: Make, value: Any) -> None:
    assert returning(value)() is value


def test_content_and_structured_content_of_a_result_are_masked_alike(returning: Make) -> None:
    result = CallToolResult(
        content=[TextContent(type="text", text=f"key {TOKEN}")], structured_content={"key": f"key {TOKEN}"}
    )
    found = returning(result)()
    assert found.content[0].text == f"key {MASK}" == found.structured_content["key"]
    assert result.structured_content == {"key": f"key {TOKEN}"}


def test_extra_fields_of_a_model_are_masked_too(returning: Make) -> None:
    found = returning(Note(title="t", other=f"x {TOKEN}"))()
    assert found.model_dump() == {"title": "t", "body": "", "other": f"x {MASK}"}


def test_a_text_that_a_model_computes_is_withheld_if_it_holds_a_secret(returning: Make) -> None:
    with pytest.raises(SMCPDenied, match="SMCP709") as caught:
        returning(Loud(key=TOKEN))()
    assert TOKEN not in str(caught.value) and not caught.value.decision.allowed
    assert returning(fine := Loud(key="none"))() is fine


def test_a_value_that_json_cannot_hold_is_withheld(returning: Make) -> None:
    with pytest.raises(SMCPDenied, match="SMCP709"):
        returning(b"\xff\xfe")()


def test_keys_that_json_cannot_tell_apart_hide_nothing(returning: Make) -> None:
    with pytest.raises(SMCPDenied, match="SMCP709"):
        returning({1: TOKEN, "1": "plain"})()
    assert returning(fine := {1: "x", "2": "plain"})() is fine


def test_an_object_that_goes_out_as_its_text_is_masked_as_that(returning: Make) -> None:
    class Told:
        def __str__(self) -> str:
            return f"told {TOKEN}"

    assert returning([Told()])() == [f"told {MASK}"]


def test_only_the_kinds_that_are_named_are_masked(returning: Make) -> None:
    value = f"{TOKEN} of {MAIL}"
    assert returning(value)() == f"{MASK} of {MAIL}"
    assert returning(value, "email")() == f"{TOKEN} of [redacted:email]"
    assert returning(value, [])() is value


# -- functions of every kind -------------------------------------------------------------------------------------------


async def test_a_coroutine_is_masked_when_it_has_run(security: Ledger) -> None:
    @secure_tool(redact=["secrets"], framework=security.framework)
    async def look(text: str) -> str:
        await asyncio.sleep(0)
        return f"{text} {TOKEN}"

    assert await look("a") == f"a {MASK}"


async def test_each_item_of_a_generator_is_masked(security: Ledger) -> None:
    @secure_tool(redact=["secrets"], framework=security.framework)
    def items() -> Iterator[str]:
        yield f"x {TOKEN}"
        yield "plain"
        return TOKEN

    @secure_tool(redact=["secrets"], framework=security.framework)
    async def later() -> AsyncIterator[str]:
        yield TOKEN
        yield "plain"

    assert list(items()) == [f"x {MASK}", "plain"]
    assert [item async for item in later()] == [MASK, "plain"]
    running = items()
    assert next(running) == f"x {MASK}"
    running.close()


async def test_what_a_plain_function_has_not_made_yet_is_masked_as_it_comes(returning: Make) -> None:
    async def soon() -> str:
        return TOKEN

    async def items() -> AsyncIterator[str]:
        yield TOKEN

    assert list(returning(text for text in ("a", TOKEN))()) == ["a", MASK]
    assert await returning(soon())() == MASK
    assert [item async for item in returning(items())()] == [MASK]


# -- once, and written down --------------------------------------------------------------------------------------------


def test_what_was_masked_is_written_down_with_the_outcome(security: Ledger, returning: Make) -> None:
    with security.watching() as seen:
        returning({"key": TOKEN})()
    [outcome] = seen("outcome")
    assert outcome["result"] == "complete"
    assert [found["code"] for found in outcome["findings"]] == ["SMCP705"]
    assert TOKEN not in str(seen())


def test_a_withheld_value_is_written_down_as_withheld(security: Ledger, returning: Make) -> None:
    with security.watching() as seen, pytest.raises(SMCPDenied):
        returning(Loud(key=TOKEN))()
    [outcome] = seen("outcome")
    assert outcome["result"] == "withheld"
    assert "SMCP709" in [found["code"] for found in outcome["findings"]]


def _behind(security: SMCPSecurityFramework, tool: Callable[..., Any]) -> Any:
    """What a tool returns behind an edge that has judged its call."""
    params = {"name": "look", "arguments": {}}
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    decision = security.inspect_sync(in_process(message, {"ip_address": "127.0.0.1"}), edge="outside")
    assert decision.allowed
    with during(Exchange(security, decision)):
        return tool()


def test_an_edge_outside_that_masks_the_same_is_left_to_it(returning: Make, security: Ledger) -> None:
    value = f"{TOKEN} of {MAIL}"
    assert _behind(security.framework, returning(value)) == f"{MASK} of {MAIL}"
    policy = {"version": 1, "results": {"redact": ["secrets"]}}
    with SMCPSecurityFramework(policy) as outside:

        @secure_tool(redact=["secrets", "email"])
        def look() -> str:
            return value

        assert _behind(outside, look) == f"{TOKEN} of [redacted:email]"
        judged = outside.process_response_sync({"jsonrpc": "2.0", "id": 1, "result": {"content": []}}, _asked(outside))
        assert judged.allowed


def _asked(security: SMCPSecurityFramework) -> Any:
    params = {"name": "look", "arguments": {}}
    return security.process_request_sync({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def test_a_tool_that_the_policy_keeps_something_for_masks_by_itself() -> None:
    keep = [{"mask": "secrets", "tool": "lo*", "reason": "a vault's own page"}]
    with SMCPSecurityFramework({"version": 1, "results": {"redact": ["secrets"], "keep": keep}}) as outside:

        @secure_tool(redact=["secrets"])
        def look() -> str:
            return TOKEN

        assert _behind(outside, look) == MASK


def test_a_monitored_section_reports_and_masks_nothing() -> None:
    policy = {"version": 1, "mode": {"results": "monitor"}, "results": {"redact": []}}
    with SMCPSecurityFramework(policy) as watching:

        @secure_tool(redact=["secrets"], framework=watching)
        def look() -> str:
            return TOKEN

        assert look() == TOKEN


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["secret", ["secrets", "mail"], [1], [None], "github-token", True, 7])
def test_a_kind_that_there_is_not_is_an_error_at_decoration(wrong: Any) -> None:
    with pytest.raises(PolicyError, match=r"secure_tool\(look\): redact: .* there are: secrets, email"):

        @secure_tool(redact=wrong)
        def look() -> str:
            return ""


def test_every_kind_of_the_policy_can_be_named() -> None:
    @secure_tool(redact=["ip", "national_id", "iban", "card", "phone", "email", "secrets"])
    def look() -> str:
        return ""

    assert look.__name__ == "look"


# -- on servers --------------------------------------------------------------------------------------------------------


def _served_by(kind: str, security: SMCPSecurityFramework) -> Any:
    server: Any = MCPServer("masks", log_level="CRITICAL") if kind == "mcp" else fastmcp.FastMCP("masks")
    guarded = secure_tool(redact=["secrets"], framework=security)

    def look() -> Note:
        return Note(title=TOKEN)

    def crash() -> str:
        raise (ToolError if kind == "mcp" else OtherToolError)(f"no {TOKEN}")

    async def protocol() -> str:
        raise MCPError(code=-32000, message=f"no {TOKEN}", data={"why": TOKEN})

    def honest() -> str:
        raise (ToolError if kind == "mcp" else OtherToolError)("no such note")

    for tool in (look, crash, protocol, honest):
        server.tool()(guarded(tool))
    return getattr(server, "_lowlevel_server", None) or server._mcp_server


@pytest.mark.parametrize("kind", ["mcp", "fastmcp"])
async def test_a_server_sends_what_the_decorator_has_masked_and_tells_no_secret_of_an_error(
    kind: str, security: Ledger
) -> None:
    async with Client(_served_by(kind, security.framework)) as client:
        look = await client.call_tool("look", {})
        crash, honest = await client.call_tool("crash", {}), await client.call_tool("honest", {})
        assert look.structured_content["title"] == MASK and MASK in look.content[0].text
        assert crash.is_error and MASK in crash.content[0].text and TOKEN not in str(crash)
        assert honest.is_error and "no such note" in honest.content[0].text
        try:
            told = str(await client.call_tool("protocol", {}))
        except MCPError as error:
            told = f"{error.error}"
        assert MASK in told and TOKEN not in told


def test_code_that_calls_a_tool_gets_the_error_as_it_was_raised(security: Ledger) -> None:
    error = ValueError(TOKEN)

    @secure_tool(redact=["secrets"], framework=security.framework)
    def crash() -> str:
        raise error

    with pytest.raises(ValueError) as caught:
        crash()
    assert caught.value is error
