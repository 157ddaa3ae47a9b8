"""The reference in the documentation: it names every key, its example loads, and its profile table is the real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from smcp_security.policy import IdentityPolicy, IntrospectionPolicy, IssuerPolicy, Policy, StorePolicy
from smcp_security.policy.contracts import KINDS
from smcp_security.policy.document import read_document
from smcp_security.policy.identity import ClaimsPolicy
from smcp_security.policy.keys import ANY, known_keys
from smcp_security.policy.profiles import CATEGORIES, PROFILES
from smcp_security.policy.reach import in_vain
from smcp_security.policy.section import Duration

REFERENCE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", REFERENCE, re.M | re.S))
TOP = REFERENCE.split("## Top level\n")[1].split("\n## ")[0]


def _rows(text: str) -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row for row in rows}


def _prefix(section: tuple[str, ...]) -> str:
    """What the rows of a section begin with: `jwt[].` for entries of a list below the top."""
    lists = [index for index, part in enumerate(section) if part == ANY and index > 1 and section[index - 1] != ANY]
    return "".join(
        f"{part}[]." if index + 1 in lists else f"{part}."
        for index, part in enumerate(section)
        if index and part != ANY
    )


@pytest.mark.parametrize("section", [key for key in known_keys(Policy) if key and key[0] not in ("mode",)])
def test_the_reference_has_a_row_for_every_key_and_no_other(section: tuple[str, ...]) -> None:
    if section == ("injection", "action"):
        assert all(f"`{category}`" in SECTIONS["injection"] for category in CATEGORIES)
        return
    prefix, keys = _prefix(section), set(known_keys(Policy)[section])
    if section[:3] == ("roles", ANY, "deny"):
        assert "list of the same keys without `scopes`" in SECTIONS["roles"]
        prefix = prefix.replace("deny", "allow")
        keys |= {"scopes"} if section[-2:] == ("deny", ANY) else set()
    if section[:2] == ("identity", "introspection"):
        assert all(
            f"`{key}`" in SECTIONS["identity"].split("also has the keys")[1] for key in ClaimsPolicy.model_fields
        )
        keys -= set(ClaimsPolicy.model_fields)
    rows = {key.removeprefix(prefix) for key in _rows(SECTIONS[section[0]]) if key.startswith(prefix)}
    assert {key for key in rows if "." not in key} == keys


def test_the_reference_has_a_row_or_a_section_for_every_top_level_key() -> None:
    assert {*_rows(TOP), *SECTIONS} == set(Policy.model_fields)


def test_the_whole_policy_of_the_reference_loads(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(REFERENCE.split("```yaml\n")[1].split("```")[0])
    schema = Policy.load(path).tools["sql.query"].schema
    assert schema is not None and schema["required"] == ["query"]
    assert list(in_vain(Policy.load(path))) == []


def test_every_other_example_of_the_reference_loads(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    for example in REFERENCE.split("```yaml\n")[2:]:
        path.write_text(
            f"server: {{resource: 'https://a.example', trusted_proxies: [unix]}}\n{example.split('```')[0]}"
        )
        assert Policy.load(path)


CONTRACTS = REFERENCE.split("## Contracts\n")[1].split("\n## ")[0]


def test_the_reference_has_a_row_for_every_kind_and_setting_of_a_contract() -> None:
    settings = {f"{kind}.{key}" for kind, model in KINDS.items() for key in model.model_fields}
    common = {f"{kind}.{key}" for kind in KINDS for key in ("kind", "detect")}
    assert set(_rows(CONTRACTS)) == {*KINDS, *(settings - common), "*.detect"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_of_a_contract_in_the_reference_are_the_real_ones(kind: str) -> None:
    rows = _rows(CONTRACTS)
    for key, info in KINDS[kind].model_fields.items():
        said = rows.get(f"{kind}.{key}", rows["*.detect"])[1]
        if key == "kind":
            continue
        if info.is_required():
            assert said == "required", key
        elif said == "empty":
            assert info.default == "", key
        else:
            default = list(info.default) if isinstance(info.default, tuple) else info.default
            assert read_document(said.strip("`"), "p")[0] == default, key


@pytest.mark.parametrize("section", ["identity", "jwt", "introspection", "store"])
def test_the_defaults_of_a_section_in_the_reference_are_the_real_ones(section: str) -> None:
    model = {
        "identity": IdentityPolicy,
        "jwt": IssuerPolicy,
        "introspection": IntrospectionPolicy,
        "store": StorePolicy,
    }
    rows = _rows(SECTIONS[section if section in SECTIONS else "identity"])
    prefix = "" if section in SECTIONS else f"{section}[]."
    for key, info in model[section].model_fields.items():
        said = rows.get(prefix + key, ["", ""])[1].strip("`")
        if said and not info.is_required() and said not in ("null", "server.resource") and "needed" not in said:
            value = read_document(said, "p")[0]
            written = TypeAdapter(Duration).validate_python(value) if re.fullmatch("[0-9]+[smhd]", said) else value
            default = list(info.default) if isinstance(info.default, tuple) else info.default
            assert written == default, key
        elif said == "null":
            assert info.default is None, key


@pytest.mark.parametrize(
    "key", ["max_body", "max_depth", "min_protocol", "unlisted_mcp", "rate_status", "paths", "flood", "resource"]
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
    for path in PROFILES["standard"]:
        if path[-1] != "action":
            values = [profile[path] for profile in profiles]
            written = [", ".join(value) if isinstance(value, tuple) else str(value) for value in values]
            assert said[f"`{'.'.join(path)}`"] == written
    actions = [profile["injection", "action"] for profile in profiles]
    for category in CATEGORIES:
        row = next(
            (row for name, row in said.items() if f"`{category}`" in name),
            said["`injection.action`: all other categories"],
        )
        assert row == [action[category] for action in actions], category
