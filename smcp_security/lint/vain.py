"""What the policy's own `reach` finds, for the rules of lint: the loader logs the same at WARNING. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.policy.reach import RULES

REACH: Final = {f"{rule.__module__.rpartition('.')[2]}.{rule.__name__.lstrip('_')}": rule for rule in RULES}
"""Module and name of each -> the function. A test holds that every one of them has a rule here."""


def vain(name: str, document: Document) -> Iterator[Found]:
    """What one of them finds in the policy of a document."""
    if document.policy is not None:
        for path, problem in REACH[name](document.policy):
            # Of what goes over many lines the key says more than the first of them.
            whole = isinstance(document.at(path), dict | list) and isinstance(path[-1], str)
            yield Found(path, problem, key=whole)
