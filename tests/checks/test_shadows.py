"""Names that a model may take for another's, and the many honest ones that are one letter apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.shadows import LONGEST, MAX_NAMES, Shadow, shadows, skeleton, slipped

TWINS = [
    ("read_file", "read_file"),
    ("read_file", "Read_File"),
    ("read_file", "re\u0430d_file"),
    ("read_file", "read\u200b_file"),
    ("read_file", "\uff52ead_file"),
    ("read_file", "r\u00e9ad_file"),
    ("read_file", "read\u2010file".replace("\u2010", "\u07fa")),
    ("send_mail", "send_ma\u0456l"),
]
DRAWN_ALIKE = [("list_files", "Iist_files"), ("read_file", "read_fi1e"), ("open_door", "0pen_d0or"), ("mail", "rnail")]
SLIPS = [
    ("send_message", "send_mesage"),
    ("send_message", "send_messsage"),
    ("send_message", "send_mesasge"),
    ("send_message", "send_massage"),
    ("read_file", "read-file"),
    ("transfer", "tranfer"),
]
HONEST = [
    ("get_user", "get_users"),
    ("read_file", "read_files"),
    ("get_value", "set_value"),
    ("add_1", "add_2"),
    ("list_a", "list_b"),
    ("put_object", "get_object"),
    ("mount_disk", "umount_disk"),
    ("get_issue", "get_issues"),
    ("create_branch", "created_branch"),
    ("step_one", "step_two"),
    ("search_code", "search_node"),
    ("export_v1", "export_v2"),
    ("load_data", "loan_data"),
    ("list_tags", "list_tabs"),
    ("query_range", "query_ranges"),
    ("issue_read", "issue_write"),
    ("add", "and"),
    ("step1", "step10"),
    ("get_I18n", "get_l10n"),
    ("turn_on", "turn_off"),
    ("item_0", "item_1"),
]


@pytest.mark.parametrize(("first", "second"), TWINS)
def test_what_looks_the_same_is_a_twin(first: str, second: str) -> None:
    assert shadows([first, "other", second]) == [Shadow(2, twin=True)]
    assert skeleton(first) == skeleton(second)


@pytest.mark.parametrize(("first", "second"), DRAWN_ALIKE)
def test_what_is_drawn_alike_in_ascii_is_a_twin_in_either_order(first: str, second: str) -> None:
    assert shadows([first, "other", second]) == shadows([second, "other", first]) == [Shadow(2, twin=True)]
    assert shadows([second, first], [first]) == [Shadow(0, twin=True)]


@pytest.mark.parametrize(("first", "second"), SLIPS)
def test_one_slip_in_a_long_word_is_told(first: str, second: str) -> None:
    assert shadows([first, second]) == [Shadow(1, twin=False)]
    assert slipped(first, second) and slipped(second, first)


@pytest.mark.parametrize(("first", "second"), HONEST)
def test_honest_names_one_letter_apart_are_left_alone(first: str, second: str) -> None:
    assert shadows([first, second]) == shadows([second, first]) == []


def test_the_name_that_is_known_is_no_shadow_of_an_impostor() -> None:
    names = ["re\u0430d_file", "read_file", "read_flie"]
    assert shadows(names, ["read_file"]) == [Shadow(0, twin=True)]
    assert shadows(["send_mesage", "send_message"], ["send_message"]) == [Shadow(0, twin=False)]
    assert shadows(names[1:2], ["read_file"]) == []


def test_a_known_name_that_is_listed_twice_is_told_once() -> None:
    assert shadows(["a_tool", "a_tool", "b_tool"], ["a_tool"]) == [Shadow(1, twin=True)]


def test_a_long_list_is_judged_to_its_end() -> None:
    names = [f"tool_{chr(97 + n % 26)}{n}" for n in range(MAX_NAMES + 10)]
    assert shadows([*names, names[0]]) == [Shadow(len(names), twin=True)]
    assert shadows(["x" * (LONGEST + 1), "x" * LONGEST + "y"]) == []


@given(st.lists(st.text(max_size=12), max_size=8), st.lists(st.text(max_size=12), max_size=4))
def test_each_place_is_told_at_most_once_and_in_order(names: list[str], known: list[str]) -> None:
    found = [shadow.place for shadow in shadows(names, known)]
    assert found == sorted(set(found)) and all(place < len(names) for place in found)
    assert shadows(list(dict.fromkeys(known)), known) == []


@given(st.text(max_size=20), st.text(max_size=20))
def test_slips_and_skeletons_are_the_same_both_ways(one: str, other: str) -> None:
    assert slipped(one, other) == slipped(other, one)
    assert skeleton(skeleton(one)) == skeleton(one) or not one.isascii()
