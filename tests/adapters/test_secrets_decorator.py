"""`@secure_tool(secrets=)`: the vault fills a parameter that no caller sees, and nobody else ever has the value."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import traceback
import typing
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import pytest
from mcp.server.mcpserver import Context
from pydantic import SecretBytes, SecretStr

from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.decorator import GUARD, secure_tool
from smcp_security.adapters.tools import secrets
from smcp_security.contexts import in_process
from smcp_security.errors import AuditUnavailable, PolicyError, SMCPDenied
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.parameters import PathIn
from tests.adapters.tools.ledger import Ledger, ledger_policy
from tests.adapters.tools.vaulted import KEY, RAW, TOKEN, digest, make_vault, section

pytestmark = pytest.mark.anyio

Make = Callable[..., Callable[..., Any]]


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A framework with a vault, whose audit can be read."""
    folder = tmp_path_factory.mktemp("secrets")
    make_vault(folder / "vault.smcp")
    policy = {**ledger_policy(folder / "audit.jsonl"), "vault": section(folder / "vault.smcp")}
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as framework:
        yield Ledger(framework, folder / "audit.jsonl")


@pytest.fixture
def tool(security: Ledger) -> Make:
    """`secure_tool` with the framework of these tests and one secret."""

    def made(function: Any = None, **stated: Any) -> Any:
        stated = {"framework": security.framework, "secrets": {"token": "token"}, **stated}
        return secure_tool(**stated)(function) if function is not None else secure_tool(**stated)

    return made


# -- functions of every kind -------------------------------------------------------------------------------------------


def test_a_function_is_given_its_secret_wherever_the_parameter_stands(tool: Make) -> None:
    @tool
    def first(token: str, path: str, *more: int) -> str:
        return f"{digest(token)} {path} {more}"

    @tool
    def between(path: str, /, token: str = "unset", count: int = 3, **rest: int) -> str:
        return f"{digest(token)} {path} {count} {rest}"

    @tool
    def last(path: str, *, token: Any = None) -> str:
        return f"{digest(token)} {path}"

    known = digest(TOKEN)
    assert (first("a"), first(path="b"), first("c", 1, 2)) == (f"{known} a ()", f"{known} b ()", f"{known} c (1, 2)")
    assert (between("a"), between("a", 5, x=1)) == (f"{known} a 3 {{}}", f"{known} a 5 {{'x': 1}}")
    assert last("a") == f"{known} a"
    assert str(inspect.signature(between)) == "(path: str, /, count: int = 3, **rest: int) -> str"


async def test_coroutines_and_generators_are_given_their_secret(tool: Make) -> None:
    @tool
    async def later(token: str, path: str) -> str:
        await asyncio.sleep(0)
        return digest(token) + path

    @tool
    def items(token: str) -> Iterator[str]:
        yield digest(token)
        yield "end"

    @tool
    async def more(token: str) -> AsyncIterator[str]:
        yield digest(token)

    assert await later("a") == digest(TOKEN) + "a"
    assert list(items()) == [digest(TOKEN), "end"]
    assert [each async for each in more()] == [digest(TOKEN)]


def test_methods_of_every_kind_are_given_their_secret(tool: Make, security: Ledger) -> None:
    class House:
        name = "house"

        @tool
        def own(self, token: str, path: str) -> str:
            return f"{self.name} {digest(token)} {path}"

        @classmethod
        @tool
        def of_class(cls, token: str, path: str) -> str:
            return f"{cls.name} {digest(token)} {path}"

        @tool
        @staticmethod
        def of_nobody(token: str, path: str) -> str:
            return f"{digest(token)} {path}"

        def bound(self, token: str, path: str) -> str:
            return f"{self.name} {digest(token)} {path}"

    told = f"house {digest(TOKEN)} a"
    assert House().own("a") == House().own(path="a") == House.of_class("a") == tool(House().bound)("a") == told
    assert House.of_nobody("a") == f"{digest(TOKEN)} a"
    assert list(inspect.signature(House().own).parameters) == ["path"]


