"""The edges that run the table in process, each with what it sees of a message."""

from __future__ import annotations

from typing import Final

from tests.acceptance.edges.asgi import ASGI
from tests.acceptance.edges.decorator import DECORATOR, DECORATOR_SYNC
from tests.acceptance.edges.django import DJANGO_ASYNC, DJANGO_SYNC
from tests.acceptance.edges.hooks import HOOKS
from tests.acceptance.edges.in_process import ASYNC, SYNC
from tests.acceptance.edges.knocking import HttpEdge
from tests.acceptance.edges.stdio import STDIO
from tests.acceptance.edges.wsgi import WSGI
from tests.acceptance.fate import Edge

HTTP_EDGES: Final[tuple[HttpEdge, ...]] = (ASGI, WSGI, DJANGO_SYNC, DJANGO_ASYNC)
EDGES: Final[tuple[Edge, ...]] = (ASYNC, SYNC, *HTTP_EDGES, DECORATOR, DECORATOR_SYNC, HOOKS, STDIO)
CONFIGURED: Final[tuple[Edge, ...]] = (ASYNC, SYNC, DECORATOR, DECORATOR_SYNC, HOOKS, STDIO)
"""Those whose caller is configured, because no request carries a credential."""
JUDGES_ANSWERS: Final[tuple[Edge, ...]] = (HOOKS, STDIO)
"""Those among them that see what the server answers."""
