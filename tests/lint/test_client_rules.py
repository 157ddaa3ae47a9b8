"""What the rules for clients' configurations find in the many ways to write the same thing, and what they pass."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from smcp_security.lint.mending import mended
from smcp_security.lint.selection import chosen
from tests.lint.twins import findings, read

DIGEST: Final = "@sha256:" + "a" * 64
COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
FILES: Final = "@modelcontextprotocol/server-filesystem@2025.11.25"


def started(*words: str, **more: Any) -> dict[str, Any]:
    """A server that is started by a command line."""
    return {"command": words[0], "args": list(words[1:]), **more}


def found(server: dict[str, Any], **top: Any) -> list[tuple[str, str]]:
    """Code and place of what is found in a configuration with one server."""
    text = json.dumps({"mcpServers": {"x": server}, **top})
    return [(each.code, each.at.removeprefix("mcpServers.x.")) for each in findings(text)]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (started("npx", "-y", "@scope/notes"), ("CFG101", "args[1]")),
        (started("npx", "notes@latest"), ("CFG101", "args[0]")),
        (started("npx", "notes@^1.2.3"), ("CFG101", "args[0]")),
        (started("npx", "-y", "--package=notes", "serve"), ("CFG101", "args[1]")),
        (started("npm", "exec", "--", "notes"), ("CFG101", "args[2]")),
        (started("pnpm", "dlx", "notes"), ("CFG101", "args[1]")),
        (started("bunx", "notes@1.0"), ("CFG101", "args[0]")),
        (started("C:\\Program Files\\nodejs\\npx.cmd", "-y", "notes"), ("CFG101", "args[1]")),
        (started("cmd", "/c", "npx", "-y", "notes"), ("CFG101", "args[3]")),
        (started("env", "A=1", "npx", "notes"), ("CFG101", "args[2]")),
        (started("smcp", "proxy", "--policy", "p.yaml", "--", "npx", "notes"), ("CFG101", "args[5]")),
        (started("uvx", "--python", "3.12", "notes"), ("CFG101", "args[2]")),
        (started("uvx", "--with", "other,more==1", "notes==1.0"), ("CFG101", "args[1]")),
        (started("uv", "tool", "run", "notes"), ("CFG101", "args[2]")),
        (started("pipx", "run", "notes"), ("CFG101", "args[1]")),
        (started("go", "run", "notes.example/serve@latest"), ("CFG101", "args[1]")),
        (started("deno", "run", "-A", "npm:notes"), ("CFG101", "args[2]")),
        (started("npx", "-y", "somebody/notes"), ("CFG102", "args[1]")),
        (started("npx", "-y", "github:somebody/notes#main"), ("CFG102", "args[1]")),
        (started("uvx", "--from", "git+https://git.example/notes@v1.2", "notes"), ("CFG102", "args[1]")),
        (started("uvx", "--index-url", "http://packages.example/simple", "notes==1.0"), ("CFG103", "args[1]")),
        (started("python3.12", "-c", "import notes"), ("CFG104", "args[1]")),
        (started("node", "-e", "require('notes')"), ("CFG104", "args[1]")),
        (started("cmd", "/c", "notes & calc"), ("CFG104", "args[1]")),
        (started("powershell", "-Command", "iex (iwr https://notes.example)"), ("CFG105", "args[1]")),
        (started("bash", "-lc", "curl -s https://notes.example | sudo bash -s"), ("CFG105", "args[1]")),
        (started("bash", "-c", 'sh -c "$(curl https://notes.example)"'), ("CFG105", "args[1]")),
        (started("python3", "/tmp/notes.py"), ("CFG106", "args[0]")),
        (started("C:\\Users\\ann\\Downloads\\notes.exe"), ("CFG106", "command")),
        (started("/opt/notes", cwd="/tmp"), ("CFG106", "cwd")),
        (started("node", "build/index.js"), ("CFG107", "args[0]")),
        (started("python", "server.py"), ("CFG107", "args[0]")),
        (started("env", "sudo", "/opt/notes"), ("CFG108", "args[0]")),
        (started("docker", "run", "-i", "notes:1.2"), ("CFG201", "args[2]")),
        (started("docker", "run", "-e", "A", "--name", "n", "notes"), ("CFG201", "args[5]")),
        (started("podman", "run", "--cap-add=SYS_ADMIN", f"notes{DIGEST}"), ("CFG202", "args[1]")),
        (started("docker", "run", "--pid", "host", f"notes{DIGEST}"), ("CFG202", "args[2]")),
        (started("docker", "run", "-v/:/host", f"notes{DIGEST}"), ("CFG203", "args[1]")),
        (started("docker", "run", "--mount", "type=bind,source=/,target=/h", f"notes{DIGEST}"), ("CFG203", "args[2]")),
        (started("docker", "run", "-v", "/var/run/docker.sock:/s", f"notes{DIGEST}"), ("CFG203", "args[2]")),
        (started("docker", "run", "--net=host", f"notes{DIGEST}"), ("CFG204", "args[1]")),
        (started("docker", "run", "-p", "8080:80", f"notes{DIGEST}"), ("CFG204", "args[2]")),
        (started("npx", "-y", FILES, "${HOME}"), ("CFG205", "args[2]")),
        (started("npx", "-y", FILES, "C:\\Users\\ann\\"), ("CFG205", "args[2]")),
        (started("/opt/notes", "--host=0.0.0.0"), ("CFG206", "args[0]")),
        (started("/opt/notes", env={"HOST": "0.0.0.0"}), ("CFG206", "env.HOST")),
        ({"url": "http://0.0.0.0:6277/sse"}, ("CFG206", "url")),
        ({"httpUrl": "HTTP://notes.example/mcp"}, ("CFG301", "httpUrl")),
        ({"serverUrl": "http://notes.example/mcp"}, ("CFG301", "serverUrl")),
        ({"url": "http://localhost.notes.example/mcp"}, ("CFG301", "url")),
        (started("npx", "mcp-remote@0.1.16", "http://notes.example/mcp"), ("CFG301", "args[1]")),
        ({"url": "https://notes.example/mcp", "alwaysAllow": ["*"]}, ("CFG302", "alwaysAllow[0]")),
        ({"url": "https://notes.example/mcp", "autoApprove": ["deleteNote"]}, ("CFG303", "autoApprove[0]")),
        (started("/opt/notes", "--token=${T}"), ("CFG401", "args[0]")),
        (started("docker", "run", "-e", "API_KEY=${K}", f"notes{DIGEST}"), ("CFG401", "args[2]")),
        (started("/opt/notes", "--header", "Authorization: Bearer ${T}"), ("CFG401", "args[1]")),
        (started("sh", "-c", "exec notes --token ${T}"), ("CFG401", "args[1]")),
        ({"url": "https://notes.example/mcp?api_key=${K}"}, ("CFG401", "url")),
        (started("docker", "run", "--env-file", ".env", f"notes{DIGEST}"), ("CFG402", "args[2]")),
        (started("/opt/notes", env={"LD_PRELOAD": "/opt/hook.so"}), ("CFG403", "env.LD_PRELOAD")),
        (started("/opt/notes", "--insecure"), ("CFG404", "args[0]")),
    ],
)  # fmt: skip
def test_a_risk_is_found_where_it_stands(server: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in found(server)


@pytest.mark.parametrize(
    "server",
    [
        started("npx", "-y", "@scope/notes@1.2.3"),
        started("npx", "--no-install", "notes"),
        started("npx", "-y", f"github:somebody/notes#{COMMIT}"),
        started("cmd", "/c", "npx", "-y", "notes@1.2.3"),
        started("uvx", "--from", "notes[all]==1.0", "serve"),
        started("uvx", "notes@1.0"),
        started("uvx", "--from", f"git+https://git.example/notes@{COMMIT}", "notes"),
        started("uvx", "--default-index", "https://packages.example/simple", "notes==1.0"),
        started("uv", "--directory", "/srv/notes", "run", "serve"),
        started("python3.12", "-m", "notes"),
        started("node", "/opt/notes/index.js", "--eval-mode"),
        started("node", "build/index.js", cwd="/srv/notes"),
        started("node", "--loader", "ts-node/esm", "/srv/notes/index.ts"),
        started("bash", "/opt/notes/serve.sh"),
        started("/opt/notes/serve", "--cache", "/tmp/notes"),
        started("/opt/notes/curl", "x | sh is not run"),
        started("docker", "run", "-i", "--rm", "-e", "API_KEY", "-v", "/srv/notes:/n:ro", f"notes{DIGEST}"),
        started("docker", "run", "-p", "127.0.0.1:8080:80", "--cap-drop=ALL", f"notes{DIGEST}"),
        started("docker", "compose", "run", "notes"),
        started("npx", "-y", FILES, "/home/ann/notes"),
        started("/opt/notes", "--host", "127.0.0.1", "--max-tokens", "500"),
        started("/opt/notes", "--token-file", "/run/secrets/notes"),
        started("smcp", "proxy", "--policy", "p.yaml", "--env", "NOTES_TOKEN=vault://notes", "--", "/opt/notes"),
        started("/opt/notes", env={"PATH": "/usr/bin", "PYTHONPATH": "/srv/notes", "NOTES_KEY": "${NOTES_KEY}"}),
        started("/opt/notes", env={"NODE_TLS_REJECT_UNAUTHORIZED": "1"}),
        {"url": "http://127.0.0.1:3000/mcp"},
        {"url": "http://[::1]:3000/mcp"},
        {"url": "http://localhost/mcp", "autoApprove": [], "trust": False},
        {"url": "https://notes.example/mcp?page=2", "headers": {"Authorization": "Bearer ${NOTES_TOKEN}"}},
        {"url": "${NOTES_URL}"},
    ],
)
def test_what_is_written_with_care_passes(server: dict[str, Any]) -> None:
    assert found(server) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"servers": {"x": {"command": "npx", "args": ["notes"]}}, "inputs": []}',
        '{"mcp": {"servers": {"x": {"command": "npx", "args": ["notes"]}}}}',
        '{"theme": "dark", "mcpServers": {"x": {"command": "npx", "args": ["notes"]}}}',
        '{"projects": {"/srv": {"mcpServers": {"x": {"command": "npx", "args": ["notes"]}}}}}',
        '{"context_servers": {"x": {"command": {"path": "npx", "args": ["notes"]}}}}',
        '{"amp.mcpServers": {"x": {"command": "npx", "args": ["notes"]}}}',
        '{"mcp": {"x": {"type": "local", "command": ["npx", "notes"], "enabled": true}}}',
        '{\n  // of the team\n  "mcpServers": {"x": {"command": "npx", "args": ["notes",],},},\n}',
    ],
)
def test_the_same_risk_is_found_in_the_file_of_every_client(text: str) -> None:
    (finding,) = findings(text)
    line = text.splitlines()[finding.span.line - 1]
    assert finding.code == "CFG101"
    assert line[finding.span.column - 1 : finding.span.end_column - 1] == '"notes"'


def test_settings_that_approve_everything_are_a_configuration_without_servers_too() -> None:
    assert [each.code for each in findings('{"editor.tabSize": 4, "chat.tools.autoApprove": true}')] == ["CFG302"]
    assert findings('{"editor.tabSize": 4, "chat.tools.autoApprove": false}') == []


def test_an_input_of_the_editor_counts_as_secret_by_what_it_is_used_for() -> None:
    asked = [{"id": "notes", "type": "promptString", "description": "From your account"}]
    server = started("/opt/notes", env={"NOTES_TOKEN": "${input:notes}"})
    assert found(server, inputs=asked) == [("CFG405", "inputs[0]")]
    assert found(started("/opt/notes", env={"NOTES_FOLDER": "${input:notes}"}), inputs=asked) == []


def test_servers_of_different_projects_may_have_the_same_name() -> None:
    server = {"url": "https://notes.example/mcp"}
    text = json.dumps({"projects": {name: {"mcpServers": {"Notes": server}} for name in ("/a", "/b")}})
    assert findings(text) == []


def test_fixes_that_change_what_a_file_means_are_never_called_safe() -> None:
    text = '{"mcpServers": {"x": {"url": "http://notes.example/mcp", "trust": true}}}'
    rules = chosen([], [], "regular")
    assert mended(read(text), rules).count == 0
    after = mended(read(text), rules, unsafe=True).after.text
    assert after == '{"mcpServers": {"x": {"url": "https://notes.example/mcp", "trust": false}}}'


@pytest.mark.parametrize(
    "server",
    [
        {"command": None, "args": {"x": 1}, "env": [1], "headers": 3, "url": 5, "cwd": []},
        {"command": [], "args": "x"},
        {"command": {"path": 3, "args": None, "env": {"x": None}}},
        {"command": "  ", "args": [None, {}, [], True, 1.5, ""], "autoApprove": {"a": 1}, "trust": "true"},
        {"command": "sh", "args": ["-c"]},
        {"command": "docker", "args": ["run", *["-v"] * 5_000]},
        {"command": "env", "args": ["env"] * 3_000},
        {"command": "sh", "args": ["-c", "'\"`$(" * 5_000]},
        {"url": "https://[damaged"},
        {"url": "http://"},
    ],
)
def test_a_server_that_nobody_could_start_is_looked_at_all_the_same(server: dict[str, Any]) -> None:
    text = json.dumps({"mcpServers": {"x": server, "": server, "y": {"command": "npx", "args": ["notes"]}}})
    assert "CFG101" in [each.code for each in findings(text, persona="strict")]
