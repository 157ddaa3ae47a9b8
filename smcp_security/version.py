"""The version of the package: the one place that says it. The build reads it from here. Imports nothing."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
