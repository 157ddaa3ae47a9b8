"""The vault: secrets sealed in a file, opened for the tools that a grant names, looked for in all that comes back."""

from __future__ import annotations