def test_a_secret_comes_as_what_the_parameter_says(tool: Make) -> None:
    names = dict.fromkeys(("text", "octets", "hidden", "hidden_octets", "maybe", "bare"), "token")

    @tool(secrets=names)
    def kinds(
        text: Annotated[str, "a note"],
        octets: bytes,
        hidden: SecretStr,
        hidden_octets: SecretBytes,
        bare,  # type: ignore[no-untyped-def]
        maybe: str | None = None,
    ) -> list[str]:
        values = (text, octets, hidden.get_secret_value(), hidden_octets.get_secret_value(), maybe, bare)
        return [type(each).__name__ for each in values if digest(each) == digest(TOKEN)]

    assert kinds() == ["str", "bytes", "str", "bytes", "str", "str"]


def test_octets_that_are_no_text_are_given_to_bytes_alone(tool: Make, security: Ledger) -> None:
    @tool(secrets={"key": "raw"})
    def octets(key: bytes) -> bool:
        return key == RAW

    @tool(secrets={"key": "raw"})
    def text(key: str) -> bool:
        raise AssertionError

    assert octets()
    with security.watching() as seen, pytest.raises(SMCPDenied, match="SMCP921"):
        text()
    [refused] = seen("decision")
    assert refused["findings"][0]["about"] == "raw: not UTF-8" and seen("secret") == []


# -- what callers see --------------------------------------------------------------------------------------------------


def test_the_parameter_is_in_no_signature_and_no_annotation(tool: Make) -> None:
    @tool
    def read(token: str, path: str, count: int = 1) -> list[str]:
        """Read a file."""
        return [path]

    shown = inspect.signature(read)
    assert str(shown) == "(path: str, count: int = 1) -> list[str]"
    # What was written as a text is what the SDKs would make of it.
    assert shown.parameters["path"].annotation is str and shown.return_annotation == list[str]
    assert inspect.signature(read, eval_str=True) == shown
    assert set(typing.get_type_hints(read)) - {"_smcp_context"} == {"path", "count", "return"}
    assert (read.__name__, read.__doc__) == ("read", "Read a file.")


def test_a_caller_cannot_give_what_the_vault_gives(tool: Make, security: Ledger) -> None:
    ran: list[str] = []

    @tool
    def read(token: str, path: str = "a") -> str:
        ran.append(digest(token))
        return path

    @tool
    def loose(path: str, *, token: str, **rest: str) -> str:
        ran.append(digest(token))
        return path

    with security.watching() as seen:
        for call in (lambda: read(token="x"), lambda: read("a", token="x"), lambda: loose("a", token="x")):
            with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'token'"):
                call()
        with pytest.raises(TypeError):
            read("a", "x")
    assert ran == [] and seen() == []
    assert loose("a", other="b") == "a" and ran == [digest(TOKEN)]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "about"),
    [
        ("other", "SMCP920", "other"),
        ("deploy", "SMCP920", "deploy"),
        ("gone", "SMCP921", "gone: not there, or expired"),
        ("old", "SMCP921", "old: not there, or expired"),
        ("short", "SMCP921", None),
    ],
)
def test_a_secret_that_cannot_be_given_refuses_the_call(
    tool: Make, security: Ledger, name: str, code: str, about: str | None
) -> None:
    ran: list[str] = []

    @tool(secrets={"first": "token", "second": name})
    def use(first: str, second: str) -> None:
        ran.append(second)

    with security.watching() as seen, pytest.raises(SMCPDenied, match=code) as caught:
        use()
    assert ran == [] and seen("secret") == []
    assert name not in str(caught.value), "which secret it is is for the audit alone"
    [refused] = seen("decision")
    assert refused["codes"] == [code] and (about is None or refused["findings"][0]["about"] == about)


