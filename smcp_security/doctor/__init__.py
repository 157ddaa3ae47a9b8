"""The mount check behind `smcp doctor`: what an application serves, and what stands in front of it.

Frameworks and SDKs are known by their shape and never imported: whoever is examined has imported its own.
"""
