"""Roots of path contracts: one spelling for each directory, whatever the system."""

from __future__ import annotations

import ntpath
import posixpath
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.policy.roots import is_everything, is_windows, parse_root


@pytest.mark.parametrize(
    ("written", "root"),
    [("/", "/"), ("/srv/data", "/srv/data"), ("/srv//data/./", "/srv/data"), ("/srv/..data", "/srv/..data"),
     ("/s p/é", "/s p/é"), ("c:/Data/x/", "C:\\Data\\x"), ("C:\\", "C:\\"), ("d:\\a\\.\\b", "D:\\a\\b"), ("/.", "/")],
)  # fmt: skip
def test_a_root_is_kept_in_one_spelling(written: str, root: str) -> None:
    assert parse_root(written) == root
    assert parse_root(root) == root


@pytest.mark.parametrize(
    "written",
    ["", "srv", "./srv", "~/srv", "$HOME", "C:", "C:srv", "//host/share", "\\\\host\\share", "\\\\?\\C:\\a", "/srv/..",
     "/../srv", "C:\\a\\..", "C:/a/../b", "/a\\b", "/a\x00b", "/a\nb", "C:\\a:b", "C:\\a.", "C:\\a \\b", "C:\\a|b",
     "file:///srv", "/" + "a" * 2000, None, 7, ["/srv"], b"/srv"],
)  # fmt: skip
def test_what_is_no_absolute_directory_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected an absolute directory"):
        parse_root(written)


@pytest.mark.parametrize(("root", "all_"), [("/", True), ("C:\\", True), ("/a", False), ("C:\\a", False)])
def test_the_root_of_a_disk_holds_everything(root: str, all_: bool) -> None:
    assert is_everything(root) is all_
    assert is_windows(root) is root.startswith("C")


_LETTERS: Final = st.text("ab./", max_size=12)


@given(_LETTERS)
def test_a_root_is_what_the_system_makes_of_it(text: str) -> None:
    for prefix, system in (("/", posixpath), ("C:/", ntpath)):
        try:
            root = parse_root(prefix + text)
        except ValueError:
            continue
        assert root == system.normpath(prefix + text)
