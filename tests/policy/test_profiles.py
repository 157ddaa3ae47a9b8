"""Profiles are defaults: they fill what is left out, and weaken neither transport nor parsing."""

from __future__ import annotations

import pytest

from smcp_security.policy import InjectionPolicy, Policy
from smcp_security.policy.profiles import CATEGORIES, PROFILES


@pytest.mark.parametrize(("profile", "level"), [("minimal", 1), ("standard", 2), ("maximum", 3)])
def test_a_profile_sets_the_level_of_detection(profile: str, level: int) -> None:
    assert Policy.from_dict({"profile": profile}).injection.level == level


@pytest.mark.parametrize(
    ("profile", "annotated"),
    [("minimal", {"prompt", "html", "template", "nosql"}), ("standard", {"prompt"}), ("maximum", set())],
)
def test_a_profile_blocks_every_category_that_it_does_not_annotate(profile: str, annotated: set[str]) -> None:
    action = Policy.from_dict({"profile": profile}).injection.action
    assert set(action) == set(CATEGORIES)
    assert {category for category, what in action.items() if what != "block"} == annotated
    assert set(action.values()) <= {"block", "annotate"}


def test_the_standard_profile_is_the_default() -> None:
    assert Policy.from_dict({"profile": "standard"}) == Policy()


def test_the_maximum_profile_denies_unknown_schemas_and_unrecorded_calls() -> None:
    policy = Policy.from_dict({"profile": "maximum"})
    assert (policy.arguments.unknown_schema, policy.audit.on_failure) == ("deny", "deny")
    assert (Policy().arguments.unknown_schema, Policy().audit.on_failure) == ("allow", "continue")


def test_an_explicit_key_wins_over_the_profile_and_its_neighbours_stay() -> None:
    policy = Policy.from_dict({
        "profile": "maximum",
        "injection": {"level": 1, "action": {"html": "off"}},
        "arguments": {"unknown_schema": "allow"},
    })  # fmt: skip
    assert (policy.injection.level, policy.arguments.unknown_schema) == (1, "allow")
    assert (policy.injection.action["html"], policy.injection.action["prompt"]) == ("off", "block")


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_touches_transport_parsing_or_limits(profile: str) -> None:
    policy, standard = Policy.from_dict({"profile": profile}), Policy()
    assert policy.server == standard.server
    assert policy.limits == standard.limits
    assert (policy.results.max_size, policy.results.strip) == (standard.results.max_size, standard.results.strip)
    assert policy.mode == standard.mode


@pytest.mark.parametrize("profile", ["minimal", "standard", "maximum"])
def test_every_profile_masks_credentials_in_results(profile: str) -> None:
    assert "secrets" in Policy.from_dict({"profile": profile}).results.redact
    assert Policy.from_dict({"profile": profile, "results": {"redact": []}}).results.redact == ()


def test_every_profile_names_the_same_keys() -> None:
    assert len({frozenset(table) for table in PROFILES.values()}) == 1


def test_a_section_made_alone_has_an_action_for_every_category() -> None:
    assert set(InjectionPolicy(action={"sql": "off"}).action) == set(CATEGORIES)
