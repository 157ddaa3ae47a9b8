"""Typed arguments: what a value whose meaning is known may be. Pure: no file system, no DNS, no clock, no logging.

One file a kind. What only the outside world knows (where a link leads, which addresses a name has) is a look-up that
the contract names and the rung asks.
"""

from __future__ import annotations
