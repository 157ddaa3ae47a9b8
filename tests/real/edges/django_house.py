"""Serves Django projects as their users do: gunicorn with both kinds of workers, uvicorn, and `runserver`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Final

from tests.real.backends.processes import START_LIMIT, listening
from tests.real.edges.wsgi_house import KINDS, gunicorn
from tests.real.house import Address
from tests.toolbox.shelf import ROOT

SERVERS: Final = (*KINDS, "uvicorn", "runserver")


@contextlib.contextmanager
def django(module: str, server: str, **environment: str) -> Iterator[Address]:
    """The project in `module` for the length of the block. `runserver` is what the module does as a program."""
    if server in KINDS:
        with gunicorn(f"{module}:wsgi", server, **environment) as address:
            _wait_for_the_worker(address)
            yield address
        return
    command = [sys.executable, "-m"]
    command += [f"{__package__}.asgi_program", f"{module}:asgi"] if server == "uvicorn" else [module]
    with listening(command, {**os.environ, "PYTHONPATH": str(ROOT), **environment}) as port:
        yield Address(port)


def _wait_for_the_worker(address: Address) -> None:
    """gunicorn listens before its worker has imported the project."""
    with contextlib.closing(HTTPConnection("127.0.0.1", address.port, timeout=START_LIMIT)) as connection:
        connection.request("GET", "/nothing")
        connection.getresponse().read()
