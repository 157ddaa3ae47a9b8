"""What a record tells of the arguments of a message: a hash, the params with secrets masked, or the params. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec.structs import replace

from smcp_security.checks.layers import cover
from smcp_security.checks.masking import masked
from smcp_security.checks.repeats import TooManyRepeats
from smcp_security.checks.said import fields
from smcp_security.errors import ScanUnproven
from smcp_security.redaction.catalogue import SECRETS
from smcp_security.redaction.redactor import Redactor, Span
from smcp_security.redaction.scan import SpanFlood
from smcp_security.strict_json import Malformed

if TYPE_CHECKING:
    from smcp_security.message import Message

Detail = Literal["hashed", "redacted", "full"]

REDACTED_LIMIT: Final = 64 * 1024
"""Bytes of a message that are searched for secrets. A longer one has its hash: to search it would cost milliseconds."""

SECRETS_LIMIT: Final = 64
"""Secrets in one message: more of them are a flood, and to mask each would hold up the caller."""

_UNPROVEN: Final = (ScanUnproven, SpanFlood, TooManyRepeats, Malformed)


@dataclass(frozen=True, slots=True)
class Arguments:
    """How much is told. `redactor` is there for "redacted" alone."""

    detail: Detail = "hashed"
    redactor: Redactor | None = None

    def told(self, message: Message, uri: str, digest: Callable[[bytes], str]) -> tuple[Any, str]:
        """The arguments and the URI of a message. A string is always a hash, an object always the params."""
        if self.detail == "full":
            return message.params, uri
        if self.redactor is not None and len(message.raw) <= REDACTED_LIMIT:
            try:
                return self._masked(self.redactor, message, uri)
            except _UNPROVEN:
                pass
        return digest(message.raw), ""

    def _masked(self, redactor: Redactor, message: Message, uri: str) -> tuple[Any, str]:

        def find(texts: Sequence[str], names: Sequence[str]) -> Sequence[Span]:
            spans = redactor.find(texts, names)
            if len(spans) > SECRETS_LIMIT:
                raise SpanFlood("more secrets than are masked in one record")
            return spans

        value = {"params": message.params}
        found = masked(value, fields(replace(message, value=value, fields=None)), find, _everywhere)
        params = message.params if found is None else found.value["params"]
        return params, cover(uri, redactor.find([uri], ["uri"])) if uri else ""


HASHED: Final = Arguments()


def arguments_of(detail: Detail) -> Arguments:
    """How much the policy lets the audit tell. Raises `RulesError` for a rule of masks that is unfit."""
    return Arguments(detail, Redactor((SECRETS,)) if detail == "redacted" else None)


def _everywhere(*_: object) -> bool:
    return True
