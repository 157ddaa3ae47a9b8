"""A server of a few lines that does what its caller asks for, bad things too. Runs as a script, without packages."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

Call = dict[str, Any]


def say(message: Any) -> None:
    """Write one line."""
    write(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")


def write(data: bytes) -> None:
    """Write bytes that need not be a line."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def result(call: Call, text: str) -> None:
    """Answer a call with a text."""
    say({"jsonrpc": "2.0", "id": call["id"], "result": {"content": [{"type": "text", "text": text}]}})


def _echo(call: Call, given: Call) -> None:
    result(call, given.get("text", ""))


def _die(call: Call, given: Call) -> None:
    os._exit(given.get("code", 3))


def _crash(call: Call, given: Call) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _garbage(call: Call, given: Call) -> None:
    write(b'Traceback (most recent call last):\n[1]\n"text"\n\x00\xff\xfe\n{"half":\n\n' + b"x" * 70_000 + b"\n")
    result(call, "after garbage")


def _torn(call: Call, given: Call) -> None:
    write(b'{"jsonrpc":"2.0","id":' + json.dumps(call["id"]).encode() + b',"result":{"content":[')
    os._exit(0)


def _complain(call: Call, given: Call) -> None:
    sys.stderr.write("complaint\n" * given["lines"])
    sys.stderr.flush()
    result(call, "complained")


def _silent(call: Call, given: Call) -> None:
    pass


def _twice(call: Call, given: Call) -> None:
    result(call, "first")
    result(call, "second")


def _foreign(call: Call, given: Call) -> None:
    say({"jsonrpc": "2.0", "id": "nobody's", "result": {}})
    say({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "what?"}})
    result(call, "own")


def _nan(call: Call, given: Call) -> None:
    write(b'{"jsonrpc":"2.0","id":' + json.dumps(call["id"]).encode() + b',"result":{"content":[],"x":NaN}}\n')


def _big(call: Call, given: Call) -> None:
    result(call, "x" * given["size"])


def _big_last(call: Call, given: Call) -> None:
    say({"result": {"content": [], "x": [{"id": 77}], "y": "x" * given["size"]}, "jsonrpc": "2.0", "id": call["id"]})


def _big_question(call: Call, given: Call) -> None:
    params = {"messages": [], "maxTokens": 1, "x": "x" * given["size"]}
    say({"jsonrpc": "2.0", "id": call["id"], "method": "sampling/createMessage", "params": params})
    answer = json.loads(sys.stdin.readline())
    result(call, json.dumps(answer))


def _ask(call: Call, given: Call) -> None:
    say({"jsonrpc": "2.0", "id": "q", "method": "roots/list"})
    result(call, json.dumps(json.loads(sys.stdin.readline())))


def _notify(call: Call, given: Call) -> None:
    for number in range(given["count"]):
        say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": str(number)}})
    result(call, "notified")


def _deaf(call: Call, given: Call) -> None:
    result(call, "deaf now")
    while True:
        time.sleep(60)


def _stubborn(call: Call, given: Call) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _deaf(call, given)


def _spawn(call: Call, given: Call) -> None:
    """Something that outlives its parent and holds the pipe open that the command line names."""
    script = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "held = open(sys.argv[1], 'w'); print(flush=True); time.sleep(600)"
    )
    grandchild = subprocess.Popen([sys.executable, "-S", "-c", script, sys.argv[1]], stdout=subprocess.PIPE)
    assert grandchild.stdout is not None
    grandchild.stdout.read(1)
    result(call, "spawned")


def _environment(call: Call, given: Call) -> None:
    result(call, json.dumps(sorted(os.environ)))


def _blab(call: Call, given: Call) -> None:
    """What stands in a variable, said in every way that a server has."""
    value = os.environ[given["variable"]]
    sys.stderr.write(f"using {value}\nor in hexadecimal digits {value.encode().hex()}\n")
    sys.stderr.flush()
    said = {"level": "info", "data": {"key": value}}
    say({"jsonrpc": "2.0", "method": "notifications/message", "params": said})
    say({"jsonrpc": "2.0", "id": value, "method": "sampling/createMessage", "params": {"messages": [], "x": value}})
    texts = [value, value.encode().hex(), base64.b64encode(value.encode()).decode(), json.dumps({"a": [value]})]
    content = [{"type": "text", "text": text} for text in texts]
    say({"jsonrpc": "2.0", "id": call["id"], "result": {"content": content, "structuredContent": {value: value}}})


def _digest(call: Call, given: Call) -> None:
    result(call, sha256(os.environb[given["variable"].encode()]).hexdigest())


def _close_output(call: Call, given: Call) -> None:
    os.close(1)
    time.sleep(60)


def _close_input(call: Call, given: Call) -> None:
    os.close(0)
    result(call, "heard enough")
    time.sleep(60)


def _interrupted(call: Call, given: Call) -> None:
    def note(number: int, frame: object) -> None:
        said = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": number}}
        os.write(1, json.dumps(said).encode() + b"\n")

    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, note)
    result(call, "listening")


ACTS: dict[str, Callable[[Call, Call], None]] = {
    name[1:]: act for name, act in list(globals().items()) if name.startswith("_") and callable(act)
}


def main() -> None:
    """Serve until stdin ends."""
    for line in iter(sys.stdin.readline, ""):
        call = json.loads(line)
        if call.get("method") == "tools/call":
            params = call["params"]
            ACTS[params["name"]](call, params.get("arguments", {}))
        elif call.get("method") == "tools/list":
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "die")]
            say({"jsonrpc": "2.0", "id": call["id"], "result": {"tools": tools}})
        elif "method" in call and "id" in call:
            say({"jsonrpc": "2.0", "id": call["id"], "result": {}})


if __name__ == "__main__":
    main()
