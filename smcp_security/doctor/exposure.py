"""What a deployment shows to more than it should: wildcard hosts, debugging. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.doctor import starlette
from smcp_security.doctor.codes import Found
from smcp_security.doctor.routes import Survey, name_of
from smcp_security.policy import Policy


def exposed(survey: Survey) -> Iterator[Found]:
    """What the frameworks' applications say of themselves."""
    for application in survey.applications:
        where = application.prefix or "/"
        if application.debug:
            yield Found("DOC022", where, name_of(application.thing))
        if application.any_host:
            yield Found("DOC021", where, "ALLOWED_HOSTS")
    wild = {id(layer.thing): layer for route in survey.routes for layer in route.layers}
    for layer in wild.values():
        if starlette.admits_any_host(layer):
            yield Found("DOC021", layer.prefix or "/", layer.name)


def admits_any_host(policy: Policy, where: str) -> Iterator[Found]:
    """Whether the policy does."""
    if policy.server.hosts is not None and "*" in policy.server.hosts:
        yield Found("DOC020", where)
