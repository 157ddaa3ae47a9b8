"""Tokens of vendors: found wherever they stand, exactly as long as they are; what only begins like one stays."""

from __future__ import annotations

import pytest

from smcp_security.redaction.catalogue import SECRETS, read_masks
from smcp_security.redaction.redactor import Redactor
from tests.redaction.samples import AROUND, TOKENS, filled, made

CASES = [(mask, form) for mask, forms in TOKENS.items() for form in forms]
ELSEWHERE = {
    "private-key",
    "jwt",
    "azure-key",
    "azure-sas",
    "slack-webhook",
    "discord-webhook",
    "teams-webhook",
    "password",
    "secret",
    "authorization",
}
"""Masks whose samples stand in test_credentials.py."""


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor([SECRETS])


def seen(redactor: Redactor, text: str) -> list[tuple[str, str]]:
    return [(span.mask, text[span.start : span.end]) for span in redactor.find([text], [""])]


@pytest.mark.parametrize(("mask", "form"), CASES, ids=[form[:24] for _, form in CASES])
def test_a_token_is_found_wherever_it_stands(redactor: Redactor, mask: str, form: str) -> None:
    for seed, around in enumerate(AROUND):
        token = made(form, seed)
        assert seen(redactor, around.format(token)) == [(mask, token)], around


@pytest.mark.parametrize(("mask", "form"), CASES, ids=[form[:24] for _, form in CASES])
def test_what_only_looks_like_a_token_stays(redactor: Redactor, mask: str, form: str) -> None:
    token = made(form)
    prefix = form[: form.index("<")]
    quiet = [
        filled(form),
        prefix,
        f"keys begin with {prefix}",
        f"{prefix}docs and {prefix}notes",
        f"the{token[:6]} of it",
    ]
    for text in quiet:
        assert seen(redactor, text) == [], text


def test_every_mask_of_secrets_has_samples() -> None:
    masks = {rule.mask for rule in read_masks() if rule.kind == SECRETS}
    assert masks == set(TOKENS) | ELSEWHERE


def test_ids_and_digests_are_no_secrets(redactor: Redactor) -> None:
    quiet = [
        "3f2b8c1e-77aa-4d5e-9b1c-0242ac120002",
        "commit 9a038989604e8da62ecddbe2094b16ce1b778be1",
        "sha256:" + made("<h64>"),
        "data:image/png;base64," + made("<a400>") + "==",
        "order 4711-2026-000123 of 2026-01-31T12:00:00Z",
        "ISBN 978-3-16-148410-0, version 12.4.1-rc.2+build.77",
        "https://example.com/d/1W7KCxOxP-1Fy5EyF2lbJGE2WuKmu5v0suYqoHas1jRM/edit",
        "-----BEGIN PUBLIC KEY-----\n" + made("<a64>\n<a64>") + "\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n" + made("<a64>\n<a64>") + "\n-----END CERTIFICATE-----",
        "ssh-ed25519 " + made("AAAA<a64>") + " ann@laptop",
        "ETag: W/" + made('"<h32>"'),
        "latitude 52.520008, longitude 13.404954, 1700000000000",
    ]
    for text in quiet:
        assert seen(redactor, text) == [], text
