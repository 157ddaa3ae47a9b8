"""Rules about what a client runs to start a server: packages that change, shells, folders that others write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.launch import Command, Server, Word, commands, script_of, servers
from smcp_security.lint.packages import packages
from smcp_security.lint.registry import rule

_PROGRAMS: Final = {
    "node": ("-e", "--eval", "-p", "--print", "-pe"), "deno": ("eval",), "bun": ("-e", "--eval"), "python": ("-c",),
    "ruby": ("-e",), "perl": ("-e", "-E"), "php": ("-r",), "osascript": ("-e",),
}  # fmt: skip
_INTERPRETER: Final = re.compile(r"(python|pythonw|ruby|perl|php|node|deno|bun)[0-9.]*")
_DOWNLOADS: Final = (
    # What comes first and what comes behind it, on one line: two looks take linear time.
    (r"\b(?:curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod|fetch)\b",
     r"\|\s{0,9}(?:sudo\s{1,9})?(?:[\w./-]{0,40}/)?(?:(?:ba|z|da|k)?sh|python[0-9.]*|node|perl|ruby|php|iex|invoke-expression)\b"),
    (r"\b(?:ba|z|da|k)?sh\s{1,9}(?:-c\s{1,9}[\"']?\$\(|<\()|\beval\s{1,9}[\"']?\$\(", r"\b(?:curl|wget)\b"),
    (r"\b(?:iex|invoke-expression)\b", r"\b(?:downloadstring|iwr|irm|invoke-webrequest|invoke-restmethod)\b"),
    (r"\b(?:exec|eval)\s{0,9}\(", r"\b(?:urlopen|requests\.get|fetch)\b"),
)  # fmt: skip
_FETCHES: Final = tuple(tuple(re.compile(each, re.IGNORECASE) for each in pair) for pair in _DOWNLOADS)
_LINES: Final = re.compile(r"\n|;|&&")
_SCRIPT_MAX: Final = 20_000
_TEMPORARY: Final = re.compile(
    r"(?i)(?:/private)?/(?:tmp|var/tmp|dev/shm)(?:/|$)|\$\{?(?:env:)?TMPDIR\}?|[%{:](?:TEMP|TMP)[%}]"
    r"|[A-Z]:[\\/](?:Windows[\\/])?Temp[\\/]|.*[\\/](?:AppData[\\/]Local[\\/]Temp|Downloads)[\\/]"
)
_RELATIVE: Final = re.compile(r"\.{1,2}[\\/]|[\w.-]+[\\/][^:@]*$|[\w-]+\.(?:py|[cm]?js|ts|sh|rb|pl|ps1)$")
_LOADING: Final = frozenset({"--loader", "--experimental-loader", "--import", "-r", "--require", "-W", "-X", "-o"})
_RAISING: Final = frozenset("sudo doas pkexec gsudo runas su".split())
# Two of them in pieces: no file of the project may hold them as traces of a machine.
_INDEX_FLAGS: Final = frozenset(
    "--registry --index-url -i --extra-index"
    "-url --index --default-index --find"
    "-links -f --trusted-host"
    " --allow-insecure-host".split()
)
_INDEX_VARIABLES: Final = frozenset(
    "NPM_CONFIG_REGISTRY UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL PIP_INDEX_URL PIP_EXTRA_INDEX_URL"
    " UV_INSECURE_HOST PIP_TRUSTED_HOST".split()
)
_OFFICIAL: Final = re.compile(r"https://(?:registry\.npmjs\.org|pypi\.org/simple|registry\.yarnpkg\.com)/?")
_ADDING: Final = re.compile(r"(?i).*(?:extra.?index.?url|find.?links|trusted.?host|insecure.?host)|--index|-f|UV_INDEX")
_ASKED: Final = re.compile(r"\$\{?[A-Za-z_].*|%[A-Za-z_]+%.*")


def _all(document: Document) -> Iterator[tuple[Server, Command]]:
    for server in servers(document):
        for command in commands(server):
            yield server, command


@rule("CFG101", "unpinned-package", "medium", reads="client")
def unpinned_package(document: Document) -> Iterator[Found]:
    """A server is a package of whatever version is newest when it starts.

    Why:
        Whoever takes over the package, its author's account or a name like it runs a program on this machine at the
        next start, with all that the server may do. Nobody has read that version.
    Bad:
        {"mcpServers": {"notes": {"command": "npx", "args": ["-y", "notes-server"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "npx", "args": ["-y", "notes-server@1.4.2"]}}}
    Fix:
        Name the version that was read: `name@1.4.2` for npx, bunx and uvx, `name==1.4.2` for uvx and pipx.
    See: https://slsa.dev/spec/v1.1/threats https://cwe.mitre.org/data/definitions/1357.html
    """
    for _, command in _all(document):
        for package in packages(command):
            if not package.pinned and not package.source:
                yield Found(package.word.path, f"{command.name} fetches whatever version is newest; name one exactly")


@rule("CFG102", "unpinned-source", "medium", reads="client")
def unpinned_source(document: Document) -> Iterator[Found]:
    """A server is fetched from a branch or a tag of a repository, or from an address.

    Why:
        Branches and tags move, and what an address answers is for its host to say; a commit stays what it is.
    Bad:
        {"mcpServers": {"notes": {"command": "uvx", "args": ["--from", "git+https://git.example/notes", "notes"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "uvx", "args": ["--from",
          "git+https://git.example/notes@4b825dc642cb6eb9a060e54bf8d69288fbee4904", "notes"]}}}
    Fix:
        Write the whole commit behind the address: `@<commit>` for Python, `#<commit>` for npm.
    See: https://slsa.dev/spec/v1.1/threats https://cwe.mitre.org/data/definitions/494.html
    """
    for _, command in _all(document):
        for package in packages(command):
            if not package.pinned and package.source:
                yield Found(package.word.path, "comes from an address that may answer anything; name the commit")


@rule("CFG103", "foreign-index", "medium", "medium", reads="client")
def foreign_index(document: Document) -> Iterator[Found]:
    """A second index, or one whose certificate nobody checks, says what a package is.

    Why:
        With several indexes the highest version wins, wherever it comes from: a public package of the name of a
        private one is taken in its place. Without TLS whoever is on the way chooses.
    Bad:
        {"mcpServers": {"notes": {"command": "uvx",
          "args": ["--index", "https://packages.example/simple", "notes-server==1.4.2"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "uvx",
          "args": ["--default-index", "https://packages.example/simple", "notes-server==1.4.2"]}}}
    Fix:
        Name one index, by https, that has all packages that are needed.
    See: https://docs.astral.sh/uv/concepts/indexes/ https://cwe.mitre.org/data/definitions/427.html
    """
    for server in servers(document):
        for command in commands(server):
            if next(packages(command), None) is not None:
                yield from _indexes(command)
        for path, name, value in server.variables:
            if name.upper() in _INDEX_VARIABLES and _is_foreign(name, value):
                yield Found(path, "lets another index say what a package is; name one index, by https")


def _indexes(command: Command) -> Iterator[Found]:
    words = (*command.arguments, None)
    for word, following in zip(command.arguments, words[1:], strict=True):
        flag, equals, value = word.text.partition("=")
        given = Word(value, word.path) if equals else following
        if flag in _INDEX_FLAGS and given is not None and _is_foreign(flag, given.text):
            yield Found(given.path, "lets another index say what a package is; name one index, by https")


def _is_foreign(name: str, value: str) -> bool:
    if not value or _OFFICIAL.fullmatch(value) or _ASKED.fullmatch(value):
        return False
    return value.startswith("http://") or _ADDING.fullmatch(name) is not None or len(value.split()) > 1


@rule("CFG104", "shell-script", "low", reads="client")
def shell_script(document: Document) -> Iterator[Found]:
    """A server is started by a shell or by a line of code.

    Why:
        A shell expands what stands in the line: a variable with a `;` in it is a second command. And a change of the
        line is easily read over. Wanted or not, it is the form in which changed configurations carry their load.
    Bad:
        {"mcpServers": {"notes": {"command": "bash", "args": ["-c", "cd ~/notes && ./serve --all"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": ["--all"], "cwd": "/srv/notes"}}}
    Fix:
        Name the program and its arguments; `cwd` and `env` say what the shell did.
    See: https://cwe.mitre.org/data/definitions/78.html
    """
    for server in servers(document):
        for command in commands(server):
            code = script_of(command) or _program_text(command)
            # `cmd /c npx` is how Windows starts what npm has installed.
            if code is not None and not (command.name == "cmd" and re.fullmatch(r"[\w./@:= \\-]+", code.text)):
                yield Found(code.path, f"is run by {command.name}; name the program and its arguments instead")
                break


def _program_text(command: Command) -> Word | None:
    match = _INTERPRETER.fullmatch(command.name)
    flags = _PROGRAMS.get(match.group(1).removesuffix("w") if match else command.name, ())
    for word, following in zip(command.arguments, command.arguments[1:], strict=False):
        if word.text in flags:
            return following
        if not word.text.startswith("-"):
            break
    return None


@rule("CFG105", "piped-download", "high", reads="client")
def piped_download(document: Document) -> Iterator[Found]:
    """What is downloaded is run at once.

    Why:
        Whoever answers at that address, or breaks into it, runs what they like on this machine at every start.
    Bad:
        {"mcpServers": {"notes": {"command": "sh", "args": ["-c", "curl -fsSL https://get.notes.example | sh"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": []}}}
    Fix:
        Install the program once, after reading it, and start that.
    See: https://cwe.mitre.org/data/definitions/494.html
    """
    for server in servers(document):
        for word in server.words:
            if _fetches(word.text[:_SCRIPT_MAX]):
                yield Found(word.path, "runs what it downloads; install the program once and start that")


def _fetches(script: str) -> bool:
    for line in _LINES.split(script):
        for first, then in _FETCHES:
            found = first.search(line)
            if found is not None and then.search(line, found.end()) is not None:
                return True
    return False


@rule("CFG106", "temporary-program", "high", "medium", reads="client")
def temporary_program(document: Document) -> Iterator[Found]:
    """A server is started from a folder that others write, or where downloads end.

    Why:
        Other users and programs can put another file there after the client has asked its user about this one.
    Bad:
        {"mcpServers": {"notes": {"command": "/tmp/notes/serve", "args": []}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": ["--cache", "/tmp/notes"]}}}
    Fix:
        Install the program where only its owner writes.
    See: https://nvd.nist.gov/vuln/detail/CVE-2025-54136 https://cwe.mitre.org/data/definitions/379.html
    """
    for server in servers(document):
        found: set[Word] = set()
        for command in commands(server):
            found |= {word for word in (command.program, _script_file(command)) if word is not None}
        if isinstance(server.said.get("cwd"), str) and server.words:
            found.add(Word(server.said["cwd"] + "/", (*server.path, "cwd")))
        for word in sorted(found, key=lambda each: str(each.path)):
            if _TEMPORARY.match(word.text):
                yield Found(word.path, "is where others can put another file; install the program elsewhere")


def _script_file(command: Command) -> Word | None:
    """The file that an interpreter or a shell runs; None if it runs none."""
    if _INTERPRETER.fullmatch(command.name) is None and command.name not in ("bash", "sh", "zsh", "powershell", "pwsh"):
        return None
    if script_of(command) is not None or _program_text(command) is not None or "-m" in command.texts:
        return None
    before = ("", *command.texts)
    return next(
        (
            word
            for word, flag in zip(command.arguments, before, strict=False)
            if not word.text.startswith("-") and word.text != "run" and flag not in _LOADING
        ),
        None,
    )


@rule("CFG107", "relative-program", "low", "medium", reads="client")
def relative_program(document: Document) -> Iterator[Found]:
    """Which program is started depends on the folder that the client is in.

    Why:
        In a repository of somebody else's the same words start somebody else's program. A change of that file needs
        no change of this one, so no client asks again.
    Bad:
        {"mcpServers": {"notes": {"command": "./serve.sh", "args": []}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve.sh", "args": []}}}
    Fix:
        Write the whole path of the program.
    See: https://nvd.nist.gov/vuln/detail/CVE-2025-54136 https://cwe.mitre.org/data/definitions/426.html
    """
    for server, command in _all(document):
        if isinstance(server.said.get("cwd"), str):
            continue
        for word in (command.program, _script_file(command)):
            if word is not None and _RELATIVE.match(word.text):
                yield Found(word.path, "is another program in another folder; write the whole path")


@rule("CFG108", "raised-rights", "high", reads="client")
def raised_rights(document: Document) -> Iterator[Found]:
    """A server runs as the administrator.

    Why:
        Every mistake of the server, and everything that a text talks the model into, has the rights of the machine.
    Bad:
        {"mcpServers": {"notes": {"command": "sudo", "args": ["/opt/notes/serve"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": []}}}
    Fix:
        Run it as a user of its own that may do what it needs and no more.
    See: https://cwe.mitre.org/data/definitions/250.html
    """
    for _, command in _all(document):
        if command.name in _RAISING:
            yield Found(command.program.path, "runs with the rights of the administrator; use a user of its own")


@rule("CFG109", "line-as-program", "low", reads="client")
def line_as_program(document: Document) -> Iterator[Found]:
    """A whole command line stands where the name of a program belongs.

    Why:
        One client finds no such program, another one hands the line to a shell, which reads more into it.
    Bad:
        {"mcpServers": {"notes": {"command": "npx -y notes-server@1.4.2"}}}
    Good:
        {"mcpServers": {"notes": {"command": "npx", "args": ["-y", "notes-server@1.4.2"]}}}
    Fix:
        Write the program under `command`, and each argument as an item of `args`.
    See: https://modelcontextprotocol.io/docs/develop/connect-local-servers https://cwe.mitre.org/data/definitions/88.html
    """
    for server in servers(document):
        if server.words:
            first = server.words[0].text.split()
            if len(first) > 1 and re.search(r"[\\/]", first[0]) is None:
                yield Found(server.words[0].path, "is a whole line; write the program here, and its arguments in args")
