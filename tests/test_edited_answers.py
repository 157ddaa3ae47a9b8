"""What is handed over as a value comes back as it was judged: the very one, or the one that a check has edited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from tests.envelopes import call, response

# In parts, so that no scanner of this repository takes it for one.
TOKEN = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    """A framework that masks credentials."""
    with SMCPSecurityFramework({"version": 1, "results": {"redact": ["secrets"]}}) as framework:
        yield framework


def _answer(text: str) -> dict[str, Any]:
    return response(1, {"content": [{"type": "text", "text": text}]})


def test_an_answer_that_was_handed_over_as_a_value_comes_back_edited(security: SMCPSecurityFramework) -> None:
    given = _answer(f"key {TOKEN}")
    judged = security.process_response_sync(given, security.process_request_sync(call("look")))
    assert judged.allowed and judged.message == _answer("key [redacted:github-token]")
    assert given == _answer(f"key {TOKEN}")


def test_an_answer_that_no_check_edits_is_the_very_value(security: SMCPSecurityFramework) -> None:
    given = _answer("nothing")
    assert security.process_response_sync(given, security.process_request_sync(call("look"))).message is given


def test_a_request_is_the_very_value_too(security: SMCPSecurityFramework) -> None:
    given = call("look", {"a": 1})
    assert security.process_request_sync(given).message is given
