"""Credentials in files: found where they are, never shown, and references to them let alone."""

from __future__ import annotations

import pytest

from smcp_security.lint.document import Document
from smcp_security.lint.inputs import document
from smcp_security.lint.secrets import MASK, secrets_of, shown_lines

# Assembled, and no credential of any kind: what gives it away is the name that it stands under.
VALUE = "orange-" + "Kettle7"
TOKEN = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"


def read(text: str) -> Document:
    """The document that a text is."""
    found = document("f", text)
    assert isinstance(found, Document)
    return found


def shown(text: str) -> str:
    """The text as a report would show it."""
    found = read(text)
    return "\n".join(shown_lines(found, range(1, len(found.starts) + 1)).values())


def server(entry: str) -> str:
    """A client's configuration with one server that has this entry."""
    return f'{{"mcpServers": {{"a": {{"command": "x", {entry}}}}}}}'


HIDDEN = {
    "jwt": f'version: 1\nidentity: {{jwt: [{{issuer: "https://a", algorithms: [HS256], secret: "{VALUE}"}}]}}\n',
    "vault": f"version: 1\nvault:\n  file: v\n  key: {VALUE}\n",
    "next line": f"version: 1\naudit:\n  key:\n    {VALUE}\n",
    "block": f"version: 1\naudit:\n  key: |\n    {VALUE}\n  file: a\n",
    "list": f"version: 1\nvault:\n  file: v\n  key:\n    - {VALUE}\n    - {VALUE}2\n",
    "store": f"version: 1\nstore: redis://:{VALUE}@cache:6379/0\n",
    "query": f"version: 1\nstore: redis://cache:6379/0?password={VALUE}\n",
    "comment": f"version: 1\n# password: {VALUE}\n",
    "broken": f"version: 1\naudit: {{key: {VALUE}\n",
    "environment": server(f'"env": {{"GITHUB_TOKEN": "{VALUE}"}}'),
    "password": server(f'"env": {{"PGPASSWORD":\n "{VALUE}"}}'),
    "option": server(f'"args": ["--api-key", "{VALUE}"]'),
    "option with =": server(f'"args": ["--api-key={VALUE}"]'),
    "url": server(f'"args": ["postgresql://u:{VALUE}@h/db"]'),
    "header": server(f'"headers": {{"Authorization": "Bearer {VALUE}"}}'),
    "own header": server(f'"headers": {{"X-API-Key": "{VALUE}"}}'),
    "address": server(f'"url": "https://x/mcp?api_key={VALUE}"'),
    "shell": f'{{"mcpServers": {{"a": {{"command": "TOKEN={VALUE} npx foo"}}}}}}',
    "broken client": server(f'"env": {{"API_KEY": "{VALUE}"}}')[:-1],
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_stands_under_the_name_of_a_secret_is_never_shown(name: str) -> None:
    assert VALUE not in shown(HIDDEN[name])
    assert "[secret]"[:3] in shown(HIDDEN[name])


@pytest.mark.parametrize("name", ["environment", "password", "option", "option with =", "url"])
def test_what_a_client_hands_to_a_server_is_found_by_its_name(name: str) -> None:
    found = secrets_of(read(HIDDEN[name]))
    assert found is not None
    assert len(found) == 1


@pytest.mark.parametrize(
    "entry",
    [
        '"env": {"GITHUB_TOKEN": "${input:github_token}"}',
        '"env": {"GITHUB_TOKEN": "$GITHUB_TOKEN"}',
        '"env": {"API_KEY": "<your key here>"}',
        '"env": {"API_KEY": "YOUR_API_KEY"}',
        '"env": {"API_KEY": "env:API_KEY"}',
        '"headers": {"Authorization": "Bearer ${TOKEN}"}',
        '"env": {"TOKEN_FILE": "/run/secrets/token"}',
        '"env": {"MAX_TOKENS": "200000000000"}',
        '"args": ["--token-file", "/run/secrets/token"]',
    ],
)
def test_a_reference_to_a_secret_is_none_and_is_shown(entry: str) -> None:
    assert secrets_of(read(server(entry))) == []
    assert MASK not in shown(server(entry))


def test_a_token_is_found_wherever_it_stands_and_once() -> None:
    for text in (
        f"version: 1\n# {TOKEN}\n",
        f"version: 1\ntools: {{a: {{arguments: {{x: {{kind: enum, values: [{TOKEN}]}}}}}}}}\n",
    ):
        found = secrets_of(read(text))
        assert found is not None
        assert [text[each.start : each.end] for each in found] == [TOKEN]
        assert TOKEN not in shown(text)


def test_the_mask_is_as_long_as_what_it_hides() -> None:
    text = f"version: 1 # {TOKEN} end"
    assert len(shown(text)) == len(text)


def test_a_flood_of_credentials_shows_no_line_at_all() -> None:
    text = "version: 1\n" + "".join(f"# {TOKEN[:-6]}{number:06}\n" for number in range(4_000))
    if secrets_of(read(text)) is None:
        assert not shown(text).strip()
    assert TOKEN[:-6] not in shown(text)
