"""What is a secret by where it stands: keys in armour, tokens with a header, values behind names, headers and URLs."""

from __future__ import annotations

import base64
import json

import pytest

from smcp_security.redaction.catalogue import SECRETS
from smcp_security.redaction.redactor import Redactor
from tests.redaction.samples import made

HEX, MIXED, PASSWORD = made("<h40>"), made("<a24>"), "tr0ub" + "4dor-Zq"
BEGIN, END = "-----BEGIN {}PRIVATE " + "KEY{}-----", "-----END {}PRIVATE " + "KEY{}-----"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor([SECRETS])


def seen(redactor: Redactor, text: str, name: str = "") -> list[tuple[str, str]]:
    return [(span.mask, text[span.start : span.end]) for span in redactor.find([text], [name])]


def armoured(kind: str = "", block: str = "", line: str = "\n", body: str = "<a64>") -> str:
    return (
        BEGIN.format(kind, block)
        + line
        + line.join(made(body, row) for row in range(3))
        + line
        + END.format(kind, block)
    )


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("line", ["\n", "\r\n", "\\n", "\\r\\n", " "])
def test_a_private_key_is_masked_as_a_whole(redactor: Redactor, kind: str, line: str) -> None:
    key = armoured(kind, line=line)
    assert seen(redactor, f"here: {key} and more") == [("private-key", key)]


def test_a_private_key_without_an_end_is_masked_as_far_as_it_goes(redactor: Redactor) -> None:
    key = armoured("RSA ").rpartition("\n")[0]
    assert seen(redactor, key) == [("private-key", key)]
    pgp = armoured("PGP ", " BLOCK")
    assert seen(redactor, pgp) == [("private-key", pgp)]
    headed = armoured("RSA ").replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n", 1)
    assert seen(redactor, headed) == [("private-key", headed)]


def test_a_file_of_putty_is_masked_as_a_whole(redactor: Redactor) -> None:
    key = "\n".join(
        (
            "PuTTY-User-Key-" + "File-3: ssh-ed25519",
            "Encryption: none",
            "Comment: ann@laptop",
            "Public-Lines: 1",
            made("<a60>"),
            "Private-Lines: 1",
            made("<a44>"),
            "Private-MAC: " + made("<h64>"),
        )
    )
    assert seen(redactor, f"{key}\n\nthanks!") == [("private-key", key + "\n")] or seen(redactor, key)


def test_what_is_no_private_key_stays(redactor: Redactor) -> None:
    for text in (
        BEGIN.format("", "") + "\nanything\n" + END.format("", ""),
        BEGIN.format("OPENSSH ", "") + END.format("OPENSSH ", ""),
        "the file begins with " + BEGIN.format("RSA ", "") + " and ends with " + END.format("RSA ", ""),
        "PuTTY-User-Key-" + "File-3: is its first line",
        "-----BEGIN PUBLIC KEY-----\n" + made("<a64>") + "\n-----END PUBLIC KEY-----",
    ):
        assert seen(redactor, text) == [], text


def token(header: object, body: object, signature: str = "<w43>") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, body)]
    return ".".join((*parts, made(signature)))


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA", "none"])
def test_a_token_with_a_header_is_masked(redactor: Redactor, algorithm: str) -> None:
    jwt = token({"alg": algorithm, "typ": "JWT"}, {"sub": "ann", "exp": 1})
    for around in ("{}", "Cookie: id={}; path=/", '{{"value": "{}"}}', "a\\n{}\\nb", "<p>{}</p>"):
        assert seen(redactor, around.format(jwt)) == [("jwt", jwt)]


def test_what_has_only_the_form_of_a_token_with_a_header_stays(redactor: Redactor) -> None:
    for text in (
        token({"kid": "1"}, {"a": 1}),
        "eyJub3QiOiJq.eyJub3Qi.x",
        "eyes.eyebrows.eyelids",
        "the header is eyJhbGciOiJub25lIn0",
        token([1, 2, 3], {"alg": "HS256"}),
    ):
        assert seen(redactor, text) == [], text


