"""Definitions that were approved: their canonical form, the lock file, and how two of them differ."""
