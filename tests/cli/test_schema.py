"""`smcp schema`: what editors check a policy against."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from smcp_security.policy import json_schema
from tests.cli.terminal import smcp


@pytest.fixture(scope="module")
def printed() -> Any:
    """The schema as a user gets it."""
    result = smcp("schema")
    assert (result.code, result.err) == (0, "")
    return result.json


def test_the_schema_of_the_policy_is_printed_whole(printed: Any) -> None:
    assert printed == json_schema()


@pytest.mark.parametrize(
    ("policy", "fits"),
    [
        ({"version": 1, "server": {"max_body": "1MiB"}}, True),
        ({"version": 1, "server": {"max_bodi": "1MiB"}}, False),
        ({"version": 1, "mode": "monitor"}, True),
        ({"version": 1, "mode": "watch"}, False),
        ({"identity": {"api_keys": {"file": "keys.yaml"}}, "store": "redis://cache:6379/0"}, True),
        ({"identity": {"api_keys": {"fiel": "keys.yaml"}}}, False),
        ({"store": "redis://:password@cache"}, False),
        ({"roles": {"dev": {"allow": [{"tools": ["a"], "when": [{"argument": "n", "in": [1, "a"]}]}]}}}, True),
        ({"roles": {"dev": {"allow": [{"tools": ["a"], "when": [{"argument": "n", "one_of": [1]}]}]}}}, False),
        ({"roles": {"my role": {}}}, False),
        ({"limits": [{"per": ["caller", "tool"], "rate": "5/m", "cost": {"argument": "pages", "max": 5}}]}, True),
        ({"limits": [{"per": ["caller", "caller"], "rate": "5/m"}]}, False),
    ],
)
def test_an_editor_tells_a_good_policy_from_a_bad_one_by_it(printed: Any, policy: Any, fits: bool) -> None:
    assert jsonschema.Draft202012Validator(printed).is_valid(policy) is fits
