"""What came of a run, in five formats: each is a pure function over the findings."""

from __future__ import annotations
