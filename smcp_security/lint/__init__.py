"""Rules that look at policies, lock files and client configurations for what they mean."""

from __future__ import annotations
