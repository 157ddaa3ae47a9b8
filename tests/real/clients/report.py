"""Runs the client matrix and writes `docs/clients.md`: `python -m tests.real.clients.report`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from tests.real.clients import table
from tests.real.clients.command import command
from tests.real.clients.denials import DENIALS
from tests.real.clients.journey import Honest, Met, Strictness, denied, honest
from tests.real.clients.roster import EVERYBODY, Traveller

DOCS: Final = Path(__file__).parents[3] / "docs" / "clients.md"
DENIAL: Final = "denial"
FEATURE: Final = "what a client does"
_TEXT: Final = """\
# Clients

What real clients see of the middleware, in front of a real MCP SDK 2.3 server. `python -m tests.real.clients.report`
runs them all and writes this page; a test (`pytest -m real tests/real/clients`) fails when it no longer holds. "auto"
speaks 2026-07-28, all others 2025-11-25; "SSE" is the deprecated HTTP+SSE transport.

Entries to paste for Cursor, VS Code and Claude, with any stdio server behind a policy: [proxy.md](proxy.md).

## Honest traffic

Every client did its whole repertoire at a bare server and at one behind `SMCPMiddleware` with its default policy.

- same: results, errors, notifications and questions were equal, and so was every message that the server saw
- –: the client or its era has no such thing, or (the inspector: a process for each step) it was left to the others

{features}
## Denials

Every kind of denial, what the client's user sees of it, and whether the next ordinary call *on the same client*
succeeds ("goes on"). An error is shown with its type, its code or HTTP status, and the finding where the client lets
its user see it. "sent" is a notification, which has no answer. The inspector connects anew for each command.

{denials}
The same over the deprecated HTTP+SSE transport:

{denials_sse}
- The 1.x Python client ends its whole connection at any HTTP error. That is why refusals of a policy travel on a 200;
  only what is refused before the message is understood, the flood guard and `rate_status: 429` cut it off.
- Over HTTP+SSE an answer must come on the session's stream. Where the id of the message is not known yet, none can:
  the session is ended, so that nobody waits for ever.
- An error without an id tells the 2.x Python clients nothing but that the server refused: the reason is in the log of
  the server.

## How each denial came about

Honest clients cannot send most of what is refused: "altered on the way" means that a proxy of the tests spoilt the call
between client and middleware.

{origins}"""


@dataclass(frozen=True)
class Seen:
    """Both parts of one client's journey."""

    client: Traveller
    honest: Honest
    denied: Mapping[str, Met]


def page(seen: Sequence[Seen]) -> str:
    """The whole page."""

    def denials(transport: str) -> str:
        columns = {
            each.client.name: table.denial_column(each.client, each.denied)
            for each in seen
            if each.client.transport == transport
        }
        return table.rendered(DENIAL, columns)

    features = {each.client.name: table.repertoire_column(each.client, each.honest) for each in seen}
    return _TEXT.format(
        features=table.rendered(FEATURE, features),
        denials=denials("http"),
        denials_sse=denials("sse"),
        origins=origins(),
    )


def origins() -> str:
    """The table that says how each denial is provoked."""
    rows = ((each.name, f"{each.code or 'none told'}{'xx' * (each.code == 'SMCP6')}", each.how) for each in DENIALS)
    return table.plain(("provoked", "finding", "how"), rows)


async def _all() -> list[Seen]:
    strictness = Strictness()
    seen = []
    for client in EVERYBODY:
        how = command(client)
        seen.append(Seen(client, await honest(client, how), await denied(client, how, strictness)))
        print(f"{client.name}: done", flush=True)
    strictness.close()
    return seen


def main() -> None:
    """Write the page. Needs every tool of the matrix; `Missing` names the one that cannot be had."""
    # Both servers and policies say in their logs what the page says in its cells.
    logging.disable()
    warnings.simplefilter("ignore")
    DOCS.write_text(page(anyio.run(_all)), encoding="utf-8")


if __name__ == "__main__":
    main()
