"""What must not be in the project's files: paths of one machine, private package indexes, keys, merge leftovers."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source import ROOT, name, project_files

# In pieces, so that this file does not find itself.
_TRACES = re.compile(
    r"(?<![\w.*~/-])/(?:wo" r"rk|tmp/w|opt/py" r"pi|opt/wh" r"eels)/"
    r"|\bfind-links\b|\bextra-index-url\b|\bfiles\.pythonhosted\b"
    r"|-----BEGIN [A-Z ]*PRIVATE " r"KEY-----"
    r"|^(?:<{7}|>{7}) "
    r"|\r$",
    re.MULTILINE,
)  # fmt: skip


def _traces(text: str) -> list[str]:
    found = [match.group() for match in _TRACES.finditer(text)]
    checkout = str(ROOT)
    return [*found, checkout] if checkout.count("/") > 1 and checkout in text else found


def test_no_file_carries_traces_of_one_machine() -> None:
    files = project_files()
    assert len(files) > 10
    traces = {name(path): _traces(path.read_bytes().decode("utf-8", "replace")) for path in files}
    assert {path: found for path, found in traces.items() if found} == {}


def test_no_large_file_is_part_of_the_project() -> None:
    assert [name(path) for path in project_files() if path.stat().st_size > 512 * 1024] == []


@pytest.mark.parametrize(
    ("text", "dirty"),
    [
        ("see /wo" + "rk/main/x.py", True),
        ("cd /tmp/" + "w/v", True),
        ("pip --find-" + "links here", True),
        ("<" * 7 + " HEAD", True),
        ("docs/work/plan and https://example.com/work/", False),
        ("cat /etc/passwd; ls /tmp/x", False),
        ("x << 7 >> 7", False),
    ],
)
def test_the_search_for_traces_tells_a_machine_from_an_example(text: str, dirty: bool) -> None:
    assert bool(_traces(text)) is dirty


def test_the_search_for_traces_knows_this_very_checkout() -> None:
    assert _traces(f"open({str(ROOT)!r})")
