"""What is refused where a kind was only guessed: certain attacks, and no honest value."""

from __future__ import annotations

import pytest

from smcp_security.contracts.refusals import hostile


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("path", "../../../.kube/config", "SMCP510"),
        ("path", "a/%2e%2e/%2e%2e/secret", "SMCP510"),
        ("path", "..\\..\\secret", "SMCP510"),
        ("url", "http://169.254.169.254/metadata/identity", "SMCP512"),
        ("url", "http://2852039166/", "SMCP512"),
        ("url", "http://[::ffff:169.254.169.254]/", "SMCP512"),
        ("hostname", "metadata.google.internal", "SMCP512"),
        ("sql", "COMMIT; DROP SCHEMA public CASCADE;", "SMCP513"),
        ("argv_token", "--output=/home/u/.bashrc", "SMCP515"),
        ("argv_token", "--upload-pack=touch x", "SMCP515"),
        ("argv_token", "--exec", "SMCP515"),
        ("argv_token", "-o/home/u/.bashrc", "SMCP515"),
        ("argv_token", " --output x", "SMCP515"),
        ("argv_token", "-c core.pager=x", "SMCP515"),
        ("identifier", "../../admin/keys", "SMCP516"),
        ("identifier", "%2e%2e%2fadmin", "SMCP516"),
        ("identifier", "a\r\nX-Role: root", "SMCP516"),
        ("uuid", "a\0b", "SMCP516"),
        ("email", "ann@example.com\r\nBcc: all@example.com", "SMCP517"),
    ],
)
def test_what_no_honest_value_holds_is_refused(kind: str, value: str, code: str) -> None:
    fault = hostile(kind, value)
    assert fault is not None
    assert fault.code == code
    assert value.strip() not in fault.accepted


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("path", "/home/ann/notes 100%.txt"), ("path", "src/../README.md"), ("path", "v1..v2"), ("path", "~/x"),
        ("url", "https://example.com/a/../b?x=1"), ("url", "http://localhost:3000/"), ("url", "http://192.168.1.1/"),
        ("url", "not a URL at all"), ("hostname", "10.0.0.5"), ("hostname", "example.com"),
        ("sql", "SELECT 1;"), ("sql", "SELECT ';' FROM a WHERE b = 'x; y'"),
        ("argv_token", "HEAD~1"), ("argv_token", "main..feature/x-y"), ("argv_token", "-"), ("argv_token", "--cached"),
        ("argv_token", "v1.0-rc1"), ("identifier", "ann@example.com"), ("identifier", "a/b"),
        ("identifier", "https://example.com/d/1?id=2"), ("identifier", "42\n"), ("uuid", "badae"),
        ("email", "Ann <ann@example.com>, bob@example.com"), ("email", "a@example.com\nb@example.com"),
        ("document", "../../x; DROP TABLE a"), ("text", "../.."), ("no such kind", "../.."),
    ],
)  # fmt: skip
def test_an_honest_value_of_the_kind_passes(kind: str, value: str) -> None:
    assert hostile(kind, value) is None


@pytest.mark.parametrize("kind", ["path", "url", "hostname", "sql", "argv_token", "identifier", "email"])
@pytest.mark.parametrize("piece", ["../", "%25", "-", "\n", ";", "'", "http://", " ", "--a", "\r\nx-"])
def test_long_text_is_an_answer_and_no_error(kind: str, piece: str) -> None:
    for size in (20_000, 40_000):
        hostile(kind, piece * size)
    assert hostile(kind, "x" * 100_000) is None
