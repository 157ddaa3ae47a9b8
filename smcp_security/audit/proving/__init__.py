"""Whether the chain holds: `verification.py` reads lines in memory, `examination.py` looks closer at what is odd."""
