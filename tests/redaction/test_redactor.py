"""The engine of masks: offsets, order, overlaps, names, bounds, and that masking again finds nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.errors import ScanUnproven
from smcp_security.redaction import scan
from smcp_security.redaction.catalogue import KINDS
from smcp_security.redaction.redactor import Redactor, Span
from smcp_security.redaction.scan import SpanFlood
from tests.redaction.samples import TOKENS, made

EVERYTHING = [kind for kind in KINDS if kind != "internals"]
TOKEN = made("ghp_<a36>")
PIECES = [
    *(made(form) for forms in TOKENS.values() for form in forms[:1]),
    "ann@example.com",
    "4111 1111 1111 1111",
    "DE89370400440532013000",
    "+49 30 901820",
    "203.0.113.77",
    "536-22-8726",
    "S1234567D",
    "password: tr0ub4dor-Zq",
    "Authorization: Bearer ",
    "postgres://u:s3cr3tPw9@db.example.com/x",
    "api_key=",
    "ssn ",
    "phone: ",
    "passport ",
    "token=",
    '"',
    "\\n",
    "\n",
    " ",
    ".",
    "-",
    "/",
    "=",
    ":",
    ",",
    "&",
    "é",
    "漢",
    "x",
    "7",
    "[redacted:jwt]",
    "[redacted:",
    'Traceback (most recent call last):\n  File "a.py", line 1\n',
    "input_value=1, input_type=int",
    "at a.b(c.java:1)\n",
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(EVERYTHING, internals=True)


def masked(texts: Sequence[str], spans: Sequence[Span]) -> list[str]:
    done = list(texts)
    for span in reversed(spans):
        text = done[span.leaf]
        done[span.leaf] = f"{text[: span.start]}[redacted:{span.mask}]{text[span.end :]}"
    return done


def test_offsets_are_characters_of_the_text_that_holds_them(redactor: Redactor) -> None:
    texts = ["Grüße 漢字 🎉", f"é {TOKEN} ü {TOKEN}", "", f"🎉{TOKEN}", "ann@example.com"]
    spans = redactor.find(texts, [""] * len(texts))
    assert [(span.leaf, texts[span.leaf][span.start : span.end]) for span in spans] == [
        (1, TOKEN),
        (1, TOKEN),
        (3, TOKEN),
        (4, "ann@example.com"),
    ]
    assert [(span.mask, span.kind) for span in spans[-2:]] == [("github-token", "secrets"), ("email", "email")]


def test_nothing_is_found_across_two_texts(redactor: Redactor) -> None:
    assert redactor.find([TOKEN[:20], TOKEN[20:]], ["", ""]) == []
    assert redactor.find(["4111 1111", "1111 1111"], ["", ""]) == []
    assert redactor.find(["password", "="], ["", ""]) == []


def test_where_spans_overlap_the_vendors_name_wins(redactor: Redactor) -> None:
    for text in (f"Authorization: Bearer {TOKEN}", f'api_key = "{TOKEN}"', f"https://ann:{TOKEN}@example.com/x"):
        spans = redactor.find([text], [""])
        assert [(span.mask, text[span.start : span.end]) for span in spans] == [("github-token", TOKEN)]
    assert [span.mask for span in redactor.find([TOKEN], ["password"])] == ["github-token"]


def test_no_text_and_honest_texts_are_left_alone(redactor: Redactor) -> None:
    assert redactor.find([], []) == [] == redactor.internals([])
    assert redactor.find(["", "a quiet afternoon", "token"], ["", "password_hint", "secretary"]) == []


def test_a_surrogate_that_stands_alone_breaks_nothing(redactor: Redactor) -> None:
    spans = redactor.find([f"\ud800 {TOKEN}"], ["\udfff"])
    assert [span.mask for span in spans] == ["github-token"]


def test_more_candidates_than_can_be_judged_are_refused(redactor: Redactor) -> None:
    for text in ("ann@ex.de " * 9000, "password=a " * 5000, "ghp_ " * 9000, "ssn " * 9000):
        with pytest.raises(SpanFlood, match="withheld") as told:
            redactor.find([text], [""])
        assert "ann" not in str(told.value)
    assert len(redactor.find(["ann@example.com " * 5000], [""])) == 5000


def test_an_automaton_that_did_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_SENTINEL", b"another end")
    with pytest.raises(ScanUnproven):
        Redactor(["secrets"]).find([TOKEN], [""])


def test_long_texts_are_searched_like_short_ones(redactor: Redactor) -> None:
    for size in (100, 30_000, 500_000):
        text = f"{'word ' * (size // 5)}{TOKEN} and ann@example.com"
        assert [span.mask for span in redactor.find([text], [""])] == ["github-token", "email"]


def test_what_was_given_is_not_changed(redactor: Redactor) -> None:
    texts, names = [f"x {TOKEN}", "tr0ub4dor-Zq"], ["", "password"]
    assert len(redactor.find(texts, names)) == 2
    assert (texts, names) == ([f"x {TOKEN}", "tr0ub4dor-Zq"], ["", "password"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), min_size=1, max_size=4), st.data())
def test_masking_again_finds_nothing_more(texts: list[str], data: Any) -> None:
    redactor = Redactor(EVERYTHING, internals=True)
    names = data.draw(
        st.lists(st.sampled_from(["", "text", "password", "ssn", "phone", "api_key"]), min_size=4, max_size=4)
    )
    names = names[: len(texts)]
    spans = redactor.find(texts, names)
    for before, after in pairwise(spans):
        assert (before.leaf, before.end) <= (after.leaf, after.start)
    for span in spans:
        assert 0 <= span.start < span.end <= len(texts[span.leaf])
    assert redactor.find(masked(texts, spans), names) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_masking_insides_again_finds_nothing_more(text: str) -> None:
    redactor = Redactor([], internals=True)
    once = masked([text], redactor.internals([text]))
    assert redactor.internals(once) == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"[redacted:email] {TOKEN}", TOKEN),
        (f"[redacted:x],{TOKEN}", TOKEN),
        (f"{TOKEN} [redacted:email]", TOKEN),
        ("[redacted:github-token] ann@example.com", "ann@example.com"),
        ("[redacted:email]: password=hunter2xX9", "hunter2xX9"),
        ("[redacted:x] 4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("[redacted:x], +49 30 901820", "+49 30 901820"),
    ],
)
def test_beside_the_mask_of_somebody_else_everything_is_still_found(redactor: Redactor, text: str, secret: str) -> None:
    assert [text[span.start : span.end] for span in redactor.find([text], [""])] == [secret]
    clean = text.replace(secret, "nothing")
    assert redactor.find([clean], [""]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ssh root@203.0.113.77", "203.0.113.77"),
        ("pay@DE89370400440532013000", "DE89370400440532013000"),
        ("Bank:\\nDE89370400440532013000.", "DE89370400440532013000"),
        ("Call:\\n+49 30 901820", "+49 30 901820"),
        ("请拨打+49 30 901820联系我们", "+49 30 901820"),
        ("账号DE89370400440532013000属于", "DE89370400440532013000"),
        (f"a\\u003d{TOKEN}", TOKEN),
    ],
)
def test_what_stands_next_to_a_value_hides_it_from_nobody(redactor: Redactor, text: str, found: str) -> None:
    assert [text[span.start : span.end] for span in redactor.find([text], [""])] == [found]


def test_a_secret_is_one_whatever_else_it_looks_like(redactor: Redactor) -> None:
    for value in ("4111111111111111", "ann.lee7@acme-corp.de"):
        [secret] = redactor.find([value], ["password"])
        [other] = redactor.find([value], ["note"])
        assert (secret.kind, other.kind) == ("secrets", other.mask)