ASSIGNED = [
    ("password", f'password = "{PASSWORD}"', PASSWORD),
    ("password", f"DB_PASSWORD={PASSWORD}\n", PASSWORD),
    ("password", f'{{"smtpPassword": "{PASSWORD}"}}', PASSWORD),
    ("password", f'{{\\"password\\": \\"{PASSWORD}\\"}}', PASSWORD),
    ("password", f"Server=db;User Id=sa;Password={PASSWORD};Timeout=5", PASSWORD),
    ("password", f"passphrase: {PASSWORD}", PASSWORD),
    ("password", f"postgresql://app:{PASSWORD}@db.example.com:5432/app", PASSWORD),
    ("password", f"redis://:{PASSWORD}@cache:6379/0", PASSWORD),
    ("password", f"curl -u ann:{PASSWORD} https://example.com", PASSWORD),
    ("password", f"curl --user 'ann:{PASSWORD}' https://example.com", PASSWORD),
    ("password", f"mysqldump --password={PASSWORD} app", PASSWORD),
    ("password", f"BUNDLE_GEMS__EXAMPLE__COM=name:{HEX}", HEX),
    ("secret", f'api_key: "{MIXED}"', MIXED),
    ("secret", f"const clientSecret = '{MIXED}';", MIXED),
    ("secret", f"AWS_SECRET_ACCESS_KEY={made('<a40>')}", made("<a40>")),
    ("secret", f'"access_token1": "{MIXED}"', MIXED),
    ("secret", f"X-Api-Key: {MIXED}", MIXED),
    ("secret", f"private_key => '{HEX}'", HEX),
    ("secret", f"openai_key := {MIXED}", MIXED),
    ("secret", f"https://example.com/cb?access_token={MIXED}&state=1", MIXED),
    ("authorization", f"Authorization: Bearer {MIXED}", MIXED),
    ("authorization", f'-H "Authorization: Token {HEX}"', HEX),
    ("authorization", f"'Authorization': 'Basic {base64.b64encode(f'ann:{PASSWORD}'.encode()).decode()}'", ""),
    ("authorization", f"sent with Bearer {MIXED}.", MIXED),
    ("azure-key", f"AccountName=a;AccountKey={made('<a86>')}==;EndpointSuffix=x", made("<a86>") + "=="),
    ("azure-sas", f"https://a.blob.example.net/c?sv=2024&sig={made('<a43>')}%3D", ""),
    ("slack-webhook", "https://hooks.slack.com/services/" + made("T<c8>/B<c9>/<a24>"), made("T<c8>/B<c9>/<a24>")),
    ("discord-webhook", "https://discord.com/api/webhooks/" + made("<d18>") + "/" + made("<w68>"), made("<w68>")),
    (
        "teams-webhook",
        "https://x.webhook.office.com/webhookb2/"
        + made("<h8>-<h4>-<h4>-<h4>-<h12>@<h8>-<h4>-<h4>-<h4>-<h12>")
        + "/IncomingWebhook/"
        + made("<h32>")
        + "/1",
        "",
    ),
]


@pytest.mark.parametrize(("mask", "text", "value"), ASSIGNED, ids=[text[:28] for _, text, _ in ASSIGNED])
def test_a_value_is_masked_by_where_it_stands(redactor: Redactor, mask: str, text: str, value: str) -> None:
    found = seen(redactor, text)
    assert [each for each, _ in found] == [mask]
    assert not value or found[0][1].rstrip(".") == value


