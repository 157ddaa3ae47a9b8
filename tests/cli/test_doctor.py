"""`smcp doctor`: one process that imports and starts what it is told to, and a report that nothing of it can spoil."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smcp_security.cli import doctor
from smcp_security.doctor.codes import CODES
from tests.architecture.source import PACKAGE
from tests.cli.terminal import Run, smcp

ERROR, WARNING = CODES["DOC001"], CODES["DOC005"]
# Prints where the report might go, and hides neither.
APP = """
import os, sys
print("{")
os.write(1, b"[")
print("}", file=sys.stderr)
from smcp_security import SMCPMiddleware

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("bye", flush=True)

bare = app
app = SMCPMiddleware(app)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, where `smcp_security` can be imported too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return tmp_path


def _written(project: Path, text: str, name: str = "site_app") -> None:
    (project / f"{name}.py").write_text(text)


def _report(*codes: str) -> dict[str, Any]:
    findings = [
        {"code": code, "slug": CODES[code].slug, "level": CODES[code].level, "where": "/mcp", "detail": "",
         "meaning": CODES[code].meaning, "remedy": CODES[code].remedy}
        for code in codes
    ]  # fmt: skip
    return {"target": "a:b", "kind": "application", "routes": [], "servers": [], "unseen": [], "findings": findings}


def _run(monkeypatch: pytest.MonkeyPatch, report: dict[str, Any], *options: str) -> Run:
    monkeypatch.setattr(doctor, "_examined", lambda request, timeout: report)
    return smcp("doctor", "a:b", *options)


@pytest.mark.parametrize(
    ("codes", "options", "code"),
    [
        ((), (), 0),
        (("DOC001",), (), 1),
        (("DOC005",), (), 0),
        (("DOC005",), ("--strict",), 1),
        (("DOC001",), ("--ignore", "doc001"), 0),
        (("DOC001", "DOC005"), ("--ignore", "DOC001"), 0),
        (("DOC001", "DOC022"), ("--ignore", "DOC001"), 1),
    ],
)
def test_findings_decide_the_exit_code(
    codes: tuple[str, ...], options: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(monkeypatch, _report(*codes), *options).code == code
    result = _run(monkeypatch, _report(*codes), *options, "--format", "json")
    assert (result.code, len(result.json["findings"])) == (code, len(codes) - options.count("--ignore"))


def test_the_text_names_the_place_the_meaning_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    out = _run(monkeypatch, _report("DOC001", "DOC005")).out
    words = " ".join(out.split())
    assert f"DOC001 {ERROR.slug} (error) at /mcp" in words
    assert ERROR.meaning in words and ERROR.remedy in words
    assert out.endswith("1 finding, 1 warning\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "smcp doctor: expected MODULE:APP, or --django with a settings module; see `smcp doctor --help`"),
        (("a:b", "--django", "c"), "TARGET and --django exclude each other"),
        (("a:b", "--ignore", "DOC999"), "no such code; expected one of DOC001"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    result = smcp("doctor", *arguments)
    assert result.code == 2 and problem in result.complaint


def test_what_the_application_prints_does_not_spoil_the_report(project: Path) -> None:
    _written(project, APP)
    result = smcp("doctor", "site_app:app", "--format", "json")
    assert (result.code, result.err, result.json["findings"]) == (0, "", [])


@pytest.mark.real
def test_an_application_without_the_middleware_is_a_finding(project: Path) -> None:
    _written(project, APP)
    result = smcp("doctor", "site_app:bare", "--format", "json")
    assert (result.code, [each["code"] for each in result.json["findings"]]) == (1, ["DOC050"])


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "import no_such_package",
            "it raises ModuleNotFoundError no_such_package at site_app.py:1; import it by itself",
        ),
        ("x = 1\nraise ValueError('tulip4711')", "it raises ValueError at site_app.py:2; import it by itself"),
        ("app = (", "it raises SyntaxError at site_app.py:1; import it by itself"),
        ("import os; os._exit(0)", "the process ended during its import; run it by itself"),
        ("app = 7", "it is of type int; expected an ASGI or WSGI application, or a server object"),
        ("application = print", "site_app:app: there is no 'app'; did you mean site_app:application?"),
        (
            "import socket; server = socket.socket()\n\nserver.bind(('127.0.0.1', 4711))",
            "it opens a port at site_app.py:3; put that below `if __name__",
        ),
        (
            "import uvicorn\nasync def app(scope, receive, send): ...\nuvicorn.run(app, port=4711)",
            "it opens a port at site_app.py:3; put that below `if __name__",
        ),
    ],
)
def test_what_cannot_be_loaded_is_one_line(text: str, problem: str, project: Path) -> None:
    _written(project, text)
    result = smcp("doctor", "site_app:app")
    assert result.code == 2
    assert result.complaint.startswith("smcp doctor: site_app:app: ") and problem in result.complaint
    assert "tulip4711" not in result.complaint


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "doing"),
    [
        ("import time; time.sleep(60)", "its import"),
        (
            "import asyncio\nasync def app(scope, receive, send):\n    await asyncio.sleep(60)",
            "its startup (lifespan)",
        ),
    ],
)
def test_what_hangs_is_ended_and_told(text: str, doing: str, project: Path) -> None:
    _written(project, text)
    result = smcp("doctor", "site_app:app", "--timeout", "2")
    assert (result.code, result.complaint) == (
        2,
        f"smcp doctor: site_app:app: {doing} did not end in 2 s; expected an end of it, or --timeout with more",
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "import os, http.server as h\nasync def app(scope, receive, send):\n    h.HTTPServer(('', 4711), None)",
            "it opens a port at site_app.py:3; leave that out where the variable SMCP_DOCTOR is set",
        ),
        (
            "from starlette.applications import Starlette\ndef make(app): return {}['tulip4711']\napp = Starlette()\n"
            "app.add_middleware(make)\n",
            "it raises KeyError at site_app.py:2; start it by itself",
        ),
        (
            "async def app(scope, receive, send):\n    await send({'type': 'lifespan.startup.failed', 'message': 'x'})",
            "the application does not start: it said so; start it by itself",
        ),
        (
            "async def app(scope, receive, send):\n    raise SystemExit(3)",
            "it raises SystemExit at site_app.py:2; start it by itself",
        ),
    ],
)
def test_what_does_not_start_is_one_line(text: str, problem: str, project: Path) -> None:
    _written(project, text)
    result = smcp("doctor", "site_app:app")
    assert (result.code, problem in result.complaint) == (2, True), result.complaint
    assert "tulip4711" not in result.complaint


