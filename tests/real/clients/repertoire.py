"""Everything an honest client does, as visits of steps; what is asked is the same with and without the middleware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.real.clients.roster import REMOVED, Traveller
from tests.real.clients.steps import Step, add, call, step

TEXTS: Final = ("", "naïve ☕ 日本語 👩‍👩‍👧", "line\nbreak\ttab", '{"a": [1, 2]}', "select a plan and O'Brien")
LISTS: Final = ("tools", "resource_templates", "prompts", "resources")
CHANGED: Final = "notifications/tools/list_changed"
UPDATED: Final = "notifications/resources/updated"


@dataclass(frozen=True)
class Feature:
    """One row of the repertoire: a name and its steps; `kind` is what a client may lack beside the steps."""

    name: str
    steps: Sequence[Step]
    modern: bool = True
    legacy: bool = True
    kind: str = ""


FEATURES: Final = (
    Feature("connect, server facts", [step("hello")]),
    Feature("lists, with pages", [step("list", what=what) for what in LISTS]),
    Feature("text of many scripts", [call("echo", {"text": text}) for text in TEXTS], kind="texts"),
    Feature("structured results, pictures", [add(), call("order", {"item": "tea", "count": 2}), call("picture")]),
    Feature("lenient arguments", [call("add", {"a": "5", "b": 2}), call("add", {"a": 1, "b": 2, "c": 3})],
            kind="lenient"),
    Feature("errors of the server", [call("boom"), call("no_such_tool"), step("read", uri="note://nowhere/at/all"),
                                     step("prompt", name="nobody", arguments={})]),
    Feature("progress", [add(), step("follow", tool="stroll", arguments={"steps": 4})]),
    Feature("log messages", [call("murmur", {"text": "working on it"})], kind="log"),
    Feature("large text, both ways", [call("big", {"size": 200_000}), call("measure", {"text": "word " * 40_000})],
            kind="large"),
    Feature("resources: text, blob, non-ASCII", [step("read", uri=uri) for uri in
                                                 ("note://welcome", "blob://pixel", "book://caf%C3%A9", "book://é")]),
    Feature("prompts", [step("prompt", name="greet", arguments={"name": "Zoë"})]),
    Feature("completion", [step("complete", name="greet", argument={"name": "name", "value": "Be"})]),
    Feature("elicitation, sampling, roots", [call(tool, ask=True) for tool in ("ask", "think", "places")]),
    Feature("a question inside a call", [call("interview", ask=True)], modern=False),
    Feature("log level", [step("level", level="warning")], modern=False),
    Feature("ping", [step("ping")], modern=False),
    Feature("subscription to a resource", [call("settle"), step("subscribe", uri="page://1"), call("kept"),
                                           call("touch", {"uri": "page://1"}), step("wait", method=UPDATED),
                                           step("unsubscribe", uri="page://1"), call("kept")], modern=False),
    Feature("listening for changes", [step("listen", uri="page://1"), call("announce"), step("wait", method=CHANGED),
                                      call("touch", {"uri": "page://1"}), step("wait", method=UPDATED)], legacy=False),
    Feature("list_changed from the server", [call("settle"), call("announce"), step("wait", method=CHANGED)],
            modern=False),
    Feature("notifications to the server", [step("rooted"), step("progress", message="half; done"), call("told")],
            modern=False),
    Feature("cancellation", [step("cancel", tool="endure"), call("gave_up"), add()]),
)  # fmt: skip


def possible(client: Traveller, feature: Feature) -> bool:
    """Whether the client can do the feature at all."""
    wanted = {feature.kind, *(each["do"] for each in feature.steps)}
    wanted |= {"ask" for each in feature.steps if each.get("ask")}
    removed = REMOVED if client.modern else frozenset()
    return (feature.modern if client.modern else feature.legacy) and not wanted & (client.lacks | removed)
