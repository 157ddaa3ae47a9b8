"""What rungs ask of the vault, and what it gives. Pure: the vault itself is opened elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smcp_security.checks.rung import Question, Run
from smcp_security.opened import Opened

if TYPE_CHECKING:
    from smcp_security.redaction.sought import Sought


class OpenSecret(Question, frozen=True):
    """A secret of the vault, its newest version; None if there is none, or it has expired.

    From then on the value is looked for in all that the server says. Raises `Unavailable` while the vault cannot be
    read.
    """

    name: str
    tenant: str = ""

    def ask(self) -> Run[Opened | None]:
        opened: Opened | None = yield self
        return opened


class AskSought(Question, frozen=True):
    """What to look for in what the server says: the values that were handed out. None if there are none yet."""

    def ask(self) -> Run[Sought | None]:
        sought: Sought | None = yield self
        return sought


class Given:
    """A secret on its way to a parameter of a tool."""

    __slots__ = ("parameter", "secret")

    def __init__(self, parameter: str, secret: Opened) -> None:
        self.parameter, self.secret = parameter, secret

    def __repr__(self) -> str:
        return f"Given({self.parameter!r}, {self.secret!r})"
