"""Contracts for prompts and resources: by name, glob or template."""

from __future__ import annotations

import pytest

from smcp_security.checks import uri_templates
from smcp_security.policy import Policy
from smcp_security.policy.offers import variables_of


@pytest.mark.parametrize(
    ("template", "names"),
    [("a://{id}", ("id",)), ("a://{+path*}{?q,r*}", ("path", "q", "r")), ("a://{x:3}/{x}", ("x",)), ("a://b*", ()),
     ("a://{user.name}{/more}", ("user.name", "more")), ("a://b", ())],
)  # fmt: skip
def test_the_variables_of_a_template_are_its_names(template: str, names: tuple[str, ...]) -> None:
    assert variables_of(template) == names
    assert set(uri_templates.variables_of(template)) == set(names)


def test_a_prompt_and_a_resource_have_contracts() -> None:
    policy = Policy.from_dict({
        "prompts": {"review_*": {"arguments": {"lang": {"kind": "enum", "values": ["en"]}}}},
        "resources": {
            "docs://{id}": {"arguments": {"id": {"kind": "uuid"}}},
            "web://*": {"uri": {"kind": "url", "schemes": ["web"], "public_only": False}},
        },
    })  # fmt: skip
    assert policy.prompts["review_*"].arguments["/lang"].kind == "enum"
    assert policy.resources["docs://{id}"].arguments["id"].kind == "uuid"
    whole = policy.resources["web://*"].uri
    assert whole is not None and whole.kind == "url"
    assert Policy.from_dict(policy.model_dump(mode="json")) == policy
