"""The rules: one short function each, by section of what they read. `catalogue.py` lists the modules."""

from __future__ import annotations
