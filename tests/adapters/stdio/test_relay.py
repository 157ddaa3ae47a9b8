"""The relay with a real child process: what passes, what is said in place of the rest, and how everything ends."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from tests.adapters.stdio.wire import PATIENCE, SERVER, Client, call, relayed, text

HOSTILE = "; cat /etc/passwd"


def test_an_honest_call_passes_and_the_server_ends_with_its_client(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: text(client.ask(call(1, "echo", text="hello"))))
    assert (ran.found, ran.code) == ("hello", 0)


def test_a_refused_call_is_answered_by_its_id_and_the_next_one_passes(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> tuple[Any, Any]:
        return client.ask(call("a", "echo", text=HOSTILE)), client.ask(call("b", "echo", text="fine"))

    refused, passed = relayed(framework, act).found
    assert refused["id"] == "a"
    assert refused["result"]["isError"] is True
    assert (passed["id"], text(passed)) == ("b", "fine")


def test_a_server_that_dies_in_a_call_leaves_an_answer_and_its_exit_code(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> tuple[Any, Any]:
        client.say(call(1, "silent"), call(2, "die", code=7))
        return client.hear(), client.hear()

    ran = relayed(framework, act)
    assert [each["id"] for each in ran.found] == [1, 2]
    assert {each["error"]["code"] for each in ran.found} == {-31503}
    assert "exit code 7" in ran.found[0]["error"]["message"]
    assert ran.code == 7


def test_a_server_that_a_signal_ends_gives_the_code_of_a_shell(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: client.ask(call(1, "crash")))
    assert ran.code == 128 + signal.SIGKILL
    assert ran.found["error"]["code"] == -31503


def test_garbage_of_the_server_never_reaches_the_client(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: client.ask(call(1, "garbage")))
    assert text(ran.found) == "after garbage"


def test_a_line_torn_by_the_death_of_the_server_is_an_error_of_its_call(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: client.ask(call(1, "torn")))
    assert (ran.found["id"], ran.found["error"]["code"], ran.code) == (1, -31503, 0)


def test_a_second_answer_to_one_request_is_dropped(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> list[str]:
        return [text(client.ask(call(1, "twice"))), text(client.ask(call(2, "echo", text="next")))]

    assert relayed(framework, act).found == ["first", "next"]


def test_answers_that_nobody_asked_for_are_dropped(framework: SMCPSecurityFramework) -> None:
    assert text(relayed(framework, lambda client: client.ask(call(1, "foreign"))).found) == "own"


def test_a_result_that_is_no_strict_json_is_withheld_by_its_id(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: client.ask(call(1, "nan")))
    assert (ran.found["id"], ran.found["error"]["data"]["code"]) == (1, "SMCP703")


@pytest.mark.parametrize("act", ["big", "big_last"])
def test_a_result_over_the_cap_is_withheld_and_one_under_it_passes(framework: SMCPSecurityFramework, act: str) -> None:
    def play(client: Client) -> tuple[Any, Any]:
        client.say(call(9, "silent"))
        return client.ask(call(1, act, size=300_000)), client.ask(call(1, act, size=100))

    withheld, passed = relayed(framework, play, limits=(2**20, 200_000)).found
    assert (withheld["id"], withheld["error"]["data"]["code"]) == (1, "SMCP701")
    assert passed["id"] == 1
    assert "result" in passed


def test_a_question_over_the_cap_is_turned_down_and_answers_nobody(framework: SMCPSecurityFramework) -> None:
    ran = relayed(framework, lambda client: client.ask(call(1, "big_question", size=300_000)), limits=(2**20, 200_000))
    assert json.loads(text(ran.found))["error"]["code"] == -31422


def test_a_call_over_the_cap_is_refused_by_its_id_and_the_next_one_passes(framework: SMCPSecurityFramework) -> None:
    def play(client: Client) -> tuple[Any, Any]:
        return client.ask(call(1, "echo", text="x" * 300_000)), client.ask(call(1, "echo", text="short"))

    refused, passed = relayed(framework, play, limits=(200_000, 2**20)).found
    assert (refused["id"], refused["error"]["data"]["code"]) == (1, "SMCP104")
    assert text(passed) == "short"


def test_a_refused_answer_of_the_client_is_an_error_for_the_server(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> Any:
        question = client.ask(call(1, "ask"))
        client.say({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "x", "name": HOSTILE * 2}]}})
        return json.loads(text(client.hear()))

    told = relayed(framework, act).found
    assert (told["id"], told["error"]["code"]) == ("q", -31422)


def test_an_unreadable_answer_of_the_client_is_an_error_for_the_server(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> Any:
        client.ask(call(1, "ask"))
        client.say(b'{"jsonrpc":"2.0","id":"q","result":{"roots":[],"roots":[]}}\n')
        return json.loads(text(client.hear()))

    told = relayed(framework, act).found
    assert (told["id"], told["error"]["code"]) == ("q", -31422)


def test_an_honest_answer_of_the_client_reaches_the_server(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> Any:
        client.ask(call(1, "ask"))
        client.say({"jsonrpc": "2.0", "id": "q", "result": {"roots": [{"uri": "file:///srv", "name": "srv"}]}})
        return json.loads(text(client.hear()))

    assert relayed(framework, act).found["result"]["roots"][0]["uri"] == "file:///srv"


def test_a_flood_of_notifications_waits_for_a_slow_client(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> list[str]:
        client.say(call(1, "notify", count=3_000))
        heard = [client.hear() for _ in range(3_001)]
        return [each["params"]["data"] for each in heard[:-1]]

    assert relayed(framework, act).found == [str(number) for number in range(3_000)]


def test_a_client_that_writes_everything_before_it_reads_is_not_stuck(framework: SMCPSecurityFramework) -> None:
    calls = [call(number, "echo", text="x" * 2_000) for number in range(400)]

    def act(client: Client) -> list[int]:
        client.say(*calls)
        return [client.hear()["id"] for _ in calls]

    assert relayed(framework, act).found == list(range(400))


def test_what_the_server_started_is_gone_with_the_client(framework: SMCPSecurityFramework, tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    reads = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = relayed(framework, lambda client: client.ask(call(1, "spawn")), command=(*SERVER, str(held)))
        assert text(ran.found) == "spawned"
        # The end of the file comes when nobody holds the pipe open any more.
        assert select.select([reads], [], [], PATIENCE)[0]
        assert os.read(reads, 1) == b""
    finally:
        os.close(reads)


def test_a_server_that_never_ends_is_ended(framework: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.GRACE", 0.1)
    ran = relayed(framework, lambda client: client.ask(call(1, "stubborn")))
    assert ran.code == 128 + signal.SIGKILL


def test_a_server_that_needs_to_be_told_is_told(
    framework: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.GRACE", 0.1)
    ran = relayed(framework, lambda client: client.ask(call(1, "deaf")))
    assert ran.code == 128 + signal.SIGTERM


def test_a_client_that_vanishes_takes_the_server_with_it(
    framework: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.GRACE", 0.1)

    def act(client: Client) -> None:
        client.ask(call(1, "deaf"))
        client.vanish()

    assert relayed(framework, act).code == 128 + signal.SIGTERM


def test_answers_still_come_to_a_client_that_has_said_all(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> list[bytes]:
        client.say(call(1, "echo", text="one"), call(2, "echo", text="two"))
        client.hang_up()
        return [client.line(), client.line()]

    ran = relayed(framework, act)
    assert [json.loads(line)["id"] for line in ran.found] == [1, 2]


def test_signals_reach_the_server(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> list[int]:
        client.ask(call(1, "interrupted"))
        heard = []
        for number in (signal.SIGINT, signal.SIGUSR1):
            os.kill(os.getpid(), number)
            heard.append(client.hear()["params"]["data"])
        return heard

    ran = relayed(framework, act)
    assert (ran.found, ran.code) == ([signal.SIGINT, signal.SIGUSR1], 0)


def test_a_server_that_is_told_to_end_by_a_signal_gives_its_code(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> Any:
        client.ask(call(1, "echo", text="up"))
        client.say(call(2, "silent"))
        os.kill(os.getpid(), signal.SIGTERM)
        return client.hear()

    ran = relayed(framework, act)
    assert ran.code == 128 + signal.SIGTERM
    assert (ran.found["id"], ran.found["error"]["code"]) == (2, -31503)


@pytest.mark.parametrize("act", ["close_output", "close_input"])
def test_a_server_that_closes_a_pipe_is_as_good_as_ended(
    framework: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.GRACE", 0.1)

    def play(client: Client) -> list[Any]:
        client.say(call(1, act), call(2, "echo", text="anybody?"))
        return [client.hear(), client.hear()] if act == "close_input" else [client.hear()]

    ran = relayed(framework, play)
    assert ran.found[-1]["error"]["code"] == -31503
    assert ran.code == 128 + signal.SIGTERM


def test_a_signal_does_not_wait_for_a_client_that_does_not_read(
    framework: SMCPSecurityFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.HURRY", 0.01)
    monkeypatch.setattr("smcp_security.adapters.stdio.relay.FAREWELL", PATIENCE * 1_000)

    def act(client: Client) -> None:
        client.ask(call(1, "echo", text="up"))
        client.say(call(2, "notify", count=30_000))
        assert select.select([client.reads], [], [], PATIENCE)[0]
        os.kill(os.getpid(), signal.SIGTERM)

    assert relayed(framework, act).code == 128 + signal.SIGTERM


def test_a_slow_client_still_gets_all_that_was_said_before_the_end(framework: SMCPSecurityFramework) -> None:
    def act(client: Client) -> int:
        client.say(call(1, "notify", count=2_000), call(2, "die"))
        heard = 0
        while "error" not in client.hear():
            heard += 1
        return heard

    assert relayed(framework, act).found == 2_001
