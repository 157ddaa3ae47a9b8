"""Rules about what a client hands to a server: secrets where others see them, variables that run code, whole files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.launch import Word, commands, servers
from smcp_security.lint.packages import container
from smcp_security.lint.registry import rule
from smcp_security.policy.places import Path, shown_key
from smcp_security.redaction.naming import says

_RUNNING: Final = frozenset(
    "LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH NODE_OPTIONS PYTHONSTARTUP PYTHONHOME"
    " BASH_ENV ENV PERL5OPT RUBYOPT JAVA_TOOL_OPTIONS _JAVA_OPTIONS GIT_SSH_COMMAND PROMPT_COMMAND PYTHONINSPECT"
    " ELECTRON_RUN_AS_NODE PERL5LIB".split()
)
_HARMLESS_OPTIONS: Final = re.compile(
    r"(?:\s*--(?:max-old-space-size|no-warnings|use-system-ca|dns-result-order)\S*)*\s*"
)
_TLS_VARIABLES: Final = {
    "NODE_TLS_REJECT_UNAUTHORIZED": "0", "PYTHONHTTPSVERIFY": "0", "GIT_SSL_NO_VERIFY": "1|true|yes",
    "CURL_INSECURE": "1|true", "SSL_VERIFY": "0|false|no", "VERIFY_SSL": "0|false|no", "TLS_VERIFY": "0|false|no",
    "SSL_CERT_VERIFICATION": "0|false|no", "NPM_CONFIG_STRICT_SSL": "false", "INSECURE_SKIP_VERIFY": "1|true|yes",
    "SKIP_TLS_VERIFY": "1|true|yes", "UV_INSECURE_HOST": ".+",
}  # fmt: skip
_TLS_OPPOSITE: Final = {"0": "1", "1": "0", "false": "true", "true": "false", "no": "yes", "yes": "no"}
_TLS_FLAGS: Final = re.compile(
    r"--(?:insecure(?:-skip-verify|-skip-tls-verify)?|no-check-certificate|no-verify-ssl|no-ssl-verify|ignore-https-errors"
    r"|skip-tls-verify|allow-insecure(?:-host)?|ignore-certificate-errors|tls-skip-verify|allow-self-signed)(?:=(?:true|1|yes))?"
)
_INPUT: Final = re.compile(r"\$\{input:([^}]+)\}")
_QUERY: Final = re.compile(r"[?&]([^=&#\s]+)=([^&#\s]+)")
# What is no reference is a credential in the file, which another rule finds.
_USER: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*[$%{][^/@\s]*@", re.IGNORECASE)
# What `smcp proxy` and others look up for themselves.
_NAMED: Final = re.compile(r"(?:vault|env|file|op|keychain):(?://)?[\w./-]+")
_FILES: Final = ("envFile", "env_file", "envfile", "dotenv")


@rule("CFG401", "secret-in-arguments", "medium", "medium", reads="client")
def secret_in_arguments(document: Document) -> Iterator[Found]:
    """A credential is handed over on the command line, or in an address.

    Why:
        Every user of the machine sees the arguments of all programs, and addresses stand in the logs of everything on
        the way. A reference such as `${TOKEN}` helps the file, and not this.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": ["--api-key", "${NOTES_KEY}"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": [], "env": {"NOTES_KEY": "${NOTES_KEY}"}}}}
    Fix:
        Hand it over in `env`, or in a header; `smcp proxy --env NAME=vault://notes` takes it from the vault.
    See: docs/proxy.md#secrets-for-the-server https://cwe.mitre.org/data/definitions/214.html
    """
    for server in servers(document):
        shown = {
            path: None
            for command in commands(server)
            for word, following in zip(command.arguments, (*command.arguments[1:], None), strict=False)
            if (path := _shown(word, following)) is not None
        }
        for path in shown:
            yield Found(path, "is seen by every user of this machine; hand it over in env")
        for address in server.addresses:
            named = any(says(name) and value not in ("true", "false") for name, value in _QUERY.findall(address.text))
            if named or _USER.match(address.text):
                yield Found(address.path, "has a credential in its address, which logs keep; use a header")


def _shown(word: Word, following: Word | None) -> Path | None:
    """Where a credential is that a flag, a variable for a container or a header hands over."""
    flag, equals, value = word.text.partition("=")
    given = Word(value, word.path) if equals else following
    if not flag.startswith("-") or given is None or given.text in ("", "-"):
        return None
    if flag in ("-e", "--env", "-H", "--header"):
        name, parted, value = given.text.partition("=" if flag in ("-e", "--env") else ":")
        return given.path if parted and says(name) and _NAMED.match(value) is None else None
    elsewhere = given.text.startswith("--") or _is_file(flag, given.text) or _NAMED.match(given.text) is not None
    is_secret = says(flag) and not elsewhere
    return given.path if is_secret else None


def _is_file(flag: str, value: str) -> bool:
    """Whether the credential is in a file, and the argument names that."""
    return flag.endswith(("-file", "_file", "-path", "-name", "-id", "-env", "-url")) or value.startswith(
        ("/", "./", "~")
    )


@rule("CFG402", "environment-of-a-file", "low", reads="client")
def environment_of_a_file(document: Document) -> Iterator[Found]:
    """A server is given every variable of a file.

    Why:
        Such files grow: the server that needed one key has all of them, and nobody sees it here.
    Bad:
        {"servers": {"notes": {"command": "/opt/notes/serve", "envFile": "${workspaceFolder}/.env"}}}
    Good:
        {"servers": {"notes": {"command": "/opt/notes/serve", "env": {"NOTES_KEY": "${env:NOTES_KEY}"}}}}
    Fix:
        Name each variable that the server needs under `env`.
    See: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration https://cwe.mitre.org/data/definitions/272.html
    """
    for server in servers(document):
        for key in _FILES:
            if isinstance(server.said.get(key), str | list):
                yield Found(
                    (*server.path, key), "hands over whatever is in the file; name each variable in env", key=True
                )
        for command in commands(server):
            found = container(command)
            for name, _, word in found.options if found is not None else ():
                if name == "--env-file":
                    yield Found(word.path, "hands over whatever is in the file; name each variable with -e")
        for path, name, _ in server.variables:
            if name in ("*", "..."):
                yield Found(path, "hands over every variable; name each that is needed", key=True)


@rule("CFG403", "variable-that-runs-code", "medium", reads="client")
def variable_that_runs_code(document: Document) -> Iterator[Found]:
    """A variable makes the server, and every program that it starts, load code from elsewhere.

    Why:
        The command that a user approves stays the same, and what runs is another program.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "env": {"NODE_OPTIONS": "--require ./hook.js"}}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve",
          "env": {"NODE_OPTIONS": "--max-old-space-size=2048"}}}}
    Fix:
        Take the variable out; what the server needs is installed with it.
    See: https://attack.mitre.org/techniques/T1574/006/ https://cwe.mitre.org/data/definitions/427.html
    """
    for server in servers(document):
        for path, name, value in server.variables:
            harmless = name.upper() == "NODE_OPTIONS" and _HARMLESS_OPTIONS.fullmatch(value)
            if name.upper() in _RUNNING and value and not harmless:
                yield Found(path, f"{shown_key(name)} makes programs load code from elsewhere; take it out")


@rule("CFG404", "unchecked-certificate", "high", reads="client", fixes="unsafe")
def unchecked_certificate(document: Document) -> Iterator[Found]:
    """Certificates are not checked.

    Why:
        Whoever is on the way can answer in the server's place, and reads the credentials that are sent.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "env": {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "env": {"NODE_EXTRA_CA_CERTS": "/etc/notes/ca.pem"}}}}
    Fix:
        Name the certificate of the authority that is missing: NODE_EXTRA_CA_CERTS, SSL_CERT_FILE.
    See: https://cwe.mitre.org/data/definitions/295.html
    """
    for server in servers(document):
        for path, name, value in server.variables:
            off = _TLS_VARIABLES.get(name.upper())
            if off is not None and re.fullmatch(off, value, re.IGNORECASE):
                yield Found(
                    path, "switches the check of certificates off; name the authority instead", fix=_on(document, path)
                )
        for word in server.words:
            if _TLS_FLAGS.fullmatch(word.text):
                yield Found(word.path, "switches the check of certificates off; name the authority instead")


def _on(document: Document, path: Path) -> Fix | None:
    spelt = document.scalar(path)
    bare = spelt.strip('"')
    other = _TLS_OPPOSITE.get(bare.lower())
    return None if other is None else Fix((document.replaced(path, spelt.replace(bare, other)),), safe=False)


@rule("CFG405", "shown-input", "low", reads="client", fixes="unsafe")
def shown_input(document: Document) -> Iterator[Found]:
    """A credential is asked for in a field that shows it.

    Why:
        Without `password: true` it is on the screen while it is typed, and the editor keeps it in plain text.
    Bad:
        {
          "inputs": [{"id": "notes-token", "type": "promptString", "description": "Token", "password": false}],
          "servers": {"notes": {"command": "/opt/notes/serve", "env": {"NOTES_TOKEN": "${input:notes-token}"}}}
        }
    Good:
        {
          "inputs": [{"id": "notes-token", "type": "promptString", "description": "Token", "password": true}],
          "servers": {"notes": {"command": "/opt/notes/serve", "env": {"NOTES_TOKEN": "${input:notes-token}"}}}
        }
    Fix:
        Write `"password": true`.
    See: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration https://cwe.mitre.org/data/definitions/549.html
    """
    used = {name for _, variable, value in _given(document) if says(variable) for name in _INPUT.findall(value)}
    for path, each in _inputs(document):
        name = each.get("id")
        if each.get("type") != "promptString" or each.get("password") is True or not isinstance(name, str):
            continue
        if says(name) or name in used:
            at: Path = (*path, "password")
            fix = Fix((document.replaced(at, "true"),), safe=False) if document.written(at) else None
            yield Found(at if fix else path, "shows a credential while it is typed; write password: true", fix=fix)


def _given(document: Document) -> Iterator[tuple[Path, str, str]]:
    for server in servers(document):
        yield from server.variables
        yield from server.headers


def _inputs(document: Document) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What the editor asks its user for."""
    nested = document.value.get("mcp")
    for top, path in ((document.value, ()), (nested if isinstance(nested, dict) else {}, ("mcp",))):
        given = top.get("inputs")
        for place, each in enumerate(given if isinstance(given, list) else ()):
            if isinstance(each, dict):
                yield (*path, "inputs", place), each


@rule("CFG406", "undefined-input", "medium", reads="client")
def undefined_input(document: Document) -> Iterator[Found]:
    """A server is given an input that nobody is asked for.

    Why:
        It gets the text `${input:...}` itself for a credential, and starts without one.
    Bad:
        {
          "inputs": [{"id": "notes-token", "type": "promptString", "description": "Token", "password": true}],
          "servers": {"notes": {"command": "/opt/notes/serve", "env": {"NOTES_TOKEN": "${input:note-token}"}}}
        }
    Good:
        {
          "inputs": [{"id": "notes-token", "type": "promptString", "description": "Token", "password": true}],
          "servers": {"notes": {"command": "/opt/notes/serve", "env": {"NOTES_TOKEN": "${input:notes-token}"}}}
        }
    Fix:
        Write the id as `inputs` have it.
    See: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
    """
    known = {each.get("id") for _, each in _inputs(document)}
    for path, value in document.scalars():
        for name in _INPUT.findall(value) if isinstance(value, str) else ():
            if name not in known:
                yield Found(path, f"nobody is asked for {shown_key(name)}; write the id as inputs have it")
