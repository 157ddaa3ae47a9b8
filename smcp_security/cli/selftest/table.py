"""What a row of the table is: a class of attacks, each in a spelling, beside an honest twin of the same shape. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from smcp_security.cli.selftest.shot import Shot, Voice

WIRE: Final = "wire"
IDENTITY: Final = "identity"
CONTENT: Final = "content"
RATE: Final = "rate"


@dataclass(frozen=True, slots=True)
class Trial:
    """One spelling of an attack, and its twin."""

    name: str
    attack: Shot
    twin: Shot


@dataclass(frozen=True, slots=True)
class Row:
    """One class of attacks. `incident` is where it happened or what it is a case of; `cwe` the class by number."""

    code: str
    slug: str
    incident: str
    cwe: str
    trials: Callable[[Voice], Iterator[Trial]]
    group: str = WIRE


@dataclass(frozen=True, slots=True)
class Texts:
    """A class of attacks that are one argument's text: `attacks` with their names, and an honest text of the same look.

    What is `lenient` honest texts say too, so that most policies only report it.
    """

    code: str
    slug: str
    incident: str
    cwe: str
    attacks: tuple[tuple[str, str], ...]
    twin: str
    lenient: bool = False
    group: str = CONTENT
