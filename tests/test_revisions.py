"""What each revision defines: its methods, the shape of their params, and keys that only look like the protocol's."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security import revisions
from smcp_security.adapters.strays import is_mcp
from tests.envelopes import LEGACY, MODERN, modern


@pytest.mark.parametrize(
    ("method", "first", "last"),
    [
        ("initialize", "2024-11-05", LEGACY),
        ("ping", "2024-11-05", LEGACY),
        ("logging/setLevel", "2024-11-05", LEGACY),
        ("resources/subscribe", "2024-11-05", LEGACY),
        ("tools/call", "2024-11-05", MODERN),
        ("completion/complete", "2024-11-05", MODERN),
        ("server/discover", MODERN, MODERN),
        ("subscriptions/listen", MODERN, MODERN),
    ],
)
def test_a_method_is_known_from_its_first_revision_to_its_last(method: str, first: str, last: str) -> None:
    known = [revision for revision in revisions.KNOWN if (method, revision) in revisions.requests()]
    start, end = revisions.KNOWN.index(first), revisions.KNOWN.index(last)
    assert known == list(revisions.KNOWN[start : end + 1])


def test_every_revision_is_either_of_the_older_era_or_of_the_newer() -> None:
    assert set(revisions.KNOWN) == set(revisions.LEGACY) | set(revisions.MODERN)
    assert not set(revisions.LEGACY) & set(revisions.MODERN)
    assert MODERN in revisions.MODERN and revisions.ASSUMED in revisions.LEGACY


def test_methods_of_the_tasks_extension_tell_mcp_from_other_traffic() -> None:
    assert {"tasks/get", "tools/call", "notifications/initialized"} <= revisions.methods()
    assert "textDocument/hover" not in revisions.methods()


@pytest.mark.parametrize(
    "twin",
    ["Name", "NAME", "n_ame", "_name", "ＮＡＭＥ", "ｎame", "_Name_", "Arguments", "argumentſ", "Meta", "meta"],
)
def test_a_key_that_only_looks_like_one_of_the_protocol_is_found(twin: str) -> None:
    shape = revisions.requests()["tools/call", LEGACY].shape
    assert shape.twin({"name": "x", "arguments": {}, twin: 1}) == ("*",)


@pytest.mark.parametrize("other", ["names", "nаme", "na me", "x-name", "name2", "", "na\u200bme"])
def test_a_key_of_its_own_is_no_twin(other: str) -> None:
    # The second is Cyrillic: no parser folds it to Latin, so nothing can take it for `name`.
    shape = revisions.requests()["tools/call", LEGACY].shape
    assert shape.twin({"name": "x", other: 1}) is None


def test_users_maps_may_hold_twins_of_protocol_keys() -> None:
    shape = revisions.requests()["tools/call", LEGACY].shape
    arguments = {"Name": 1, "name": 2, "_Meta": {}, "Arguments": {"ARGUMENTS": 1}}
    assert shape.twin({"name": "x", "arguments": arguments}) is None


@pytest.mark.parametrize(
    ("method", "revision", "params", "path"),
    [
        ("completion/complete", LEGACY, {"ref": {"type": "ref/prompt", "Name": "a"}, "argument": {}}, ("ref", "*")),
        ("completion/complete", LEGACY, {"ref": {}, "argument": {"NAME": "a"}}, ("argument", "*")),
        ("initialize", LEGACY, {"clientInfo": {"Version": "1"}}, ("clientInfo", "*")),
        ("initialize", LEGACY, {"capabilities": {"Roots": {}}}, ("capabilities", "*")),
        ("tools/call", LEGACY, {"_meta": {"ProgressToken": 1}}, ("_meta", "*")),
        ("tools/call", MODERN, {"_meta": {"io.modelcontextprotocol/protocolversion": 1}}, ("_meta", "*")),
        ("tools/call", MODERN, {"_meta": {"io.modelcontextprotocol/ProtocolVersion": 1}}, ("_meta", "*")),
        ("tools/call", MODERN, {"requeststate": ""}, ("*",)),
        ("tools/call", MODERN, {"request_state": ""}, ("*",)),
    ],
)
def test_twins_are_found_in_every_object_that_the_protocol_defines(
    method: str, revision: str, params: dict[str, Any], path: tuple[str, ...]
) -> None:
    assert revisions.requests()[method, revision].shape.twin(params) == path


def test_honest_params_of_each_revision_have_no_twin_and_no_misfit() -> None:
    for revision in revisions.LEGACY:
        method = revisions.requests()["tools/call", revision]
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "a", "arguments": {"b": [1]}}}
        assert method.misfit(message) is None and method.shape.twin(message["params"]) is None
    message = modern("tools/call", {"name": "a", "arguments": {}})
    method = revisions.requests()["tools/call", MODERN]
    assert method.misfit(message) is None and method.shape.twin(message["params"]) is None


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({}, "/params/name"),
        ({"name": 7}, "/params/name"),
        ({"name": "a", "arguments": []}, "/params/arguments"),
        ({"name": "a", "arguments": "x"}, "/params/arguments"),
        ([], "/params"),
        (None, "/params"),
    ],
)
def test_params_of_another_shape_are_pointed_at(params: Any, where: str) -> None:
    method = revisions.requests()["tools/call", LEGACY]
    assert method.misfit({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}) == where


@given(st.text(max_size=12), st.integers() | st.lists(st.text(max_size=4), max_size=2))
def test_a_pointer_into_params_never_shows_a_key_that_the_caller_chose(key: str, value: Any) -> None:
    method = revisions.requests()["prompts/get", LEGACY]
    message = {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "a", "arguments": {key: value}}}
    assert method.misfit(message) in ("/params/arguments", "/params/arguments/*")


def test_a_python_spelling_of_a_parameter_is_not_taken_for_it() -> None:
    method = revisions.requests()["initialize", LEGACY]
    params = {"protocol_version": LEGACY, "capabilities": {}, "client_info": {"name": "a", "version": "1"}}
    assert method.misfit({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}) is not None


@pytest.mark.parametrize("key", ["a" + "\u0316\u0301" * 5000, "_" * 5000 + "\u0316" * 5000, "n" * 20_000])
def test_folding_a_key_never_costs_more_than_its_length(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    # NFKC is quadratic in combining marks: one key of 100 KB took two seconds, before any credential was looked at.
    folded: list[int] = []

    def recording(form: Any, text: str) -> str:
        folded.append(len(text))
        return normalize(form, text)

    normalize = unicodedata.normalize
    shape = revisions.requests()["tools/call", LEGACY].shape
    monkeypatch.setattr(unicodedata, "normalize", recording)
    assert shape.twin({"name": "x", key: 1}) is None
    assert revisions.ENVELOPE.twin({key: 1}) is None
    assert not is_mcp(json.dumps({key: 1, "a": {key: 1}}).encode(), ())
    assert max(folded, default=0) <= 1000


def test_underscores_in_any_number_do_not_hide_a_twin() -> None:
    shape = revisions.requests()["tools/call", LEGACY].shape
    assert shape.twin({"name": "x", "_" * 3000 + "Na" + "_" * 3000 + "me": 1}) == ("*",)