QUIET = [
    "password = os.environ['DB_PASSWORD']",
    "password: ${DB_PASSWORD}",
    "password={{ vault.password }}",
    "password: <your password>",
    'password: "********"',
    'password = "changeme"',
    "password: string",
    'password = ""',
    "password=None",
    "the password: must be long",
    "password_hash_rounds = 12",
    "password_reset_url: https://example.com/reset/password1",
    "passwordPolicy: minLength8",
    "pwd=/home/ann/work1",
    "secret_name: prod-db-1",
    "token_count: 1234567",
    "max_tokens=4096",
    "next_page_token: a1b2c3d4e5f6g7",
    "tokens: 12 of 4096",
    "csrf_token=" + made("<a32>"),
    "token_type: bearer1",
    "api_key = YOUR_API_KEY_HERE",
    "api_key: <api-key>",
    "apiKey: process.env.API_KEY2",
    "api_key=xxxxxxxxxxxxxxxxxxxx",
    "public_key = " + made("<a43>"),
    "publicToken=" + made("<a43>"),
    "credentialsId: " + made("<h8>-<h4>-<h4>-<h4>-<h12>"),
    "kms_key_id=" + made("<h8>-<h4>-<h4>-<h4>-<h12>"),
    "secretRef: db-secret-2",
    "secretKeyRef:\n  name: db-1",
    "token = request.headers.get('x-token2')",
    "private_key_path: /etc/ssl/private/a1.key",
    "Authorization: Bearer <token>",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer XXXXXXXXXXXX",
    "Authorization: Basic ...",
    "Authorization: required",
    "Bearer authentication is used",
    "Bearer tokens expire",
    "the token: abc",
    "https://example.com:8080/a@b",
    "https://user:password@example.com",
    "https://ann@example.com/x",
    "postgres://user:${PGPASSWORD}@db/x",
    "curl -u user:password x",
    'curl -u "$USER:$PASS" x',
    "ssh -p 2222 ann@example.com",
    "git clone git@example.com:a/b.git",
    "--token-limit 4096",
    'type: "password"',
    '{"required": ["password", "token"]}',
    "auth: oauth2",
    "login: ann.smith",
    "key = value1",
    "keyboard: qwertz1",
    "GITHUB_API_KEY=\nDYNATRACE_API_KEY=\n",
    "password combination.\n\nR5: Regulatory--21",
    "secret: true",
    "secret santa: 24 December",
]


@pytest.mark.parametrize("text", QUIET)
def test_a_value_that_is_no_secret_stays(redactor: Redactor, text: str) -> None:
    assert seen(redactor, text) == []


NAMED = [
    ("password", PASSWORD),
    ("smtpPassword", PASSWORD),
    ("client_secret", MIXED),
    ("access_token", MIXED),
    ("apiKey", HEX),
    ("db.password", "letmein-please"),
    ("refreshToken", MIXED),
    ("aws_secret_access_key", made("<a40>")),
]


@pytest.mark.parametrize(("name", "value"), NAMED)
def test_the_name_of_a_field_says_that_its_value_is_a_secret(redactor: Redactor, name: str, value: str) -> None:
    assert [text for _, text in seen(redactor, value, name)] == [value]
    assert seen(redactor, value, "title") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "string"),
        ("password", "********"),
        ("password", "${DB_PASSWORD}"),
        ("password", "<your password>"),
        ("password", "The password of the account, at least 8 characters."),
        ("password", "Passwort"),
        ("password", ""),
        ("token", "next"),
        ("nextPageToken", MIXED),
        ("csrfToken", MIXED),
        ("token_url", "https://example.com/t0ken"),
        ("public_key", MIXED),
        ("secret_name", "prod-db-1"),
        ("credentialId", MIXED),
        ("tokens", "4096"),
        ("auth", "oauth2"),
        ("description", PASSWORD),
        ("", PASSWORD),
        ("password", "[redacted:password]"),
        ("apiKey", "your-api-key-here"),
    ],
)
def test_a_field_that_holds_no_secret_stays(redactor: Redactor, name: str, value: str) -> None:
    assert seen(redactor, value, name) == []


def test_a_value_beside_the_name_of_a_secret_is_masked(redactor: Redactor) -> None:
    texts = ["name", "DB_PASSWORD", "value", PASSWORD, "name", "DB_HOST", "value", PASSWORD]
    names = ["", "name", "", "value"] * 2
    assert [(span.leaf, span.mask) for span in redactor.find(texts, names)] == [(3, "password")]


@pytest.mark.parametrize(
    "around",
    [
        "the password is {}",
        "<password>{}</password>",
        "CREATE USER ann IDENTIFIED BY '{}'",
        "machine example.com login ann password {}",
        "sshpass -p {} ssh ann@example.com",
        '"name": "DB_PASSWORD", "value": "{}"',
        "contraseña: {}",
        "пароль: {}",
    ],
)
def test_a_password_is_masked_where_words_announce_it(redactor: Redactor, around: str) -> None:
    assert seen(redactor, around.format(PASSWORD)) == [("password", PASSWORD)]
    assert seen(redactor, around.format("secret")) == []
    assert seen(redactor, around.format("${DB_PASSWORD}")) == []
