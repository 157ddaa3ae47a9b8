"""What the name of a field or variable says about its value: a password, another secret, or neither. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 96
"""Names of fields are no longer; what is, is text."""

PASSWORD: Final = "password"
SECRET: Final = "secret"
WEAK: Final = "weak"
"""`token`, `auth` and such alone: only a value that looks random is one."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", re.ASCII)
_ENDINGS: Final = frozenset(
    "value val string str text plain plaintext raw literal default prod production dev test live staging old new"
    " current previous primary secondary enc encrypted base64 b64".split()
)
"""Words behind the one that counts: `db_password_value`."""

_PASSWORDS: Final = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "passwort",
    "kennwort",
    "userpass",
    "dbpass",
)
_SECRETS: Final = (
    "secret", "clientsecret", "secretkey", "secretaccesskey", "apikey", "apitoken", "accesstoken", "authtoken",
    "refreshtoken", "idtoken", "bearertoken", "sessiontoken", "securitytoken", "oauthtoken", "bottoken", "usertoken",
    "privatekey", "signingkey", "encryptionkey", "masterkey", "accesskey", "accountkey", "sharedkey", "storagekey",
    "authkey", "servicekey", "deploykey", "licensekey", "apisecret", "appsecret", "appkey", "webhooksecret",
    "signingsecret", "connectionstring", "credential", "credentials", "authorization", "sharedaccesskey", "apipassword",
    "deploytoken", "personalaccesstoken", "registrationtoken", "authenticationtoken", "jwt", "jwtsecret", "seedphrase",
    "mnemonic", "recoverycode", "otpsecret", "totpsecret", "sessionkey", "xapikey", "token", "auth", "accessid",
    "login", "subscriptionkey", "hmackey", "cookiesecret", "secretstring",
)  # fmt: skip
_WEAK: Final = frozenset({"token", "auth", "login", "accessid", "credential", "credentials"})

_VENDORS: Final = frozenset(
    "heroku hubspot mailchimp mailchimpe mailgun openai anthropic stripe sendgrid twilio datadog github gitlab aws"
    " azure gcp google algolia cohere sentry segment amplitude mixpanel intercom zendesk firebase supabase pinecone"
    " tavily serpapi giphy newrelic grafana rollbar bugsnag fastly cloudflare digitalocean linear notion".split()
)
"""`HEROKU_KEY`, `openai_key`: the key of a service."""

_OTHERS: Final = frozenset(
    "next page pagination continuation continue cursor sync csrf xsrf cancellation cancel public start end stop bos eos"
    " pad sep cls mask unk special input output prompt completion max min num total count design syntax separator reply"
    " resume watch change delta request progress resource first last page previous nextpage nextsync antiforgery"
    " authenticity idempotency lexer parser string identifier comment punctuation keyword operator".split()
)
"""Words before `token` that make it no credential: cursors, parts of texts, protections of forms."""


def says(name: str) -> str:
    """`PASSWORD`, `SECRET` or `WEAK` for the name of what holds a credential, else the empty text."""
    return _says(name) if _is_name(name) else ""


def spoken(name: str) -> str:
    """The name as words apart: `homePhone` and `home_phone` are `home phone`."""
    return _spoken(name) if _is_name(name) else ""


def _is_name(name: str) -> bool:
    # Asked before anything is remembered: a server chooses how long its keys are.
    return len(name) <= LONGEST and "[redacted:" not in name


@lru_cache(maxsize=4096)
def _says(name: str) -> str:
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and (words[-1].isdigit() or words[-1] in _ENDINGS):
        words.pop()
    if not words:
        return ""
    joined = "".join(words[-5:])
    if joined.endswith(_PASSWORDS) or joined in {"pass", "pw"}:
        return PASSWORD
    if words[-1] == "key" and len(words) > 1 and words[-2] in _VENDORS:
        return SECRET
    if not joined.endswith(_SECRETS) or any(word in _OTHERS for word in words[:-1]):
        return ""
    return SECRET if any(joined.endswith(ending) and ending not in _WEAK for ending in _SECRETS) else WEAK


@lru_cache(maxsize=4096)
def _spoken(name: str) -> str:
    return " ".join(word.lower() for word in _WORDS.findall(name)) if name.isascii() else name.lower()
