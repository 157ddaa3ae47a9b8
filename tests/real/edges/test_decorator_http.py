"""Decorated tools on HTTP servers of each SDK, alone and behind another edge: the verdict, its caller, its cost.

Each server is visited once, and ended, so that its audit is complete; the tests look at what was heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import pytest

from tests.real.edges.decorated_house import SDKS, Lodge, Visit, http_server, python_of, refusal
from tests.real.house import Address

pytestmark = pytest.mark.real

PLACES: Final = ("alone", "behind", "secured")
# To FastMCP the middleware is the same as to the SDK below it.
PAIRS: Final = [(sdk, place) for sdk in SDKS for place in PLACES if (sdk, place) != ("fastmcp", "behind")]
LIMITED: Final = [{"per": "caller", "rate": "4/hour", "tools": ["where"]}]


@dataclass
class Heard:
    """What was answered, by the name of the question; and what the audit says."""

    place: str
    lodge: Lodge
    said: dict[str, list[str]] = field(default_factory=dict)

    def decisions(self) -> list[dict[str, Any]]:
        """The verdicts on calls of the counted tools by those who counted."""
        return [record for record in self.lodge.audited("decision") if record["target"] in ("where", "renamed")]


async def _visit(address: Address, sdk: str, heard: Heard) -> None:
    keys, said = heard.lodge.keys, heard.said
    ann, bob, lent = [await Visit(address, sdk, keys[key]).begin() for key in ("ann", "bob", "ann")]
    notes = [{"path": "june/1.md"}, {"path": "/srv/notes_secret/1.md"}]
    picks: list[dict[str, Any]] = [{"names": ["june"]}, {"names": '["june", "/srv/notes_secret/1.md"]'}]
    said["contract"] = [refusal(await bob.call("read_note", each)) for each in notes]
    said["text of a list"] = [refusal(await bob.call("pick", each)) for each in picks]
    said["ann"] = [refusal(await ann.call(tool)) for tool in ("drop_notes", "count_notes")]
    said["bob"] = [refusal(await bob.call(tool)) for tool in ("drop_notes", "count_notes")]
    lent.key = keys["bob"]
    said["lent"] = [_code(await lent.call("drop_notes"))]
    lent.key = ""
    said["nobody"] = [_code(await lent.call("drop_notes"))]
    said["limited"] = [refusal(await ann.call("where")) for _ in range(5)]
    said["demanded"] = [refusal(await ann.call("renamed")) for _ in range(3)]
    said["another"] = [refusal(await bob.call(tool)) for tool in ("renamed", "where")]


def _code(reply: Any) -> str:
    return str(reply.status) if reply.status >= 400 else refusal(reply)


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def heard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    """What a server of each SDK in each place has answered."""
    sdk, place = request.param
    heard = Heard(place, Lodge(tmp_path_factory.mktemp("lodge")))
    with http_server(python_of(sdk, request), sdk, place, heard.lodge.policy(limits=LIMITED)) as address:
        anyio.run(_visit, address, sdk, heard)
    yield heard


def test_a_contract_in_an_annotation_holds_on_the_wire(heard: Heard) -> None:
    honest, attack = heard.said["contract"]
    assert honest == ""
    assert "SMCP510" in attack


def test_a_contract_holds_for_what_the_server_reads_out_of_a_text(heard: Heard) -> None:
    honest, attack = heard.said["text of a list"]
    assert honest == ""
    assert attack != ""


def test_the_roles_that_count_are_those_of_whoever_calls(heard: Heard) -> None:
    assert heard.said["ann"] == ["", ""]
    assert all("SMCP301" in text for text in heard.said["bob"])


def test_a_session_lends_nobody_the_roles_of_who_began_it(heard: Heard) -> None:
    [told] = heard.said["lent"]
    assert told == "404" or "SMCP301" in told


def test_a_caller_without_a_key_is_nobody(heard: Heard) -> None:
    [told] = heard.said["nobody"]
    assert told in ("401", "404") or "SMCP201" in told


def test_nothing_is_charged_twice(heard: Heard) -> None:
    assert [bool(text) for text in heard.said["limited"]] == [False] * 4 + [True]
    assert [bool(text) for text in heard.said["demanded"]] == [False] * 2 + [True]
    assert "SMCP402" in heard.said["limited"][-1]
    assert "SMCP402" in heard.said["demanded"][-1]
    assert heard.said["another"] == ["", ""]


def test_nothing_is_audited_twice(heard: Heard) -> None:
    passed = Counter(record["target"] for record in heard.decisions() if record["allowed"])
    # An edge outside lets the third call of "renamed" on, and the decorator refuses it under the same id.
    assert passed == {"where": 5, "renamed": 3 + (heard.place != "alone")}
    refused = [record["target"] for record in heard.decisions() if not record["allowed"]]
    assert sorted(refused) == ["renamed", "where"]
    outcomes = Counter(record["id"] for record in heard.lodge.audited("outcome"))
    assert all(outcomes[record["id"]] == 1 for record in heard.decisions() if record["allowed"])
