"""Results longer than results.max_tokens are cut, say so, and never say half of a structure."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import lengths
from smcp_security.checks.blocks import blocks_of
from smcp_security.checks.budgets import tokens_of
from smcp_security.decision import Action
from tests.checks.callers import policy_of
from tests.checks.heard import heard, texts
from tests.envelopes import codes

NOTE = "[Cut at 100 of {} tokens. Ask for less: a page, a range or a narrower query.]"


def _words(text: str) -> int:
    return len(text.split())


def _cut(result: Any, most: int = 100, **kept: Any) -> tuple[list[str], Any]:
    outcome, said = heard(lengths.build(policy_of(), most, kept.get("count_tokens")), result)
    return codes(outcome), said["result"]


def test_a_result_within_the_bound_passes_as_it_came() -> None:
    for result in (texts("x" * 400), texts("a" * 200, "b" * 200), {"isError": True, **texts("no")}):
        assert _cut(result) == ([], result)


def test_the_text_where_the_bound_is_reached_is_cut_and_those_behind_it_are_dropped() -> None:
    picture = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    given = {"content": [*texts("a" * 100, "b" * 1000)["content"], picture, *texts("c" * 100)["content"]]}
    found, result = _cut(given)
    first, second, third = result["content"]
    note = NOTE.format(300)
    assert (found, first["text"], third) == (["SMCP710"], "a" * 100, picture)
    assert second["text"].endswith(f"\n{note}") and set(second["text"].removesuffix(f"\n{note}")) == {"b"}
    assert tokens_of((first["text"] + second["text"]).encode()) <= 100


def test_the_report_says_how_much_there_was() -> None:
    outcome, _ = heard(lengths.build(policy_of(), 100, None), texts("x" * 4000))
    [found] = outcome.findings
    assert (found.action, found.where, found.hint) == (Action.REPORT, "/result", "at most 100 tokens, not 1000")


def test_a_bound_too_small_for_the_note_still_says_that_something_is_missing() -> None:
    assert _cut(texts("x" * 400), 2)[1] == texts("[cut]")
    assert _cut(texts("x" * 400, "y"), 1)[1] == texts("xxxx")


def test_structured_content_over_the_bound_withholds_the_result() -> None:
    value = {"rows": ["x" * 600]}
    outcome, _ = heard(lengths.build(policy_of(), 100, None), {**texts(json.dumps(value)), "structuredContent": value})
    [found] = outcome.findings
    assert (found.code, found.action, found.where) == ("SMCP710", Action.BLOCK, "/result/structuredContent")


def test_texts_that_repeat_the_structured_content_count_once_and_stay() -> None:
    rows = [{"id": number, "name": "x" * 20} for number in range(7)]
    for value, said in (
        ({"rows": rows}, [json.dumps({"rows": rows}, indent=1)]),
        ({"result": rows}, [json.dumps(row) for row in rows]),
        ({"result": "y" * 300}, ["y" * 300]),
        ({"b": "z" * 300, "a": 1}, [json.dumps({"a": 1, "b": "z" * 300})]),
    ):
        result = {**texts(*said), "structuredContent": value}
        assert _cut(result) == ([], result)
        longer = {**texts(*said, "w" * 900), "structuredContent": value}
        found, cut = _cut(longer, 130)
        assert (found, cut["structuredContent"]) == (["SMCP710"], value)
        assert cut["content"][: len(said)] == texts(*said)["content"]
        assert cut["content"][-1]["text"].endswith("narrower query.]")


def test_a_text_that_is_sent_more_often_than_it_is_there_counts() -> None:
    said = "y" * 300
    found, result = _cut({**texts(*[said] * 9), "structuredContent": {"result": said}})
    assert found == ["SMCP710"]
    assert len("".join(block["text"] for block in result["content"])) < 450
    twice = {**texts("z" * 150, "z" * 150), "structuredContent": {"result": ["z" * 150] * 2}}
    assert _cut(twice) == ([], twice)


def test_what_is_said_of_links_counts() -> None:
    link = {"type": "resource_link", "uri": "f:/a", "name": "a", "description": "d" * 900}
    found, result = _cut({"content": [link, {**link, "description": "next"}]})
    assert found == ["SMCP710"]
    assert [block["description"].endswith(NOTE.format(226)) for block in result["content"]] == [True]
    short = {"content": [{**link, "description": "a file"}]}
    assert _cut(short) == ([], short)


def test_resources_and_prompts_keep_their_places() -> None:
    contents = [{"uri": f"f:/{name}", "text": name * 400} for name in "ab"]
    _, cut = _cut({"contents": contents})
    assert [each["uri"] for each in cut["contents"]] == ["f:/a", "f:/b"]
    assert cut["contents"][1]["text"] == ""
    messages = [{"role": "user", "content": {"type": "text", "text": name * 400}} for name in "ab"]
    _, cut = _cut({"messages": messages})
    assert [each["content"]["text"][:1] for each in cut["messages"]] == ["a", ""]


def test_the_result_of_a_task_is_cut_as_any_other() -> None:
    found, cut = _cut({"taskId": "t", "status": "completed", "result": texts("x" * 1000)})
    assert found == ["SMCP710"] and len(cut["result"]["content"][0]["text"]) <= 400


def test_a_tokenizer_of_the_operator_decides() -> None:
    result = texts("a b c", "d e f g", "h")
    assert _cut(result, 8, count_tokens=_words) == ([], result)
    _, cut = _cut(texts("word " * 300), 40, count_tokens=_words)
    assert _words(cut["content"][0]["text"]) <= 40


def test_a_tokenizer_that_counts_nonsense_withholds_the_result() -> None:
    with pytest.raises(TypeError, match="whole number"):
        _cut(texts("a"), 1, count_tokens=lambda text: -1)


def test_monitor_mode_reports_and_cuts_nothing() -> None:
    rung = lengths.build(policy_of(mode={"results": "monitor"}), 10, None)
    outcome, said = heard(rung, texts("x" * 400))
    assert (codes(outcome), outcome.edit, said["result"]) == (["SMCP710"], None, texts("x" * 400))


SIGNS = (
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \U0001f1eb\U0001f1f7 \U0001f44d\U0001f3fd \u2764\ufe0f".split()
)


@pytest.mark.parametrize("sign", [*SIGNS, "\r\n"])
def test_no_cut_parts_what_is_one_sign_to_its_reader(sign: str) -> None:
    for most in range(40, 60):
        _, cut = _cut(texts(sign * 200), most)
        kept = cut["content"][0]["text"].split("\n[Cut")[0].removesuffix("[cut]")
        assert kept == sign * (len(kept) // len(sign))


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=5),
    st.integers(min_value=1, max_value=200),
)
def test_what_is_left_fits_and_is_the_beginning_of_what_came(said: list[str], most: int) -> None:
    found, cut = _cut(texts(*said), most)
    left = [text for _, text in blocks_of({"result": cut})]
    assert sum(tokens_of(text.encode()) for text in left) <= most or not found
    whole = [re.sub(r"(\n?\[Cut at [^\]]*\]|\[cut\])$", "", text) for text in left[-1:]]
    assert [*left[:-1]] == said[: max(0, len(left) - 1)]
    assert all(text.startswith(part) for text, part in zip(said[len(left) - 1 :], whole, strict=False) if found)
    assert _cut(cut, most) == ([], cut)