def test_each_use_is_a_line_of_the_audit_without_the_value(tool: Make, security: Ledger) -> None:
    @tool(secrets={"token": "vault://token", "key": "raw"})
    def read(token: str, key: bytes) -> str:
        return "read"

    with security.watching() as seen:
        read()
    decided, *_ = seen("decision")
    used = seen("secret")
    assert [(each["secret"], each["version"], each["tool"], each["id"]) for each in used] == [
        ("token", 1, "read", decided["id"]),
        ("raw", 1, "read", decided["id"]),
    ]
    assert TOKEN not in security.file.read_text()


def test_a_tool_does_not_run_where_the_use_cannot_be_written_down(tmp_path: Path) -> None:
    ran: list[str] = []
    make_vault(tmp_path / "vault.smcp")
    audit = {"file": str(tmp_path / "audit.jsonl"), "on_failure": "deny"}
    policy = {"version": 1, "audit": audit, "vault": section(tmp_path / "vault.smcp")}
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as framework:

        @secure_tool(secrets={"token": "token"}, framework=framework)
        def use(token: str) -> str:
            ran.append(digest(token))
            return "ran"

        assert use() == "ran"
        written: list[str] = []

        def full(sink: object, record: dict[str, Any]) -> None:
            written.append(record["kind"])
            raise AuditUnavailable("full")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(framework._armed.sink), "write", full)
            with pytest.raises(SMCPDenied, match="SMCP002"):
                use()
    assert ran == [digest(TOKEN)] and written[0] == "secret"


# -- behind an edge ----------------------------------------------------------------------------------------------------


def _judged(security: Ledger, name: str, **facts: Any) -> Exchange:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": {}}}
    context = in_process(message, {"ip_address": "127.0.0.1", **facts})
    decision = security.framework.inspect_sync(context, edge="outside")
    assert decision.allowed
    return Exchange(security.framework, decision)


async def test_behind_an_edge_the_secret_is_given_under_the_edges_verdict(tool: Make, security: Ledger) -> None:
    @tool(framework=None)
    def plain(token: str) -> str:
        return digest(token)

    @tool(framework=None)
    async def later(token: str) -> str:
        return digest(token)

    @tool(framework=None, secrets={"token": "gone"})
    async def refused(token: str) -> str:
        raise AssertionError

    with security.watching() as seen:
        exchanges = [_judged(security, name) for name in ("plain", "later", "refused")]
        with during(exchanges[0]):
            assert plain() == digest(TOKEN)
        with during(exchanges[1]):
            assert await later() == digest(TOKEN)
        with during(exchanges[2]), pytest.raises(SMCPDenied, match="SMCP921"):
            await refused()
    assert [each["id"] for each in seen("secret")] == [each.decision.id for each in exchanges[:2]]
    assert [each["edge"] for each in seen("decision")] == ["outside", "outside", "outside", "decorator"]
    assert all(each.decision.context is not None and each.decision.context.given == () for each in exchanges)


# -- nobody else has it ------------------------------------------------------------------------------------------------


def _frames(trace: TracebackType | None) -> Iterator[dict[str, Any]]:
    while trace is not None:
        if "smcp_security" in trace.tb_frame.f_code.co_filename and "tests" not in trace.tb_frame.f_code.co_filename:
            yield trace.tb_frame.f_locals
        trace = trace.tb_next


async def test_no_frame_of_ours_shows_the_value_in_a_traceback(tool: Make) -> None:
    seen: list[list[dict[str, Any]]] = []

    def fail(token: str) -> None:
        raise ValueError("of the tool")

    @tool
    def plain(token: str) -> None:
        fail(token)

    @tool
    async def later(token: str) -> None:
        fail(token)

    @tool
    def items(token: str) -> Iterator[None]:
        yield fail(token)

    for call in (plain, lambda: list(items())):
        with pytest.raises(ValueError) as caught:
            call()
        seen.append(list(_frames(caught.tb)))
    with pytest.raises(ValueError) as caught:
        await later()
    seen.append(list(_frames(caught.tb)))
    for frames in seen:
        assert frames, "our frames are there, and show nothing"
        for names in frames:
            assert not any(TOKEN in repr(value) or value == TOKEN.encode() for value in names.values())


