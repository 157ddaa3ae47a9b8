"""The demo's server: four tools of a small shop over a real SQLite database and a folder. Knows no security.

The tools are careless on purpose, as many in the wild are: text goes into SQL and into paths as it comes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer

PATH = "/mcp"
FORGOTTEN_PATH = "/old-mcp"
SETTINGS_FILE = ".env"
KEYS_FILE = ".ssh/authorized_keys"
SECRET = "73000"
"""A salary that no tool is meant to show; it stands in the database and in a file beside the notes."""

_SCHEMA = f"""
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, item TEXT, price REAL);
CREATE TABLE staff (name TEXT, salary INTEGER);
INSERT INTO orders VALUES (1, 'ann', 'tea', 4.5), (2, 'ann', 'cup', 9.0), (3, 'bob', 'pot', 31.0);
INSERT INTO staff VALUES ('eve', {SECRET});
"""


def shop(folder: Path) -> MCPServer[Any]:
    """The server, its database and notes made anew in `folder`, which must be empty."""
    database, notes = folder / "orders.sqlite", folder / "notes"
    notes.mkdir()
    (notes / "welcome.txt").write_text("Open from nine to five.")
    (folder / SETTINGS_FILE).write_text(f"SALARY_OF_EVE={SECRET}")
    (folder / KEYS_FILE).parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(_SCHEMA)
    server: MCPServer[Any] = MCPServer("shop", log_level="CRITICAL")
    _add_orders(server, database)
    _add_notes(server, notes)
    return server


def _add_orders(server: MCPServer[Any], database: Path) -> None:
    @server.tool()
    def search_orders(customer: str) -> str:
        """The orders of one customer."""
        rows = _rows(database, f"SELECT item, price FROM orders WHERE customer = '{customer}'")
        return ", ".join(f"{item} {price}" for item, price in rows) or "none"

    @server.tool()
    def order_total(customer: str) -> float:
        """What one customer has spent."""
        return float(_rows(database, f"SELECT total(price) FROM orders WHERE customer = '{customer}'")[0][0])


def _add_notes(server: MCPServer[Any], notes: Path) -> None:
    @server.tool()
    def read_note(name: str) -> str:
        """The text of one note."""
        return (notes / name).read_text()

    @server.tool()
    def write_note(name: str, text: str) -> str:
        """Keep a note."""
        (notes / name).write_text(text)
        return f"kept {name}"


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
