"""Rules about what a server that a client starts may reach: folders, the host of its container, the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.launch import Command, Word, commands, servers
from smcp_security.lint.packages import OPTION_NAMES, Container, container, is_fixed
from smcp_security.lint.registry import rule

_HOME: Final = (
    r"~|\$\{?(?:env:)?HOME\}?|\$\{userHome\}|%USERPROFILE%|\$\{?env:USERPROFILE\}?|/root|/home(?:/[^/]+)?"
    r"|/Users(?:/[^/]+)?|[A-Z]:[\\/]+Users(?:[\\/]+[^\\/]+)?"
)
_SYSTEM: Final = (
    r"/|/(?:etc|usr|var|bin|sbin|lib|boot|dev|proc|sys|System|Library|Volumes|mnt|media|opt)|[A-Z]:[\\/]*"
    r"|[A-Z]:[\\/]+Windows"
)
_PRIVATE: Final = r"(?:.*[\\/])?\.(?:ssh|aws|gnupg|kube|docker|config|azure)"
_WIDE: Final = re.compile(rf"(?i)(?:{_HOME}|{_SYSTEM}|{_PRIVATE})[\\/]*")
_FILES: Final = re.compile(
    r"(?i)(?:^|[/@-])(?:server-)?file-?system(?:$|[@=-])|^(?:mcp-)?filesystem(?:-mcp)?(?:-server)?(?:@|=|$)"
)
_SOCKETS: Final = re.compile(r"(?:docker|podman|containerd|crio)[\w.-]*\.sock")
_CAPABILITIES: Final = frozenset("ALL SYS_ADMIN SYS_PTRACE SYS_MODULE DAC_READ_SEARCH NET_ADMIN BPF SYS_RAWIO".split())
_ANYWHERE: Final = re.compile(r"0\.0\.0\.0|\[?::\]?|\*")
_LISTENING: Final = frozenset("--host --bind --address --listen --hostname -H --http-host --server-host".split())
_LISTENING_VARIABLES: Final = re.compile(r"(?:.*_)?(?:HOST|BIND|BIND_ADDRESS|LISTEN|LISTEN_ADDRESS|HOSTNAME)")


def _containers(document: Document) -> Iterator[tuple[Command, Container]]:
    for server in servers(document):
        for command in commands(server):
            found = container(command)
            if found is not None:
                yield command, found


def _option(name: str) -> str:
    return OPTION_NAMES.get(name, name)


@rule("CFG201", "unpinned-image", "medium", reads="client")
def unpinned_image(document: Document) -> Iterator[Found]:
    """A container's image is named by a tag, or by nothing.

    Why:
        Tags move: whoever may push to the registry chooses what runs here at the next start.
    Bad:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "--rm", "notes/server:latest"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "--rm",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Fix:
        Write the digest behind the name: `docker image inspect --format '{{index .RepoDigests 0}}' NAME` prints it.
    See: https://docs.docker.com/dhi/core-concepts/digests/ https://cwe.mitre.org/data/definitions/494.html
    """
    for _, found in _containers(document):
        if found.image is not None and not is_fixed(found.image.text) and not found.image.text.startswith("$"):
            yield Found(found.image.path, "is whatever the tag means today; write the digest (@sha256:...)")


@rule("CFG202", "privileged-container", "high", reads="client")
def privileged_container(document: Document) -> Iterator[Found]:
    """A container has the rights of its host.

    Why:
        With `--privileged`, strong capabilities or the host's namespaces a container confines nothing: what runs in it
        can load modules, read other processes and mount the disk.
    Bad:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "--privileged",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "--cap-drop=ALL", "--read-only",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Fix:
        Take the option out; add the one capability that is missing, if any.
    See: https://docs.docker.com/engine/security/ https://cwe.mitre.org/data/definitions/250.html
    """
    for _, found in _containers(document):
        for name, value, word in found.options:
            if _is_privilege(name, value):
                yield Found(word.path, "gives the container the rights of its host; take the option out")


def _is_privilege(name: str, value: str) -> bool:
    match name:
        case "--privileged":
            return value.lower() not in ("false", "0")
        case "--cap-add":
            return value.upper().removeprefix("CAP_") in _CAPABILITIES
        case "--pid" | "--ipc" | "--userns" | "--uts" | "--cgroupns":
            return value == "host"
        case "--security-opt":
            return value.endswith(("unconfined", "=disable", ":disable"))
        case _:
            return False


@rule("CFG203", "mounted-host", "high", reads="client")
def mounted_host(document: Document) -> Iterator[Found]:
    """A container is given the whole disk, a home, or the socket of its engine.

    Why:
        Keys and sessions of all programs are in a home. Whoever may speak to the engine may start a container with
        everything.
    Bad:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "-v", "/:/host",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "-v", "/srv/notes:/notes:ro",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Fix:
        Mount the one folder that the server works in, with `:ro` if it only reads.
    See: https://docs.docker.com/engine/security/ https://cwe.mitre.org/data/definitions/668.html
    """
    for _, found in _containers(document):
        for name, value, word in found.options:
            source = _source(_option(name), value)
            if source is not None and (_SOCKETS.search(source) or _WIDE.fullmatch(source)):
                yield Found(word.path, "gives the container far more than a folder to work in; mount that one alone")


def _source(name: str, value: str) -> str | None:
    """The path of the host that an option mounts."""
    if name == "--volume":
        drive = re.match(r"[A-Za-z]:[\\/][^:]*", value)
        return drive.group() if drive else value.partition(":")[0]
    if name == "--mount":
        match = re.search(r"(?:^|,)(?:source|src)=([^,]*)", value)
        return match.group(1) if match else None
    return None


@rule("CFG204", "network-of-the-host", "medium", reads="client")
def network_of_the_host(document: Document) -> Iterator[Found]:
    """A container shares the network of its host, or opens a port of it to everybody.

    Why:
        On the host's network everything that listens on loopback takes the container for the host itself; a port that
        is published without an address is open to all networks, past many firewalls.
    Bad:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "--network", "host",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "docker", "args": ["run", "-i", "-p", "127.0.0.1:8080:8080",
          "notes/server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}}}
    Fix:
        Use a network of its own (`--network none` if it needs none), and publish on 127.0.0.1.
    See: https://docs.docker.com/engine/network/ https://cwe.mitre.org/data/definitions/1327.html
    """
    for _, found in _containers(document):
        for name, value, word in found.options:
            shares = name in ("--network", "--net") and value == "host"
            published = _option(name) == "--publish" and re.match(r"127\.|\[::1\]|localhost:", value) is None
            if shares or published or name in ("--publish-all", "-P"):
                yield Found(word.path, "joins the container to networks that it need not see; use one of its own")


@rule("CFG205", "wide-folder", "high", "medium", reads="client")
def wide_folder(document: Document) -> Iterator[Found]:
    """A server for files is given a whole disk or a whole home.

    Why:
        Keys, cookies and mails are in it. What a page or a mail talks the model into reading is read.
    Bad:
        {"mcpServers": {"files": {"command": "npx",
          "args": ["-y", "@modelcontextprotocol/server-filesystem@2025.11.25", "/"]}}}
    Good:
        {"mcpServers": {"files": {"command": "npx",
          "args": ["-y", "@modelcontextprotocol/server-filesystem@2025.11.25", "/srv/notes"]}}}
    Fix:
        Name the folders that the work is in.
    See: https://cwe.mitre.org/data/definitions/552.html
    """
    for server in servers(document):
        for command in commands(server):
            if any(_FILES.search(text) for text in (command.name, *command.texts)) and container(command) is None:
                for word in command.arguments:
                    if _WIDE.fullmatch(_folder(word)):
                        yield Found(word.path, "is far more than a folder to work in; name that one alone")


def _folder(word: Word) -> str:
    """The path that an argument names, bare or behind a flag."""
    return word.text.partition("=")[2] if word.text.startswith("-") else word.text


@rule("CFG206", "open-listener", "medium", reads="client")
def open_listener(document: Document) -> Iterator[Found]:
    """A server is told to listen on all networks, or is reached at the address that stands for them.

    Why:
        Everybody near can speak to it, and most servers that a client starts ask nobody who they are. Pages in a
        browser reach 0.0.0.0 too.
    Bad:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": ["--host", "0.0.0.0"]}}}
    Good:
        {"mcpServers": {"notes": {"command": "/opt/notes/serve", "args": ["--host", "127.0.0.1"]}}}
    Fix:
        Listen on 127.0.0.1, or speak over stdio, which needs no port.
    See: https://nvd.nist.gov/vuln/detail/CVE-2025-49596 https://cwe.mitre.org/data/definitions/1327.html
    """
    for server in servers(document):
        address = server.address
        if address is not None and re.match(r"(?i)https?://(?:0\.0\.0\.0|\[::\])(?=[:/]|$)", address.text):
            yield Found(address.path, "stands for all networks of this machine; write 127.0.0.1")
        for word, before in zip(server.words[1:], server.words, strict=False):
            flag, equals, value = word.text.partition("=")
            given = value if equals else word.text
            if _ANYWHERE.fullmatch(given) and (flag if equals else before.text) in _LISTENING:
                yield Found(word.path, "listens on all networks; write 127.0.0.1")
        for path, name, value in server.variables:
            if _LISTENING_VARIABLES.fullmatch(name.upper()) and _ANYWHERE.fullmatch(value):
                yield Found(path, "listens on all networks; write 127.0.0.1")
