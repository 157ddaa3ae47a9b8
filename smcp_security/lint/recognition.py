"""What kind of file a text is, by what it says and never by its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.lint.document import Kind
from smcp_security.lint.json_document import looks_like_json
from smcp_security.policy.model import Policy
from smcp_security.policy.places import Path

_KNOWN: Final = frozenset(Policy.model_fields)
# Other files have keys such as `server`, `tools` and `limits`; these are this policy's own.
_TELLING: Final = frozenset({"unlisted_tools", "denied_tools", "injection", "budgets", "concurrency", "pins", "vault"})
_SERVERS: Final = ("mcpServers", "servers", "context_servers", "amp.mcpServers")
# Descriptions of APIs, which have `servers` with addresses too.
_OTHERS: Final = frozenset({"asyncapi", "openapi", "swagger"})
_REACHED: Final = frozenset({"command", "url", "httpUrl", "serverUrl"})
APPROVING: Final = ("chat.tools.autoApprove", "chat.tools.global.autoApprove", "enableAllProjectMcpServers")
"""What settings of editors say about the tools of all servers, with or without servers beside it."""

_KEY: Final = re.compile(r"^[\"']?([A-Za-z_]+)[\"']?[ \t]*:", re.MULTILINE)
_IN_JSON: Final = re.compile(
    r'"(?:(?:amp\.)?mcpServers|servers|context_servers|mcp|tools|version|injection|chat\.tools\.(?:global\.)?autoApprove'
    r'|enableAllProjectMcpServers)"'
)


def may_be_ours(start: str) -> bool:
    """Whether the beginning of a file is worth a closer look: by its keys, before anything is parsed."""
    if looks_like_json(start):
        return _IN_JSON.search(start) is not None
    return _is_policy(set(_KEY.findall(start)))


def _is_policy(keys: set[str]) -> bool:
    return bool(keys & _TELLING) or ("version" in keys and len(keys & _KNOWN) > 1)


def kind_of(value: Any) -> Kind | None:
    """The kind of a parsed file; None for what is none of ours."""
    if isinstance(value, dict):
        if _is_lock(value):
            return "lock"
        if servers_of(value) or not value.keys().isdisjoint(APPROVING):
            return "client"
    if tools_of(value) is not None:
        return "tools"
    return "policy" if isinstance(value, dict) and _is_policy({str(key) for key in value}) else None


def may_be_policy(value: Any) -> bool:
    """Whether somebody who names the file can have meant a policy: nothing in it, or a key that policies have."""
    if not isinstance(value, dict):
        return False
    # Many files have a version, and a text for it.
    return not value or isinstance(value.get("version"), int) or bool(_KNOWN & value.keys() - {"version"})


def kind_of_broken(text: str) -> Kind | None:
    """What a JSON text that does not parse was probably meant to be; None for a policy."""
    if any(f'"{key}"' in text for key in _SERVERS):
        return "client"
    return "tools" if '"inputSchema"' in text or '"definition"' in text else None


def _is_lock(value: Mapping[str, Any]) -> bool:
    sections = [value.get(name) for name in ("tools", "prompts", "templates")]
    entries = [entry for section in sections if isinstance(section, dict) for entry in section.values()]
    if not all(isinstance(section, dict) for section in sections):
        return False
    return "instructions" in value and all(isinstance(entry, dict) and "digest" in entry for entry in entries)


def servers_of(value: Any) -> dict[Path, Mapping[str, Any]]:
    """The servers that a client's configuration names, by path: those that are started or connected to."""
    found: dict[Path, Mapping[str, Any]] = {}
    for path, holder in _holders(value):
        for name, server in holder.items():
            if isinstance(server, dict) and not _REACHED.isdisjoint(server):
                found[*path, name] = server
    return found


def _holders(value: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every map of servers: at the top, under `mcp` (editors' settings) or right in it, and of single projects."""
    if not isinstance(value, dict) or not _OTHERS.isdisjoint(value):
        return
    nested, projects = value.get("mcp"), value.get("projects")
    tops: list[tuple[Path, Any]] = [((), value), (("mcp",), nested)]
    tops += [(("projects", name), each) for name, each in projects.items()] if isinstance(projects, dict) else []
    for path, top in tops:
        for key in _SERVERS if isinstance(top, dict) else ():
            if isinstance(top.get(key), dict):
                yield (*path, key), top[key]
    if isinstance(nested, dict):
        yield ("mcp",), nested


def tools_of(value: Any) -> dict[Path, Mapping[str, Any]] | None:
    """Definitions of tools by path, of a lock file, a result of tools/list, a response or a list; None for others."""
    if isinstance(value, dict) and _is_lock(value):
        section = value["tools"]
        found = {("tools", name, "definition"): entry.get("definition") for name, entry in section.items()}
        return {path: each for path, each in found.items() if isinstance(each, dict)}
    path: Path = ()
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        path, value = ("result",), value["result"]
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        path, value = (*path, "tools"), value["tools"]
    if not isinstance(value, list) or not value or not all(map(_is_tool, value)):
        return None
    return {(*path, index): tool for index, tool in enumerate(value)}


def _is_tool(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and ("inputSchema" in value or len(value) < 3)
