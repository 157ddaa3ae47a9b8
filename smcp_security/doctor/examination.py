"""One examination: an application or server object that is up, judged part by part; the outcome as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smcp_security.doctor import django, placement, secrets
from smcp_security.doctor.codes import Found
from smcp_security.doctor.endpoints import of_mcp
from smcp_security.doctor.exposure import admits_any_host, exposed
from smcp_security.doctor.origins import Origins, same
from smcp_security.doctor.reachability import unreachable
from smcp_security.doctor.routes import Layer, Route, Survey, name_of
from smcp_security.doctor.servers import Server, bypassed, insecure, is_server, servers_in
from smcp_security.doctor.walk import survey
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy


@dataclass(slots=True)
class Report:
    """What was seen and found, ready for JSON."""

    target: str
    kind: str
    routes: list[dict[str, Any]] = field(default_factory=list)
    servers: list[dict[str, Any]] = field(default_factory=list)
    unseen: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)

    def note(self, found: Iterator[Found]) -> None:
        """Add findings; the same one at the same place is told once."""
        for each in found:
            row = each.row
            facts = {
                "code": row.code, "slug": row.slug, "level": row.level, "where": each.where, "detail": each.detail,
                "meaning": row.meaning, "remedy": row.remedy,
            }  # fmt: skip
            if facts not in self.findings:
                self.findings.append(facts)


@dataclass(frozen=True, slots=True)
class Examination:
    """What the operator asks: `given` is the policy of whatever names none itself."""

    target: str
    given: Policy
    offline: bool = False

    def of(self, app: Any, names: Mapping[str, Any]) -> Report:
        """The report on `app`, which stands in a module that has these `names`. Raises what its middleware raises."""
        if is_server(app):
            return self._of_server(app)
        seen = survey(app)
        origins = Origins(seen.routes)
        servers = [*servers_in(names, self.target.partition(":")[0])]
        report = Report(self.target, _kind(seen))
        frameworks = {id(layer.thing): _framework_of(layer) for layer in _guards(seen)}
        policies = {place: framework.policy for place, framework in frameworks.items()}
        self._judge_routes(seen, policies, report, lambda route: _judges(origins.of(route), servers))
        report.note(exposed(seen))
        self._judge_policies([*policies.values()] or [self.given], report)
        served = [server for route in seen.routes if (server := origins.of(route)) is not None]
        self._judge_servers(servers, served, report)
        wanted = secrets.asked([*(server.thing for server in servers), *served], names)
        self._judge_secrets(wanted, [*frameworks.values()], report)
        return report

    def _of_server(self, server: Any) -> Report:
        report = Report(self.target, "server")
        self._judge_servers([Server(self.target, server)], (), report)
        self._judge_policies([self.given], report)
        self._judge_secrets(secrets.asked([server], {}), (), report)
        return report

    def _judge_routes(
        self, seen: Survey, policies: Mapping[int, Policy], report: Report, judges: Callable[[Route], bool]
    ) -> None:
        report.unseen = [_shown(route, "shows no routes") for route in seen.opaque]
        named = tuple({path for policy in (*policies.values(), self.given) for path in _own_paths(policy)})

        def paths(route: Route) -> Sequence[str]:
            return (*named, *self._outermost(route, policies).server.paths) if route.guards else named

        for route, why in of_mcp(seen.routes, paths):
            policy = self._outermost(route, policies)
            report.routes.append(_shown(route, why))
            report.note(placement.placed(route, policy, judges))
        for route in seen.opaque:
            if route.path == "/" and not route.guards:
                report.note(iter([Found("DOC050", route.path, name_of(route.endpoint))]))
        for policy in policies.values():
            report.note(placement.unserved(seen.routes, policy))
            report.note(placement.shadowed(seen.routes, policy))

    def _judge_policies(self, policies: Sequence[Policy], report: Report) -> None:
        for policy in {policy.digest: policy for policy in policies}.values():
            report.note(admits_any_host(policy, "server.hosts"))
            if not self.offline:
                report.note(unreachable(policy))

    def _judge_servers(self, servers: Iterable[Server], served: Sequence[Any], report: Report) -> None:
        misplaced = dict(bypassed())
        report.note(iter(misplaced.values()))
        for server in servers:
            report.servers.append(_described(server))
            routed = any(same(server.thing, each) for each in served)
            report.note(insecure(server, routed=routed, misplaced=misplaced))

    def _judge_secrets(
        self, wanted: Sequence[secrets.Asked], frameworks: Sequence[SMCPSecurityFramework], report: Report
    ) -> None:
        """A tool with a framework of its own asks that one, any other what stands in front or would."""
        own = [each.framework for each in wanted if each.framework is not None]
        for framework in {id(each): each for each in own}.values():
            mine = [each for each in wanted if each.framework is framework]
            report.note(secrets.in_vain(mine, framework.policy, framework))
        others = [each for each in wanted if each.framework is None]
        for framework in {id(each): each for each in frameworks}.values():
            report.note(secrets.in_vain(others, framework.policy, framework))
        if not frameworks:
            report.note(secrets.in_vain(others, self.given, None))

    def _outermost(self, route: Route, policies: Mapping[int, Policy]) -> Policy:
        guards = route.guards
        return policies[id(route.layers[guards[0]].thing)] if guards else self.given


def _framework_of(guard: Layer) -> SMCPSecurityFramework:
    """What judges there. Raises an error of ours if its policy cannot be used."""
    framework: SMCPSecurityFramework = getattr(guard.thing, "framework", None) or django.framework()
    return framework


def _own_paths(policy: Policy) -> Sequence[str]:
    """The paths that a policy names itself."""
    return policy.server.paths if "paths" in policy.server.model_fields_set else ()


def _guards(seen: Survey) -> Iterator[Layer]:
    for route in seen.routes:
        for number in route.guards:
            yield route.layers[number]


def _judges(server: Any, known: Iterable[Server]) -> bool:
    """Whether a server judges calls by itself. One behind a route may be the low-level part of one with a name."""
    if server is None:
        return False
    return Server("", server).judges or any(each.judges for each in known if same(each.thing, server))


def _shown(route: Route, why: str) -> dict[str, Any]:
    return {
        "path": route.path,
        "methods": list(route.methods),
        "endpoint": name_of(route.endpoint),
        "why": why,
        "guarded": bool(route.guards),
    }


def _described(server: Server) -> dict[str, Any]:
    return {"name": server.name, "class": name_of(server.thing), "secured": server.judges}


def _kind(seen: Survey) -> str:
    names = [name_of(application.thing) for application in seen.applications]
    return names[0] if names else "application"
