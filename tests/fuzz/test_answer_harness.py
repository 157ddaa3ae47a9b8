"""The harness of answers finds what it is for: a leak, a second change, another id, a change that nobody is told of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from smcp_security import SMCPSecurityFramework
from tests.envelopes import encoded, response
from tests.fuzz import answer
from tests.fuzz.oracle import Broken

_SAID = b"\x00" + encoded(response(1, {"content": [{"type": "text", "text": "key @TOKEN@"}]}))
_PLAIN = b"\x00" + encoded(response(1, {"content": [{"type": "text", "text": "nothing"}]}))

PLANTED: dict[str, tuple[bytes, str, Callable[[bytes, Any], Any]]] = {
    "a leak": (_SAID, "is masked", lambda raw, judged: replace(judged, message=raw)),
    "another id": (_PLAIN, "id stays", lambda raw, judged: replace(judged, message=raw.replace(b'"id":1', b'"id":2'))),
    "what is no JSON": (_PLAIN, "strict JSON", lambda raw, judged: replace(judged, message=raw + b"}")),
    "a change that is not reported": (
        _PLAIN, "is reported", lambda raw, judged: replace(judged, message=raw.replace(b"nothing", b"changed"))),
    "a change each time": (
        _SAID, "nothing more",
        lambda raw, judged: replace(judged, message=judged.message.replace(b"key ", b"key key "))),
}  # fmt: skip


@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_of_answers_is_found(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, sentence, spoiled = PLANTED[defect]
    answer.judge(data)
    whole = SMCPSecurityFramework.inspect_response_sync

    def inspect(self: SMCPSecurityFramework, raw: bytes, decision: Any, **named: Any) -> Any:
        return spoiled(raw, whole(self, raw, decision, **named))

    monkeypatch.setattr(SMCPSecurityFramework, "inspect_response_sync", inspect)
    with pytest.raises(Broken, match=sentence):
        answer.judge(data)
