"""The client matrix: every real client sees nothing of the middleware until a denial, and goes on after each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tests.real.attacks import MARK
from tests.real.clients import journey, report, table
from tests.real.clients.command import command
from tests.real.clients.denials import DENIALS
from tests.real.clients.journey import Command, Honest, Met, Strictness
from tests.real.clients.repertoire import FEATURES, possible
from tests.real.clients.roster import EVERYBODY, Traveller
from tests.real.clients.steps import add

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
# Ends its connection at any HTTP error; nothing that answers with one can let it go on.
FRAGILE = "mcp 1.30"


@pytest.fixture(scope="session")
def strictness() -> Iterator[Strictness]:
    """The policies of the denials, compiled once for all clients."""
    policies = Strictness()
    yield policies
    policies.close()


@pytest.fixture(scope="session")
def seen() -> dict[str, Any]:
    """What was seen so far: each client travels once, whatever the order of the tests."""
    return {}


@pytest.fixture(params=EVERYBODY, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Traveller:
    """Each client in turn."""
    traveller: Traveller = request.param
    return traveller


@pytest.fixture
def how(client: Traveller, request: pytest.FixtureRequest) -> Command:
    """How the client is run; without the tool that it needs, that is named and the test skipped."""
    if client.needs:
        request.getfixturevalue(client.needs)
    return command(client)


@pytest.fixture
def honest(client: Traveller, how: Command, seen: dict[str, Any]) -> Honest:
    """The client's repertoire."""
    if f"honest {client.name}" not in seen:
        seen[f"honest {client.name}"] = anyio.run(journey.honest, client, how)
    both: Honest = seen[f"honest {client.name}"]
    return both


@pytest.fixture
def denied(client: Traveller, how: Command, strictness: Strictness, seen: dict[str, Any]) -> dict[str, Met]:
    """What came of every denial that the client can meet."""
    if f"denied {client.name}" not in seen:
        seen[f"denied {client.name}"] = anyio.run(journey.denied, client, how, strictness)
    met: dict[str, Met] = seen[f"denied {client.name}"]
    return met


def test_an_honest_client_sees_the_same_with_and_without_the_middleware(client: Traveller, honest: Honest) -> None:
    assert list(honest.features) == [feature.name for feature in FEATURES if possible(client, feature)]
    for name, (alone, protected) in honest.features.items():
        assert protected == alone, name
        # Nothing in common but failures would be equal, too.
        assert [line for line in alone if _failed(line["outcome"])] == [] or name == "errors of the server", name
    assert honest.refused == set()


def test_the_server_sees_the_same_with_and_without_the_middleware(honest: Honest) -> None:
    alone, protected = honest.messages
    assert len(alone) > 10
    assert protected == alone
    assert honest.methods[1] == honest.methods[0]


def test_a_client_meets_every_denial_and_none_leaves_it_hanging(client: Traveller, denied: dict[str, Met]) -> None:
    assert list(denied) == [denial.name for denial in DENIALS if denial.meets(client)]
    for denial in DENIALS:
        if not denial.meets(client):
            continue
        met = denied[denial.name]
        found = denial.code_for(client)
        assert {code.startswith(found) for code in met.codes} == ({True} if found else set()), denial.name
        assert not met.leaked, denial.name
        told = table.outcome_of(client, denial, met)
        assert MARK not in json.dumps(told), denial.name
        assert [line for line in met.lines if "hangs" in line["outcome"]] == [], denial.name
        assert told.get("value") is None or told["value"]["isError"], denial.name


def test_a_client_goes_on_after_every_denial(client: Traveller, denied: dict[str, Met]) -> None:
    for denial in DENIALS:
        if not denial.meets(client):
            continue
        met = denied[denial.name]
        assert table.reconnects(met), denial.name
        cut_off = client.name == FRAGILE and _status(table.outcome_of(client, denial, met)) >= 400
        if not (denial.bars(client) or cut_off or (client.transport == "sse" and denial.early)):
            assert table.goes_on(met), denial.name


def test_the_documented_repertoire_of_a_client_is_what_it_saw(client: Traveller, honest: Honest) -> None:
    columns = table.documented(report.DOCS.read_text(encoding="utf-8"), report.FEATURE)
    assert columns[client.name] == table.repertoire_column(client, honest)


def test_the_documented_denials_of_a_client_are_what_it_saw(client: Traveller, denied: dict[str, Met]) -> None:
    columns = table.documented(report.DOCS.read_text(encoding="utf-8"), report.DENIAL)
    assert columns[client.name] == table.denial_column(client, denied)


def test_the_documented_tables_have_every_client_and_every_denial() -> None:
    text = report.DOCS.read_text(encoding="utf-8")
    names = [client.name for client in EVERYBODY]
    for corner, rows in ((report.FEATURE, FEATURES), (report.DENIAL, DENIALS)):
        documented = table.documented(text, corner)
        assert list(documented) == names
        assert all(list(column) == [row.name for row in rows] for column in documented.values())
    assert text.endswith(report.origins())


def test_a_call_that_fails_is_not_taken_for_one_that_succeeds() -> None:
    good = {"isError": False, "structuredContent": {"result": 3}}
    outcomes: list[tuple[dict[str, Any], bool]] = [
        ({"value": good}, True),
        ({"value": {**good, "isError": True}}, False),
        ({"value": {**good, "structuredContent": {"result": 4}}}, False),
        ({"value": None}, False),
        ({"error": {"type": "MCPError"}}, False),
        ({"hangs": True}, False),
    ]
    assert add()["arguments"] == {"a": 1, "b": 2}
    assert [table.succeeded(outcome) for outcome, _ in outcomes] == [expected for _, expected in outcomes]


def _failed(outcome: dict[str, Any]) -> bool:
    value = outcome.get("value")
    return "value" not in outcome or (isinstance(value, dict) and bool(value.get("isError")))


def _status(outcome: dict[str, Any]) -> int:
    """The HTTP status that ended the connection; 0 if none did."""
    statuses = [error["code"] for error in outcome.get("torn", ()) if isinstance(error.get("code"), int)]
    return max(statuses, default=0)