@pytest.mark.real
def test_an_end_that_hangs_is_a_finding_beside_the_others(project: Path) -> None:
    _written(project, APP.replace('print("bye", flush=True)', "import asyncio; await asyncio.sleep(60)"))
    result = smcp("doctor", "site_app:bare", "--timeout", "4", "--format", "json")
    assert (result.code, [each["code"] for each in result.json["findings"]]) == (1, ["DOC050", "DOC051"])


@pytest.mark.real
def test_processes_that_the_application_starts_end_with_it(project: Path) -> None:
    started = (
        "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    )
    _written(project, started + "open('child.pid', 'w').write(str(child.pid))\n" + APP)
    assert smcp("doctor", "site_app:app").code == 0
    child = int((project / "child.pid").read_text())
    # Killed, it may wait for somebody to ask what became of it.
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z" or not _runs(child)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.real
def test_a_policy_that_cannot_be_used_is_a_finding_and_a_wrong_option_is_not(project: Path) -> None:
    _written(project, APP.replace("SMCPMiddleware(app)", "SMCPMiddleware(app, policy={'version': 1, 'servr': {}})"))
    result = smcp("doctor", "site_app:app", "--format", "json")
    assert (result.code, [each["code"] for each in result.json["findings"]]) == (1, ["DOC030"])
    assert "servr" in result.json["findings"][0]["detail"]
    result = smcp("doctor", "site_app:app", "--policy", "nowhere.yaml")
    assert result.code == 2
    assert "the policy: nowhere.yaml" in result.complaint


@pytest.mark.real
def test_the_policy_of_the_option_counts_where_the_application_names_none(project: Path) -> None:
    _written(project, APP)
    (project / "open.yaml").write_text('version: 1\nserver: {hosts: ["*"]}\n')
    result = smcp("doctor", "site_app:app", "--policy", "open.yaml", "--format", "json")
    assert (result.code, [each["code"] for each in result.json["findings"]]) == (1, ["DOC020"])


@pytest.mark.real
def test_the_report_is_plain_facts(project: Path) -> None:
    _written(project, APP)
    facts = json.loads(smcp("doctor", "site_app:app", "--format", "json").out)
    assert set(facts) == {"target", "kind", "routes", "servers", "unseen", "findings"}


ABOVE = """
from mcp.server.mcpserver import MCPServer
from smcp_security.adapters.decorator import secure_tool
mcp = MCPServer("library")

@secure_tool
@mcp.tool()
def find_book(title: str) -> str:
    return title
"""


@pytest.mark.real
def test_a_decorator_above_the_registration_is_a_finding_with_the_way_out(project: Path) -> None:
    _written(project, ABOVE)
    result = smcp("doctor", "site_app:mcp")
    assert result.code == 1
    assert "DOC040" in result.out and "Put @secure_tool below it" in " ".join(result.out.split())
    _written(project, ABOVE.replace("@secure_tool\n@mcp.tool()", "@mcp.tool()\n@secure_tool"), "put_right")
    result = smcp("doctor", "put_right:mcp")
    assert (result.code, result.err) == (0, "")


@pytest.mark.real
def test_what_hears_that_it_is_interrupted_leaves_nothing_behind(project: Path) -> None:
    _written(project, "import os, time\nopen('own.pid', 'w').write(str(os.getpid()))\ntime.sleep(600)")
    command = [sys.executable, "-m", "smcp_security.cli", "doctor", "site_app:app"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        while not (project / "own.pid").exists() or not (project / "own.pid").read_text():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read().strip() == b"smcp: interrupted"
    assert process.returncode == 130
    assert not _runs(int((project / "own.pid").read_text()))
