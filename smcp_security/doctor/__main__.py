"""The process that examines: `python -m smcp_security.doctor REQUEST FD`, started by `smcp doctor` and by nobody else.

It imports the operator's code, which may print, hang, exit or crash: what is known goes line by line as JSON to FD. It
must not be imported by what goes on living.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from smcp_security.doctor import django
from smcp_security.doctor.codes import Found
from smcp_security.doctor.examination import Examination, Report
from smcp_security.doctor.loading import Unloadable, causes, load, own_error, parse_target, told
from smcp_security.doctor.quiet import Serving, forbid_serving, silence
from smcp_security.doctor.servers import bypassed, is_server
from smcp_security.doctor.starting import is_asgi, running
from smcp_security.errors import Misplaced
from smcp_security.policy import resolve

_AT_IMPORT: Final = "put that below `if __name__ == '__main__':`"
_LATER: Final = "leave that out where the variable SMCP_DOCTOR is set"
_ADVICE: Final[Mapping[str, str]] = {
    "policy": "report this",
    "import": "import it by itself to see all of the error",
    "startup": "start it by itself to see all of the error",
    "routes": "start it by itself to see all of the error",
    "shutdown": "stop it by itself to see all of the error",
}


@dataclass(slots=True)
class _Channel:
    """The way to the parent."""

    descriptor: int
    phase: str = ""

    def send(self, **facts: Any) -> None:
        os.write(self.descriptor, json.dumps(facts).encode() + b"\n")

    def enter(self, phase: str) -> None:
        self.phase = phase
        self.send(phase=phase)

    def fail(self, error: BaseException, target: str) -> None:
        """What ended the examination: a finding where it is our own error, else one line."""
        own, misplaced = own_error(error), [found for _, found in bypassed()]
        serving = next((each for each in causes(error) if isinstance(each, Serving)), None)
        if serving is not None:
            advice = _AT_IMPORT if self.phase == "import" else _LATER
            self.send(failure=f"it opens a port at {serving.place}; {advice}")
        elif self.phase != "policy" and (own is not None or misplaced):
            code = "DOC040" if isinstance(own, Misplaced) else "DOC030"
            report = Report(target, "application")
            report.note(iter(misplaced or [Found(code, f"its {self.phase}", str(own))]))
            self.send(report=asdict(report))
        elif own is not None:
            self.send(failure=f"the policy: {'; '.join(str(own).splitlines())}")
        elif isinstance(error, Unloadable):
            self.send(failure=str(error))
        else:
            self.send(failure=f"it raises {told(error)}; {_ADVICE[self.phase]}")


def main(request: Mapping[str, Any], channel: _Channel) -> None:
    """Examine what `request` names. Never returns to the operator's threads: the process ends."""
    try:
        silence()
        forbid_serving()
        sys.path.insert(0, os.getcwd())
        _examine(request, channel)
    except BaseException as error:
        channel.fail(error, request["target"])
        raise
    finally:
        channel.send(end=True)
        os._exit(0)


def _examine(request: Mapping[str, Any], channel: _Channel) -> None:
    channel.enter("policy")
    given = resolve(request["policy"], os.environ)
    if request["policy"] is not None:
        # For what names none itself, as a server would be told.
        os.environ["SMCP_POLICY"] = os.path.abspath(request["policy"])
    channel.enter("import")
    examination = Examination(request["target"], given, request["offline"])
    app, names = _loaded(request)
    if not callable(app) and not is_server(app):
        kind = type(app).__name__
        raise Unloadable(f"it is of type {kind}; expected an ASGI or WSGI application, or a server object")
    if is_server(app) or not is_asgi(app):
        channel.enter("routes")
        channel.send(report=asdict(examination.of(app, names)))
    else:
        asyncio.run(_started(app, names, examination, channel))


def _loaded(request: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """What is to be examined, and the names of its module."""
    if request["django"]:
        return django.start(request["target"]), {}
    app, module = load(parse_target(request["target"]))
    return app, vars(module)


async def _started(app: Any, names: Mapping[str, Any], examination: Examination, channel: _Channel) -> None:
    async with running(app, channel.enter):
        channel.enter("routes")
        channel.send(report=asdict(examination.of(app, names)))


if __name__ == "__main__":
    logging.lastResort = None
    main(json.loads(sys.argv[1]), _Channel(int(sys.argv[2])))
