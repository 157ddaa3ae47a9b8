"""Measurements, run by hand or by CI: no test of the project is timed."""
