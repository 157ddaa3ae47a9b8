"""Reads what may follow a value in SQL, to tell it from prose: tokens, operands, statements, and the shape of them all.

Pure: no I/O, no clock.
"""
