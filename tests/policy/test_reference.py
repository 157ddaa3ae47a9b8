"""The reference in the documentation: it names every key, its example loads, and its profile table is the real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smcp_security.policy import Policy
from smcp_security.policy.keys import ANY, known_keys
from smcp_security.policy.profiles import CATEGORIES, PROFILES

REFERENCE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", REFERENCE, re.M | re.S))
TOP = REFERENCE.split("## Top level\n")[1].split("\n## ")[0]


def _rows(text: str) -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row for row in rows}


@pytest.mark.parametrize("section", [key for key in known_keys(Policy) if key and key[0] not in ("mode",)])
def test_the_reference_has_a_row_for_every_key_and_no_other(section: tuple[str, ...]) -> None:
    if section == ("injection", "action"):
        assert all(f"`{category}`" in SECTIONS["injection"] for category in CATEGORIES)
        return
    top, *inner = [part for part in section if part != ANY]
    prefix = "".join(f"{part}[]." if part == "exclude" else f"{part}." for part in inner)
    rows = {key.removeprefix(prefix) for key in _rows(SECTIONS[top]) if key.startswith(prefix)}
    assert {key for key in rows if "." not in key} == set(known_keys(Policy)[section])


def test_the_reference_has_a_row_or_a_section_for_every_top_level_key() -> None:
    assert {*_rows(TOP), *SECTIONS} == set(Policy.model_fields)


def test_the_whole_policy_of_the_reference_loads(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(REFERENCE.split("```yaml\n")[1].split("```")[0])
    assert Policy.load(path).tools["sql.query"].schema["required"] == ["query"]


@pytest.mark.parametrize(
    "key", ["max_body", "max_depth", "min_protocol", "unlisted_mcp", "rate_status", "paths", "flood"]
)
def test_the_default_in_the_reference_is_the_real_one(key: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"server:\n  {key}: {_rows(SECTIONS['server'])[key][1].strip('`')}\n")
    assert Policy.load(path) == Policy()


def test_the_profile_table_of_the_reference_is_the_real_one() -> None:
    table = REFERENCE.split("## Profiles\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| `")
    ]
    said = {row[0]: row[1:] for row in rows}
    profiles = [PROFILES[name] for name in ("minimal", "standard", "maximum")]
    for section, key in PROFILES["standard"]:
        if key != "action":
            assert said[f"`{section}.{key}`"] == [str(profile[section, key]) for profile in profiles]
    actions = [profile["injection", "action"] for profile in profiles]
    for category in CATEGORIES:
        row = next(
            (row for name, row in said.items() if f"`{category}`" in name),
            said["`injection.action`: all other categories"],
        )
        assert row == [action[category] for action in actions], category