class _Marked(str):
    """A text that can be looked for."""

    __slots__ = ("__weakref__",)


async def test_nothing_keeps_the_value_after_the_call(tool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []

    def marked(value: bytes, kind: object) -> _Marked:
        text = _Marked(value.decode())
        made.append(weakref.ref(text))
        return text

    monkeypatch.setattr(secrets, "_made", marked)

    @tool
    def plain(token: str, path: str) -> str:
        assert made[-1]() is token
        return path

    @tool
    async def later(token: str) -> None:
        raise ValueError("of the tool")

    @tool
    def items(token: str) -> Iterator[str]:
        yield digest(token)

    plain("a")
    plain(path="a")
    with pytest.raises(ValueError, match="of the tool"):
        await later()
    list(items())
    gc.collect()
    assert len(made) == 4 and [each() for each in made] == [None] * 4


def test_what_stands_around_a_call_shows_nothing(tool: Make) -> None:
    shown: list[str] = []

    @tool
    def look(token: str) -> str:
        frame = inspect.currentframe()
        while (frame := frame and frame.f_back) is not None:
            if "smcp_security" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
                shown.append(repr(frame.f_locals))
        return "seen"

    look()
    guard = getattr(look, GUARD)
    shown += [repr(guard), repr(vars(guard)), repr(contextvars.copy_context()), "".join(traceback.format_stack())]
    assert len(shown) >= 5 and not any(TOKEN in text for text in shown)


# -- mistakes ----------------------------------------------------------------------------------------------------------


def _read(token: str, path: Annotated[str, PathIn("/srv")], count: int = 1, *more: str, **rest: str) -> None: ...
def _placed(token: str, /) -> None: ...


@pytest.mark.parametrize(
    ("stated", "kind", "told"),
    [
        ("github", PolicyError, r"secrets: expected names of secrets by parameter"),
        (["token"], PolicyError, r"secrets: expected names of secrets by parameter"),
        ({"token": 7}, PolicyError, r"expected the name of a secret for the parameter 'token'"),
        ({"token": "vault://"}, PolicyError, r"expected the name of a secret for the parameter 'token'"),
        ({"token": "vault://a/b"}, PolicyError, r"expected the name of a secret for the parameter 'token'"),
        ({7: "github"}, PolicyError, r"expected the name of a secret for the parameter"),
        ({"tokn": "github"}, TypeError, r"no parameter 'tokn' .* there are: token, path, count"),
        ({"more": "github"}, TypeError, r"no parameter 'more'"),
        ({"rest": "github"}, TypeError, r"no parameter 'rest'"),
        ({"path": "github"}, TypeError, r"'path' has a contract"),
        ({"count": "github"}, TypeError, r"'count': expected the annotation str, bytes, SecretStr or SecretBytes"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_when_the_function_is_decorated(stated: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told) as caught:
        secure_tool(secrets=stated)(_read)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("secure_tool(_read): ")


def test_what_the_server_fills_in_is_no_place_for_a_secret() -> None:
    class House:
        def read(self, token: str, ctx: Context) -> None: ...  # type: ignore[type-arg]

    for name in ("self", "ctx"):
        with pytest.raises(TypeError, match=f"{name!r} is filled in by the server"):
            secure_tool(secrets={name: "github"})(House.read)
    with pytest.raises(TypeError, match="by place alone"):
        secure_tool(secrets={"token": "github"})(_placed)
    assert secure_tool(secrets={"token": "github"})(House.read) is not None


def test_a_contract_on_a_secret_is_a_mistake() -> None:
    for function in (_read, lambda token, **rest: None):
        with pytest.raises((TypeError, PolicyError), match=r"contracts: .*'token'"):
            secure_tool(secrets={"token": "github"}, contracts={"token": PathIn("/srv")})(function)


def test_no_secrets_are_no_demand() -> None:
    assert list(inspect.signature(secure_tool(secrets={})(_placed)).parameters) == ["token"]
