"""`# smcp: ignore[CODE] reason`: what it leaves out, and what is said of one that is wrong."""

from __future__ import annotations

import pytest

from smcp_security.lint.catalogue import rules
from smcp_security.lint.document import Document
from smcp_security.lint.inputs import document
from smcp_security.lint.run import examined
from smcp_security.lint.selection import chosen
from tests.lint.twins import read


def codes(text: str, *select: str) -> list[str]:
    """The codes that are found in a policy."""
    return [finding.code for finding in examined(read(text), chosen(select, []))[0]]


@pytest.mark.parametrize(
    "text",
    [
        "mode: monitor # smcp: ignore[POL010] a trial\n",
        "mode: monitor # smcp: ignore[monitor-mode] a trial\n",
        "mode: monitor #smcp:ignore[ POL010 , POL011 ]: a trial\n",
        "# smcp: ignore[POL010] a trial\nmode: monitor\n",
        "# smcp: ignore[POL010] a trial\n\n# of the whole policy\nmode: monitor\n",
        "version: 1\nmode: monitor\n# smcp: ignore-file[POL010] a trial\n",
        "version: 1\r\nmode: monitor # smcp: ignore[POL010] a trial\r\n",
    ],
)
def test_a_comment_with_a_reason_leaves_a_finding_out(text: str) -> None:
    assert codes(text, "POL010", "LNT") == []
    assert codes(text.replace("smcp:", "smcp"), "POL010", "LNT") == ["POL010"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mode: monitor # smcp: ignore[POL010]\n", ["LNT001", "POL010"]),
        ("mode: monitor # smcp: ignore[POL010]   \n", ["LNT001", "POL010"]),
        ("mode: monitor # smcp: ignore a trial\n", ["LNT003", "POL010"]),
        ("mode: monitor # smcp: ignore[] a trial\n", ["LNT003", "POL010"]),
        ("mode: monitor # smcp: ignore[POL01] a trial\n", ["LNT003", "POL010"]),
        ("mode: monitor # smcp: ignore[POL010, POL777] a trial\n", ["LNT003"]),
        ("mode: enforce # smcp: ignore[POL010] a trial\n", ["LNT002"]),
        ("mode: monitor\n# smcp: ignore[POL010] a trial\nworkers: 1\n", ["LNT002", "POL010"]),
        ("mode: monitor\nstore: {namespace: 'x'} #\n# 'smcp: ignore[POL010] a trial'\n", ["POL010"]),
    ],
)
def test_a_comment_that_does_not_count_is_named(text: str, found: list[str]) -> None:
    assert sorted(codes(text, "POL010", "LNT")) == found


def test_what_is_quoted_is_no_comment() -> None:
    text = 'injection:\n  exclude: [{rule: SMCP631, reason: "x # smcp: ignore[POL503] y"}]\n'
    assert codes(text, "POL503", "LNT") == ["POL503"]


def test_a_comment_about_a_rule_that_did_not_run_is_not_called_unused() -> None:
    text = "mode: enforce # smcp: ignore[POL010] a trial\n"
    assert codes(text, "POL101", "LNT") == []
    assert codes(text, "POL010", "LNT") == ["LNT002"]


def test_json_with_comments_has_such_comments_too() -> None:
    token = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"
    entry = f'"env": {{"T": "{token}"}}'
    text = f'{{"mcpServers": {{"a": {{"command": "x", {entry}}}}}}} // smcp: ignore[POL002] a dead token\n'
    found = document("mcp.json", text)
    assert isinstance(found, Document)
    assert examined(found, {"POL002": rules()["POL002"]}) == ([], 1)
