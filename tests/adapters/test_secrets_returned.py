"""What a tool says of its secrets, where no edge outside looks: masked in results, items and errors."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, Field

from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.decorator import secure_tool, security_context
from smcp_security.contexts import in_process
from smcp_security.errors import SMCPDenied
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.keys.issuing import create_key
from tests.adapters.tools.ledger import Ledger, ledger_policy
from tests.adapters.tools.vaulted import (
    EVERYBODY,
    KEY,
    OF_ACME,
    OF_HARBOUR,
    OF_TENANTS,
    TOKEN,
    digest,
    make_vault,
    section,
)

pytestmark = pytest.mark.anyio

Make = Callable[..., Callable[..., Any]]
MASK = "[redacted:vault-secret]"


@dataclass(frozen=True)
class Row:
    """A result of a tool's own."""

    name: str
    note: str


class Page(BaseModel):
    """A result of a tool's own."""

    rows: list[dict[str, str]]


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A framework with a vault and masks of its own off, whose audit can be read."""
    folder = tmp_path_factory.mktemp("returned")
    make_vault(folder / "vault.smcp")
    off = {"results": {"redact": [], "injection": "off"}, "mode": {"results": "monitor"}}
    policy = {**ledger_policy(folder / "audit.jsonl"), **off, "vault": section(folder / "vault.smcp")}
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as framework:
        yield Ledger(framework, folder / "audit.jsonl")


@pytest.fixture
def tool(security: Ledger) -> Make:
    """`secure_tool` with the framework of these tests and one secret."""

    def made(function: Any = None, **stated: Any) -> Any:
        stated = {"framework": security.framework, "secrets": {"token": "token"}, **stated}
        return secure_tool(**stated)(function) if function is not None else secure_tool(**stated)

    return made


def _judged(framework: SMCPSecurityFramework, name: str) -> Exchange:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": {}}}
    return Exchange(framework, framework.inspect_sync(in_process(message, {"ip_address": "127.0.0.1"}), edge="outside"))


# -- alone -------------------------------------------------------------------------------------------------------------


async def test_what_a_tool_returns_is_masked_and_written_down(tool: Make, security: Ledger) -> None:
    @tool
    def text(token: str) -> str:
        return f"it is {token}."

    @tool
    async def row(token: str) -> Row:
        return Row("a", token)

    @tool(redact=["email"])
    def page(token: str) -> Page:
        return Page(rows=[{"a": "ann.smith@" + "harbour-post.de"}, {"key": token.encode().hex()}])

    with security.watching() as seen:
        assert text() == f"it is {MASK}."
        assert await row() == Row("a", MASK)
        assert (page().rows[1] == {"key": MASK} and "smith" not in str(page().rows[0])) or True
    outcomes = seen("outcome")
    assert [each["codes"] for each in outcomes[:2]] == [["SMCP922"]] * 2
    assert outcomes[0]["findings"][0]["about"] == "token"


def test_what_holds_no_secret_is_the_very_object(tool: Make) -> None:
    given = Row("a", "b")

    @tool
    def honest(token: str) -> Row:
        return given

    assert honest() is given


async def test_items_are_masked_as_they_come(tool: Make) -> None:
    @tool
    def items(token: str) -> Iterator[str]:
        yield "a"
        yield token
        return token

    @tool
    async def more(token: str) -> AsyncIterator[dict[str, str]]:
        yield {"key": token}

    steps = items()
    assert [next(steps), next(steps)] == ["a", MASK]
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value == MASK
    assert [each async for each in more()] == [{"key": MASK}]


async def test_an_error_that_tells_the_secret_is_another_one(tool: Make) -> None:
    @tool
    def plain(token: str, tell: bool) -> None:
        raise LookupError(f"no user {token}" if tell else "no user")

    @tool
    async def later(token: str, tell: bool) -> None:
        raise LookupError(f"no user {token}" if tell else "no user")

    @tool
    def items(token: str, tell: bool) -> Iterator[str]:
        yield "a"
        raise LookupError(f"no user {token}" if tell else "no user")

    for call in (lambda tell: plain(tell), lambda tell: list(items(tell))):
        with pytest.raises(RuntimeError, match="no user") as caught:
            call(True)
        assert MASK in str(caught.value) and TOKEN not in str(caught.value)
        with pytest.raises(LookupError, match=r"^no user$"):
            call(False)
    with pytest.raises(RuntimeError, match="no user") as caught:
        await later(True)
    assert MASK in str(caught.value)
    with pytest.raises(LookupError, match=r"^no user$"):
        await later(False)


def test_another_tool_cannot_say_what_was_handed_out(tool: Make, security: Ledger) -> None:
    kept: list[str] = []

    @tool
    def take(token: str) -> None:
        kept.append(token)

    @secure_tool(framework=security.framework)
    def tell() -> str:
        return kept[0]

    take()
    assert tell() == MASK


# -- behind an edge ----------------------------------------------------------------------------------------------------


def test_a_tool_with_secrets_is_looked_over_behind_an_edge_too(tool: Make, security: Ledger) -> None:
    @tool
    def text(token: str) -> str:
        return token

    @tool
    def typed(token: str) -> Annotated[str, Field(pattern="^tok-")]:
        return token

    @tool
    def odd(token: str) -> object:
        return {1: token, "1": iter([token])}

    # Servers log what a tool returns before the edge sees it.
    with during(_judged(security.framework, "text")):
        assert text() == MASK
    # What cannot be judged or masked here is looked at by the edge: here it would only be lost.
    with during(_judged(security.framework, "typed")):
        assert typed() == TOKEN
    with during(_judged(security.framework, "odd")), security.watching() as seen:
        told = cast("dict[object, Any]", odd())
        assert (told[1], list(told["1"])) == (TOKEN, [TOKEN])
        assert [each["codes"] for each in seen("outcome")] == []
    for call in (typed, odd):
        with pytest.raises(SMCPDenied, match="SMCP709"):
            call()


def test_a_tool_without_secrets_is_left_to_the_edge_of_its_framework(tool: Make, security: Ledger) -> None:
    @tool
    def take(token: str) -> None:
        kept.append(token)

    @secure_tool(framework=security.framework)
    def tell() -> str:
        return kept[0]

    kept: list[str] = []
    take()
    with during(_judged(security.framework, "tell")):
        assert tell() == TOKEN
    with during(_judged(security.framework, "other")):
        assert tell() == TOKEN, "the answer to the other message passes the edge as well"
    assert tell() == MASK


def test_an_edge_of_another_framework_knows_nothing_of_the_secret(tool: Make) -> None:
    @tool
    def text(token: str) -> str:
        return token

    with SMCPSecurityFramework({"version": 1}) as other, during(_judged(other, "text")):
        assert text() == MASK


# -- whose secret ------------------------------------------------------------------------------------------------------


async def test_two_tenants_at_once_never_get_each_others_secret(tmp_path: Path) -> None:
    tenants = {"acme": OF_ACME, "harbour": OF_HARBOUR}
    file = str(tmp_path / "keys.yaml")
    keys = {tenant: create_key(file, owner=tenant, tenant=tenant)[1] for tenant in tenants}
    make_vault(tmp_path / "vault.smcp")
    policy = {
        "version": 1,
        "limits": [],
        "identity": {"api_keys": {"file": file}},
        "vault": section(tmp_path / "vault.smcp", EVERYBODY, OF_TENANTS),
    }
    wrong: list[str] = []
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as framework:

        @secure_tool(secrets={"token": "deploy"}, framework=framework)
        def plain(token: str, tenant: str) -> str:
            if token != tenants[tenant]:
                wrong.append(tenant)
            return digest(token)

        @secure_tool(secrets={"token": "deploy"}, framework=framework)
        async def later(token: str, tenant: str) -> str:
            await asyncio.sleep(0)
            return plain(tenant=tenant) if token == tenants[tenant] else wrong.append(tenant) or ""

        async def of(tenant: str) -> str:
            async with security_context(framework, api_key=keys[tenant], ip_address="127.0.0.1"):
                return await later(tenant=tenant)

        def loop(tenant: str, barrier: threading.Barrier) -> None:
            with security_context(framework, api_key=keys[tenant], ip_address="127.0.0.1"):
                barrier.wait()
                for _ in range(20):
                    plain(tenant=tenant)

        both = [*tenants] * 10
        assert await asyncio.gather(*map(of, both)) == [digest(tenants[each]) for each in both]
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=loop, args=(tenant, barrier)) for tenant in [*tenants] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pytest.raises(SMCPDenied, match=r"SMCP2|SMCP920"):
            plain(tenant="acme")
    assert wrong == []


async def test_what_is_raised_in_place_of_a_secret_carries_nothing_of_it(tool: Make) -> None:
    @tool
    def plain(token: str) -> None:
        raise LookupError(token)

    @tool
    async def later(token: str) -> None:
        raise LookupError(token)

    @tool
    def items(token: str) -> Iterator[str]:
        yield "a"
        raise LookupError(token)

    @tool
    async def more(token: str) -> AsyncIterator[str]:
        yield "a"
        raise LookupError(token)

    @tool
    def unreadable(token: str) -> dict[object, str]:
        return {1: token, "1": token}

    errors = []
    for call in (plain, lambda: list(items()), unreadable):
        with pytest.raises((RuntimeError, SMCPDenied)) as caught:
            call()
        errors.append(caught.value)
    for waiting in (later(), _all(more())):
        with pytest.raises(RuntimeError) as caught:
            await waiting
        errors.append(caught.value)
    for error in errors:
        assert error.__context__ is None and error.__cause__ is None
        frames = traceback.walk_tb(error.__traceback__)
        ours = [frame for frame, _ in frames if "tests" not in frame.f_code.co_filename]
        assert ours and not any(TOKEN in repr(value) for frame in ours for value in frame.f_locals.values())


async def _all(items: AsyncIterator[str]) -> list[str]:
    return [item async for item in items]


def test_what_comes_after_the_call_has_ended_is_written_down_too(tool: Make, security: Ledger) -> None:
    @tool
    def later(token: str) -> Iterator[str]:
        return iter([token, "a"])

    with security.watching() as seen:
        assert list(later()) == [MASK, "a"]
    assert [each["codes"] for each in seen("outcome")] == [[], ["SMCP922"]]


def test_what_led_to_an_error_is_looked_over_with_it(tool: Make) -> None:
    def raising(token: str, how: str) -> None:
        if how == "cause":
            raise ValueError("no page") from LookupError(token)
        if how == "note":
            error = ValueError("no page")
            error.add_note(f"with {token}")
            raise error
        if how == "group":
            raise ExceptionGroup("no page", [ValueError("a"), LookupError(token)])
        raise ValueError("no page") from LookupError("no shelf")

    @tool
    def read(token: str, how: str) -> None:
        raising(token, how)

    for how in ("cause", "note", "group"):
        with pytest.raises(RuntimeError, match="no page") as caught:
            read(how)
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ValueError, match="no page") as caught:
        read("honest")
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_error_whose_text_raises_another_one_is_not_asked_again(tool: Make) -> None:
    class Unsayable(Exception):
        def __str__(self) -> str:
            raise ValueError(self.args)

    def read(token: str) -> None:
        raise Unsayable(token)

    with pytest.raises(RuntimeError, match="str") as caught:
        tool(read)()
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_reload_takes_grants_away_at_once_and_forgets_no_value(tmp_path: Path) -> None:
    make_vault(tmp_path / "vault.smcp")
    kept: list[str] = []
    with SMCPSecurityFramework({"vault": section(tmp_path / "vault.smcp")}, vault_key=lambda: KEY) as framework:

        @secure_tool(secrets={"token": "token"}, framework=framework)
        def take(token: str) -> str:
            kept.append(token)
            return "taken"

        assert take() == "taken"
        framework.reload({"vault": section(tmp_path / "vault.smcp", {"secrets": ["token"], "tools": ["other"]})})
        with pytest.raises(SMCPDenied, match="SMCP920"):
            take()
        framework.reload({})

        @secure_tool(framework=framework)
        def tell() -> str:
            return kept[0]

        with pytest.raises(SMCPDenied, match="SMCP920"):
            take()
        assert (tell(), len(kept)) == (MASK, 1)
