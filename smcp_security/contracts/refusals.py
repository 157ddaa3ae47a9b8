"""What is refused where a kind was only inferred: what no honest value of the kind needs, and nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from smcp_security.contracts.contract import Fault
from smcp_security.contracts.hosts import leads_inside
from smcp_security.contracts.spellings import climbs
from smcp_security.contracts.sql_text import second_statement

_MAX_LENGTH: Final = 65_536
"""A longer value is no name, path or URL: it is left to detection, which reads every length. Where detection takes the
text for content, as in SQL, there is no such bound.
"""

_PATH: Final = Fault("SMCP510", "a path without steps out of the place it starts from")
_ADDRESS: Final = Fault("SMCP512", "the address of a host that serves documents, not one of a cloud's metadata service")
_SQL: Final = Fault("SMCP513", "one statement; send the others in calls of their own")
_OPTION: Final = Fault("SMCP515", "a value that no command takes for an option")
_IDENTIFIER: Final = Fault("SMCP516", "one name, without steps up and line breaks")
_EMAIL: Final = Fault("SMCP517", "mail addresses, without further header fields")

_OPTION_WITH_VALUE: Final = re.compile(
    r"[\s\"']*(?:--[a-z][a-z0-9-]*[=\s]|-[a-z][=\s/~.]|-[oc][a-z]"
    r"|--(?:exec|ext-diff|no-index|open-files-in-pager|output|upload-pack|receive-pack|git-dir|work-tree|config)\b)",
    re.ASCII | re.IGNORECASE,
)
"""Options that may write a file, run a program or read another configuration; not `--cached`, nor `HEAD~1`."""

_HEADER: Final = re.compile(
    r"[\r\n][\t ]*(?:bcc|cc|to|from|subject|reply-to|content-type|mime-version|x-[a-z-]{1,40})[\t ]*:",
    re.ASCII | re.IGNORECASE,
)
_BREAKS: Final = frozenset("\r\n\0")


def _sets_option(value: str) -> bool:
    return _OPTION_WITH_VALUE.match(value) is not None


def _not_one_name(value: str) -> bool:
    return not _BREAKS.isdisjoint(value.strip()) or climbs(value)


def _more_headers(value: str) -> bool:
    return _HEADER.search(value) is not None


_REFUSED: Final[Mapping[str, tuple[Callable[[str], bool], Fault]]] = {
    "path": (climbs, _PATH),
    "url": (leads_inside, _ADDRESS),
    "hostname": (leads_inside, _ADDRESS),
    "sql": (second_statement, _SQL),
    "argv_token": (_sets_option, _OPTION),
    "identifier": (_not_one_name, _IDENTIFIER),
    "uuid": (_not_one_name, _IDENTIFIER),
    "email": (_more_headers, _EMAIL),
}


def hostile(kind: str, value: str) -> Fault | None:
    """What no honest value of an inferred kind holds; None if the value has nothing of it."""
    refused = _REFUSED.get(kind)
    if refused is None or (len(value) > _MAX_LENGTH and kind != "sql") or not refused[0](value):
        return None
    return refused[1]
