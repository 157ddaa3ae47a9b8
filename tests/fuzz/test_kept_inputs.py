"""Every input that fuzzing kept, through every harness, on every interpreter: what was once found stays found."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS


@pytest.fixture(autouse=True)
def _no_thousand_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """Every refusal is logged; a failure here should show its input, not those."""
    caplog.set_level(logging.CRITICAL, logger="smcp_security")


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_was_kept_breaks_its_target(name: str) -> None:
    kept = corpus.kept(name)
    assert len(kept) > 10
    for data in kept:
        TARGETS[name].harness().judge(data)


# The shortest inputs that showed a defect once, each with what it showed.
FOUND = {
    "marks that decoding uncovered hid the text around them": ("text", b"%3Cscript%3E" + b"%CC%81" * 31),
    "marks that NFKC made hid the text around them": ("text", ("＜ｓｃｒｉｐｔ＞" + "\u0344" * 16).encode()),
    "and so an attack on the next line": ("rulebook", b"\x08" + b"%CC%81" * 31),
    "and one in full-width letters": ("rulebook", b"\x28" + ("\u0344" * 16).encode()),
    "a percent sign that opens nothing was read as another sign": ("text", b"%7B% debug %}"),
    "so was one before a line break": ("text", b"%41%\n"),
    "references in capitals were not read": ("text", b"&LTscript&GT"),
    "nor were rarer names of ASCII": ("text", b"&VerticalLine;&Hat;&midast;"),
    "a second byte order mark hid an event": ("sse", b"\x00\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n"),
    "a byte order mark hid the event after a dropped one": ("sse", b"\x00data: a\n\n\xef\xbb\xbfdata: b\n\n"),
    "a rewritten event began with a byte order mark": ("sse", b"\x00data: a\n\xef\xbb\xbfdata: b\n\n"),
    "data over the cap lost its byte order marks": (
        "sse",
        b"\x83\x12\x15\x18data: " + b"x" * 15 + b"\xef\xbb\xbf" * 2 + b"z\n\n",
    ),
    "a cap of one byte let the rest of an event come without its head": ("sse", b"\xc0data: x\n\n"),
}


@pytest.mark.parametrize("defect", FOUND)
def test_a_defect_that_fuzzing_found_is_gone(defect: str) -> None:
    name, data = FOUND[defect]
    TARGETS[name].harness().judge(data)


@pytest.mark.parametrize("name", TARGETS)
def test_no_seed_of_a_target_breaks_it(name: str) -> None:
    harness = TARGETS[name].harness()
    seeds = list(harness.seeds())
    assert len(set(seeds)) > 10 and all(isinstance(word, bytes) and word for word in harness.WORDS)
    for data in seeds:
        harness.judge(data)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff", b"\xff" * 9, b"\x07", b"{}", b"\n", b"data: x\n\n"])
def test_the_shortest_inputs_break_no_target(name: str, data: bytes) -> None:
    TARGETS[name].harness().judge(data)


@pytest.mark.parametrize("kept_for", TARGETS)
def test_an_input_of_one_target_breaks_no_other(kept_for: str) -> None:
    for name in TARGETS:
        for data in corpus.kept(kept_for)[:: 7 if name != kept_for else 1_000]:
            TARGETS[name].harness().judge(data)


@given(st.binary(max_size=40))
def test_any_input_is_kept_as_one_plain_line(data: bytes) -> None:
    line = corpus.escaped(data)
    assert corpus.unescaped(line) == data
    assert line.isascii() and line.isprintable() and line


def test_inputs_are_kept_by_size_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "KEPT", tmp_path / "kept")
    inputs = [b"", b"\r\n\\n", b"b", b"b", b"x" * (corpus.LONGEST + 1)]
    assert corpus.kept("t") == []
    assert corpus.keep("t", inputs) == 3
    assert corpus.kept("t") == [b"", b"b", b"\r\n\\n"]
    assert corpus.keep("many", [b"%d" % number for number in range(5 * corpus.MOST)]) == corpus.MOST
    corpus.unpack(corpus.kept("t"), tmp_path / "folder")
    assert sorted(corpus.packed(tmp_path / "folder")) == sorted(corpus.kept("t"))
