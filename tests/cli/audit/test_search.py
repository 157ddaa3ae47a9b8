"""`smcp audit search`: what is asked for is found in all segments, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.audits import Desk, decision


def _ids(desk: Desk, *options: str) -> list[str]:
    return [f"{each['id']}:{each['kind'][0]}" for each in desk.found(*options)]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["a1:d", "a1:o", "b1:d", "b1:o", "b2:d", "a2:d", "a2:o"]),
        (["--caller", "ann"], ["a1:d", "a1:o", "a2:d", "a2:o"]),
        (["--caller", "caller:bob"], ["b1:d", "b1:o", "b2:d"]),
        (["--tool", "sql.query"], ["b1:d", "b1:o", "a2:d", "a2:o"]),
        (["--tool", "sql*", "--caller", "bob"], ["b1:d", "b1:o"]),
        (["--code", "SMCP501"], ["b2:d"]),
        (["--code", "smcp501"], ["b2:d"]),
        (["--denied"], ["b2:d"]),
        (["--kind", "decision"], ["a1:d", "b1:d", "b2:d", "a2:d"]),
        (["--id", "b1"], ["b1:d", "b1:o"]),
        (["--since", "2026-11-20T13:00:00Z", "--until", "2026-11-20T14:00"], ["b1:d", "b1:o"]),
        (["--limit", "2"], ["a1:d", "a1:o"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else None,
)  # fmt: skip
def test_exactly_what_is_asked_for_is_found(desk: Desk, options: list[str], found: list[str]) -> None:
    assert _ids(desk, *options) == found


def test_nothing_found_is_told_by_the_exit_code_alone(desk: Desk) -> None:
    run = desk.run("search", "--id", "zz")
    assert (run.code, run.out, run.err) == (1, "", "")


def test_a_span_before_now_is_a_time(desk: Desk) -> None:
    desk.write(decision("late", at=10 * 365 * 86400))
    assert _ids(desk, "--since", "1h") == ["late:d"]


def test_a_slug_stands_for_its_code(desk: Desk) -> None:
    desk.write(decision("c", codes=["SMCP112"]))
    assert _ids(desk, "--code", "duplicate-key") == ["c:d"]


def test_a_line_for_people_says_who_what_why_and_whence(desk: Desk) -> None:
    [line] = desk.run("search", "--denied").out.splitlines()
    assert re.split(r"  +", line) == [
        "2026-11-20 14:00:00.000000Z", "block", "tools/call search", "SMCP501 schema-mismatch", "bob", "203.0.113.7",
        "b2",
    ]  # fmt: skip


def test_no_character_of_a_caller_reaches_the_terminal(desk: Desk) -> None:
    desk.write(decision("e", "\x1b[31m\u202eevil\n2026-11-20", tool="t\x9b\u2066"))
    for form in ("text", "json"):
        out = desk.run("search", "--id", "e", "--format", form).out
        assert out.isascii() and out[:-1].isprintable() and "\\u001b" in out and "\\u202e" in out


def test_an_erased_person_is_shown_as_erased_and_the_others_as_they_are(desk: Desk) -> None:
    desk.people.erase("ann")
    shown = {each["id"]: each["caller"] for each in desk.found("--kind", "decision")}
    assert shown["a1"] == "erased" and shown["b1"]["id"] == "bob"
    assert "(erased)" in desk.run("search", "--id", "a1").out
    assert desk.run("search", "--caller", "ann").code == 1


def test_without_the_file_of_callers_the_public_part_is_shown_and_said_so(desk: Desk) -> None:
    Path(f"{desk.file}.keys").rename(desk.file.with_name("elsewhere.keys"))
    run = desk.run("search", "--id", "a1")
    assert run.code == 0 and "(sealed)" in run.out and "ann" not in run.out
    assert "only what is public is shown" in run.err and len(run.err.splitlines()) == 1
    named = desk.run("search", "--id", "a1", "--callers", str(desk.file.with_name("elsewhere.keys")))
    assert "ann" in named.out and named.err == ""
    mistaken = desk.run("search", "--id", "a1", "--callers", str(desk.file.with_name("nowhere.keys")))
    assert mistaken.code == 2 and mistaken.out == "" and "nowhere.keys" in mistaken.complaint


def test_pieces_of_lines_are_counted_and_the_records_around_them_found(desk: Desk) -> None:
    with open(desk.file, "ab") as file:
        file.write(b'{"stream":"torn in the mid\n')
    desk.write(decision("after"))
    run = desk.run("search", "--format", "json")
    assert '"after"' in run.out and "1 line is no record" in run.err
