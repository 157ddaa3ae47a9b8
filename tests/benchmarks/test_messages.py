"""The benchmarks' own messages: their sizes are what the tables claim, and nothing finds fault with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.messages import ADDRESS, WORKLOADS, Workload, headers, policy, request, response
from smcp_security import RequestContext, SMCPSecurityFramework
from smcp_security.message import parse

NAMES = [work.name for work in WORKLOADS]


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_a_message_has_exactly_the_size_that_the_table_names(work: Workload) -> None:
    assert (len(request(work)), len(response(work))) == (work.size, work.size)


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_a_message_is_the_same_in_every_run_and_takes_the_fast_way(work: Workload) -> None:
    body = request(work)
    assert request(work) == body
    assert parse(body, max_depth=64).raw is body


def test_the_message_of_390_strings_has_390_strings() -> None:
    work = next(work for work in WORKLOADS if "390" in work.name)
    assert abs(len(parse(request(work), max_depth=64).texts.request) - 390) <= 5


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_the_policy_of_the_benchmarks_finds_no_fault_with_its_messages(work: Workload, tmp_path: Path) -> None:
    with SMCPSecurityFramework(policy(tmp_path / "audit.jsonl")) as security:
        body = request(work)
        decision = security.process_request_sync(body, RequestContext(ip_address=ADDRESS, headers=headers(body)))
        judged = security.process_response_sync(response(work), decision)
    assert decision.allowed and judged.allowed
    assert (decision.findings, judged.findings) == ((), ())


def test_the_policy_of_the_benchmarks_checks_the_arguments_it_lets_through(tmp_path: Path) -> None:
    body = request(WORKLOADS[0]).replace(b'"title":', b'"other":')
    with SMCPSecurityFramework(policy(tmp_path / "audit.jsonl")) as security:
        decision = security.process_request_sync(body, RequestContext(ip_address=ADDRESS, headers=headers(body)))
    assert [finding.code for finding in decision.findings] == ["SMCP501"]
