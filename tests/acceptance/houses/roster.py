"""The servers that the table is played against in processes of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.acceptance.houses.process import House, gunicorn, uvicorn

_FLASK: Final = "tests.acceptance.houses.flask_house:app"
_DJANGO: Final = "tests.acceptance.houses.django_house:app"
# Threads change nothing about the era.
_ONE: Final = ("legacy",)
_THREADS: Final = ("--worker-class", "gthread", "--threads", "4")

ASGI_HOUSES: Final[tuple[House, ...]] = (uvicorn("Starlette, uvicorn", "tests.acceptance.houses.asgi_house:app"),)
FLASK_HOUSES: Final[tuple[House, ...]] = (
    gunicorn("Flask, gunicorn sync", _FLASK),
    replace(gunicorn("Flask, gunicorn gthread", _FLASK, *_THREADS), modes=_ONE),
)
DJANGO_HOUSES: Final[tuple[House, ...]] = (
    gunicorn("Django, gunicorn sync", _DJANGO),
    replace(gunicorn("Django, gunicorn gthread", _DJANGO, *_THREADS), modes=_ONE),
    uvicorn("Django, uvicorn", _DJANGO, HOUSE="asgi"),
)
