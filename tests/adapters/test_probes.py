"""The paths that an edge answers by itself: the same at every HTTP edge, for those who may ask, past every rung."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from django.http import HttpRequest, HttpResponse

from smcp_security.adapters import probes
from smcp_security.adapters.sending import send_answer
from smcp_security.decision import Answer
from tests.adapters import exchange, wsgi_exchange
from tests.adapters.django import project

PROBES = {"probes": {}}
Ask = Callable[..., Any]


def _asgi(policy: dict[str, Any], **asked: Any) -> Any:
    fields = asked.pop("fields", [("host", "127.0.0.1:8000")])
    return anyio.run(
        exchange.asking(fields=fields, **asked).through, exchange.guarded(exchange.Server(answer=b"app"), **policy)
    )


def _wsgi(policy: dict[str, Any], **asked: Any) -> Any:
    if (client := asked.pop("client", "127.0.0.1")) != "127.0.0.1":
        asked["REMOTE_ADDR"] = client[0] if client else ""
    if root := asked.pop("root_path", ""):
        asked |= {"SCRIPT_NAME": root, "path": asked["path"].removeprefix(root)}

    def app(environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"app"]

    return wsgi_exchange.through(wsgi_exchange.behind(app, **policy), wsgi_exchange.asking(**asked))


def _django(server: str) -> Ask:
    def ask(policy: dict[str, Any], **asked: Any) -> Any:
        if server == "wsgi":
            if (client := asked.pop("client", "127.0.0.1")) != "127.0.0.1":
                asked["REMOTE_ADDR"] = client[0] if client else ""
            if root := asked.pop("root_path", ""):
                asked |= {"SCRIPT_NAME": root, "path": asked["path"].removeprefix(root)}
        else:
            asked.setdefault("fields", [("host", "127.0.0.1:8000")])

        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(b"app")

        asked.setdefault("method", "GET")
        return project.served(server, view, asked, SMCP_POLICY=project.framework(**policy))

    return ask


EDGES: dict[str, Ask] = {"asgi": _asgi, "wsgi": _wsgi, "django": _django("wsgi"), "django-asgi": _django("asgi")}


@pytest.fixture(params=EDGES)
def ask(request: pytest.FixtureRequest) -> Ask:
    return EDGES[request.param]


def test_an_edge_answers_that_the_process_lives(ask: Ask) -> None:
    got = ask(PROBES, path="/livez")
    assert (got.status, got.value) == (200, {"status": "live"})
    assert got.headers["content-type"] == "application/json"
    assert got.headers["cache-control"] == "no-store"


def test_an_edge_answers_that_it_is_ready_and_how_each_part_is(ask: Ask) -> None:
    got = ask(PROBES, path="/readyz")
    assert (got.status, got.value["status"]) == (200, "ready")
    assert {name: part["ok"] for name, part in got.value["parts"].items()} == {
        "store": True,
        "audit": True,
        "policy": True,
    }
    assert got.value["parts"]["store"]["detail"] == "in memory"


def test_a_probe_from_another_machine_is_not_told_why(ask: Ask) -> None:
    got = ask(PROBES, path="/readyz", client=("10.1.2.3", 4711))
    assert got.value == {"status": "ready", "parts": {name: {"ok": True} for name in ("store", "audit", "policy")}}


def test_a_probe_over_a_unix_socket_comes_from_here(ask: Ask) -> None:
    assert "detail" in ask(PROBES, path="/readyz", client=None).value["parts"]["store"]


def test_a_policy_without_probes_leaves_the_paths_to_the_app(ask: Ask) -> None:
    assert ask({}, path="/livez").body == b"app"


def test_a_path_that_is_null_is_the_apps(ask: Ask) -> None:
    policy = {"probes": {"live": None, "ready": "/readyz"}}
    assert ask(policy, path="/livez").body == b"app"
    assert ask(policy, path="/readyz").status == 200


@pytest.mark.parametrize("path", ["/livez", "/Livez/", "//livez", "/./livez"])
def test_a_path_is_read_as_the_paths_of_mcp_are(ask: Ask, path: str) -> None:
    assert ask(PROBES, path=path).value == {"status": "live"}


@pytest.mark.parametrize("path", ["/livez2", "/a/livez", "/live", "/"])
def test_another_path_is_the_apps(ask: Ask, path: str) -> None:
    assert ask(PROBES, path=path).body == b"app"


def test_a_root_path_is_subtracted(ask: Ask) -> None:
    assert ask(PROBES, path="/api/livez", root_path="/api").value == {"status": "live"}


def test_a_head_request_is_answered_alike(ask: Ask) -> None:
    got = ask(PROBES, path="/livez", method="HEAD")
    assert (got.status, got.headers["content-length"]) == (200, str(len(b'{"status":"live"}')))


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_another_method_is_the_apps(ask: Ask, method: str) -> None:
    assert ask(PROBES, path="/livez", method=method).body == b"app"


def test_a_kubelet_that_names_an_address_as_the_host_is_answered(ask: Ask) -> None:
    fields = [("host", "10.244.0.7:8000"), ("user-agent", "kube-probe/1.33")]
    assert ask(PROBES, path="/readyz", fields=fields, client=("10.244.0.1", 4711)).status == 200


def test_a_stranger_gets_what_the_app_has_there(ask: Ask) -> None:
    assert ask(PROBES, path="/readyz", client=("203.0.113.7", 4711)).body == b"app"


def test_networks_say_who_may_ask(ask: Ask) -> None:
    policy = {"probes": {"networks": ["203.0.113.0/24"]}}
    assert ask(policy, path="/livez", client=("203.0.113.7", 4711)).value == {"status": "live"}
    assert ask(policy, path="/livez").body == b"app"


def test_who_comes_through_a_trusted_proxy_is_known_by_the_address_that_it_tells(ask: Ask) -> None:
    policy = {**PROBES, "server": {"trusted_proxies": ["127.0.0.1/32"]}}

    def through(address: str) -> bytes:
        fields = [("host", "mcp.example.com"), ("x-forwarded-for", address)]
        body: bytes = ask(policy, path="/livez", fields=fields).body
        return body

    assert json.loads(through("10.1.2.3")) == {"status": "live"}
    assert through("203.0.113.7") == b"app"


@pytest.mark.parametrize(
    "mark",
    [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("cf-connecting-ip", "127.0.0.1"),
    ],
)
def test_who_comes_through_a_proxy_that_is_not_trusted_is_a_stranger(ask: Ask, mark: tuple[str, str]) -> None:
    assert ask(PROBES, path="/readyz", fields=[("host", "127.0.0.1"), mark]).body == b"app"


def test_a_trusted_proxy_that_tells_no_address_does_not_lend_its_own(ask: Ask) -> None:
    policy = {**PROBES, "server": {"trusted_proxies": ["127.0.0.1/32"]}}
    assert ask(policy, path="/livez", fields=[("x-real-ip", "203.0.113.7")]).body == b"app"
    assert ask(policy, path="/livez", fields=[("x-forwarded-for", "nobody")]).body == b"app"


def test_a_probe_is_no_record_of_the_audit(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smcp_security.audit")
    assert ask(PROBES, path="/readyz").status == 200
    assert [record for record in caplog.records if record.name == "smcp_security.audit"] == []


def test_what_is_mcp_is_judged_as_ever() -> None:
    got = anyio.run(exchange.posting(b"no json").through, exchange.guarded(exchange.Server(), **PROBES))
    assert got.status == 400


def test_the_figures_come_with_their_media_type(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (b"smcp_store_up 1\n", "text/plain; version=1.0.0; charset=utf-8")
    monkeypatch.setattr("smcp_security.metrics.exposition", lambda: page)
    got = ask({"metrics": {"prometheus": True}, "probes": {"metrics": "/metrics"}}, path="/metrics")
    assert (got.status, got.body, got.headers["content-type"]) == (200, *page)
    assert got.headers["cache-control"] == "no-store"


def test_figures_that_cannot_be_read_are_an_answer_too(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> tuple[bytes, str]:
        raise FileNotFoundError(2, "a folder")

    monkeypatch.setattr("smcp_security.metrics.exposition", gone)
    got = ask({"metrics": {"prometheus": True}, "probes": {"metrics": "/metrics"}}, path="/metrics")
    assert (got.status, got.value) == (503, {"status": "unreadable"})


def test_a_stranger_gets_no_figures(ask: Ask) -> None:
    policy = {"metrics": {"prometheus": True}, "probes": {"metrics": "/metrics"}}
    assert ask(policy, path="/metrics", client=("203.0.113.7", 4711)).body == b"app"


# -- on a port of their own ----------------------------------------------------------------------------------------


def alone(policy: dict[str, Any], **asked: Any) -> exchange.Exchange:
    security = exchange.guarded(exchange.Server(), **policy).framework
    return anyio.run(exchange.asking(**asked).through, probes.app(security))


def test_probes_can_be_served_alone_also_where_the_policy_has_none() -> None:
    assert alone({}, path="/livez").value == {"status": "live"}
    assert alone({}, path="/readyz").status == 200


def test_nothing_else_is_served_there() -> None:
    assert alone({}, path="/elsewhere").status == 404
    assert alone({}, path="/livez", client=("203.0.113.7", 1)).status == 404


def test_an_app_of_probes_starts_and_ends_with_its_server() -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told = exchange.Exchange({"type": "lifespan"}, list(incoming))
    anyio.run(told.through, probes.app(exchange.guarded(exchange.Server()).framework))
    assert [message["type"] for message in told.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_an_answer_is_sent_with_its_length() -> None:
    told = exchange.asking()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send_answer(Answer(503, (("x-part", "store"),), b"away"), send)

    anyio.run(told.through, app)
    assert (told.status, told.headers, told.body) == (503, {"x-part": "store", "content-length": "4"}, b"away")
