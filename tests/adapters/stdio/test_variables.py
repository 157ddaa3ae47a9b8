"""Secrets of the vault in the environment of the server: named on the command line, never written there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.stdio.conversation import Conversation
from smcp_security.adapters.stdio.lines import Line, Part
from smcp_security.adapters.stdio.variables import Variable, handed_out, parse_variable, surroundings
from smcp_security.contexts import RequestContext
from smcp_security.errors import AuditUnavailable, VaultError
from smcp_security.policy import Policy
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.providers import from_callable
from smcp_security.vault.vault import Vault
from tests.audit.records import read_records, tells

KEY = sha256(b"the vault of the proxy").digest()
TOKEN = b"tok-" + b"Zq8x" * 6
ACCENTS = "tok-é-ü-" + "Vw7" * 4
Made = Callable[..., SMCPSecurityFramework]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("TOKEN", "expected NAME=vault://SECRET; variables of this environment are passed on"),
        ("TOKEN=hunter2hunter2", "TOKEN: expected vault://SECRET: a value on a command line can be read by others"),
        ("TOKEN=env:OTHER", "TOKEN: expected vault://SECRET"),
        ("TOKEN=vault://", "TOKEN: expected vault:// and the name of a secret"),
        ("TOKEN=vault://a/b", "TOKEN: expected vault:// and the name of a secret"),
        ("TOKEN=vault://a\n", "TOKEN: expected vault:// and the name of a secret"),
        ("hunter2 hunter2=vault://a", "with a NAME of letters, digits and _"),
        ("=vault://a", "with a NAME of letters, digits and _"),
        ("T\u00f6KEN=vault://a", "with a NAME of letters, digits and _"),
    ],
)
def test_what_names_no_secret_is_refused_without_being_shown(text: str, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_variable(text)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value) and "OTHER" not in str(caught.value)


def test_a_variable_and_the_name_of_its_secret_are_read() -> None:
    assert parse_variable("GITHUB_TOKEN=vault://github.token-1") == Variable("GITHUB_TOKEN", "github.token-1")


def test_the_keys_of_the_vault_do_not_reach_the_server() -> None:
    vault = {"file": "v", "key": ["env:VAULT_A", "passphrase:env:VAULT_B", "file:/k"]}
    given = dict.fromkeys(("VAULT_A", "VAULT_B", "VAULT_C"), "x")
    assert list(surroundings(given, Policy.model_validate({"vault": vault}))) == ["VAULT_C"]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A vault with secrets of several kinds."""
    path = str(tmp_path_factory.mktemp("vault") / "v.smcp")
    made = Vault(FileStore(path), from_callable(lambda: KEY), clock=time.time)
    made.create()
    made.put("github", TOKEN)
    made.put("octets", b"\xff\xfe not UTF-8 \x01")
    made.put("accents", ACCENTS.encode())
    made.put("nul", b"a-token-with-\0-in-it")
    made.put("pin", b"1234")
    made.put("own", TOKEN, tenant="acme")
    return path


@pytest.fixture
def make(vault: str, tmp_path: Path) -> Iterator[Made]:
    """Frameworks with that vault; closed with the test."""
    made: list[SMCPSecurityFramework] = []

    def one(**sections: object) -> SMCPSecurityFramework:
        policy = {"vault": {"file": vault, "key": "env:NONE"}, "audit": {"file": str(tmp_path / "audit")}, **sections}
        made.append(SMCPSecurityFramework(policy, vault_key=lambda: KEY))
        return made[-1]

    yield one
    for each in made:
        each.close()


def test_a_secret_is_handed_out_as_it_is_and_written_down(make: Made, tmp_path: Path) -> None:
    framework = make()
    got = handed_out(framework, [Variable("A", "github"), Variable("B", "accents")])
    assert (got["A"].encode(), got["B"]) == (TOKEN, ACCENTS)
    assert framework.flush()
    lines = read_records(tmp_path / "audit")
    assert [(each["kind"], each["secret"], each["version"], each["caller"]) for each in lines] == [
        ("secret", "github", 1, None),
        ("secret", "accents", 1, None),
    ]
    assert not tells(tmp_path / "audit", TOKEN.decode())
    assert framework.sought() is not None


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("gitlab", "no secret gitlab"),
        ("pin", "no secret pin of at least 12 bytes"),
        ("own", "no secret own"),
        ("nul", "holds a NUL byte"),
        ("octets", "is no UTF-8, and variables are text; store it in base64"),
    ],
)
def test_a_secret_that_cannot_be_handed_out_is_one_line(make: Made, secret: str, told: str) -> None:
    with pytest.raises(VaultError, match=told):
        handed_out(make(), [Variable("A", secret)])


def test_nothing_is_handed_out_that_cannot_be_written_down(make: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    framework = make()

    def full(record: object) -> None:
        raise AuditUnavailable("the queue is full")

    monkeypatch.setattr(framework._armed.sink, "write", full)
    with pytest.raises(AuditUnavailable):
        handed_out(framework, [Variable("A", "github")])


def test_without_a_vault_only_what_asks_for_nothing_starts(framework: SMCPSecurityFramework) -> None:
    assert handed_out(framework, []) == {}
    with pytest.raises(VaultError, match="the policy has no vault"):
        handed_out(framework, [Variable("A", "github")])


def test_a_line_over_the_cap_that_may_hold_a_secret_does_not_pass_unjudged(make: Made) -> None:
    watched = make(mode={"results": "monitor"}, limits=[])
    head, end = Line(b'{"jsonrpc": "2.0", "method": "x", "params": "' + TOKEN, Part.HEAD), Line(b'"}', Part.END)
    for variables, passes in (([], True), ([Variable("A", "github")], False)):
        handed_out(watched, variables)
        conversation = Conversation(watched, RequestContext(ip_address="stdio"))
        said = [conversation.from_server(head).client, conversation.from_server(end).client]
        assert (TOKEN in b"".join(said)) is passes
