"""The exceptions of the package: mistakes of the operator or the caller of the API, each with a stable code.

A refused *message* is never an exception: it is a `Decision` (see `decision.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from smcp_security.decision import Decision


class SMCPError(Exception):
    """Root of every exception this package raises on purpose. `code` is stable across releases."""

    code: ClassVar[str] = "smcp_error"


class PolicyError(SMCPError):
    """A policy that cannot be used: unreadable, unknown key, wrong value. The message says where and what to do."""

    code: ClassVar[str] = "invalid_policy"


class RulesError(SMCPError):
    """A detection rule does not load or compile. Start-up stops: a missing rule must never look like a clean scan."""

    code: ClassVar[str] = "invalid_rules"


class ScanUnproven(SMCPError):
    """The rulebook's sentinel did not match, so nothing proves that the scan ran. The message is denied."""

    code: ClassVar[str] = "scan_unproven"


class AuditUnavailable(SMCPError):
    """The audit sink cannot take a record and the policy says `on_failure: deny`."""

    code: ClassVar[str] = "audit_unavailable"


class FrameworkClosed(SMCPError):
    """A message was offered to a framework after `close()`."""

    code: ClassVar[str] = "framework_closed"


class SMCPDenied(SMCPError):
    """A call that an edge inside the server refused, where no SDK has a way of its own to say so.

    `decision` is the verdict; the text says code, meaning and what to do, never what came.
    """

    code: ClassVar[str] = "denied"

    def __init__(self, decision: Decision, text: str) -> None:
        super().__init__(text)
        self.decision = decision


class Misplaced(SMCPError):
    """A protection that guards nothing where it stands. The message says which, and how to put it right."""

    code: ClassVar[str] = "misplaced"


class Unavailable(SMCPError):
    """What is needed to judge a credential cannot be had: a key file, an issuer's keys, an introspection."""

    code: ClassVar[str] = "unavailable"


class StoreAway(Unavailable):
    """The shared store does not answer, and this question has no safe answer without it."""

    code: ClassVar[str] = "store_away"


class VaultError(SMCPError):
    """A vault that cannot be used: no file, wrong key, no right to read. The message says where and what to do."""

    code: ClassVar[str] = "invalid_vault"


class VaultDamaged(VaultError):
    """A vault file that is torn, tampered with or rolled back. The message says which; the file is left as it is."""

    code: ClassVar[str] = "damaged_vault"


class InvalidToken(SMCPError):
    """A sealed value does not open. Never says why: whoever tries keys or ciphertexts must learn nothing from it."""

    code: ClassVar[str] = "invalid_token"


class KeyFileError(SMCPError):
    """A file of API keys or of a JWKS that cannot be used. The message says where and what to do."""

    code: ClassVar[str] = "invalid_keys"


class AuditError(SMCPError):
    """An audit file, its keys or a checkpoint that cannot be used. The message says where and what to do."""

    code: ClassVar[str] = "invalid_audit"


class AuditDamaged(AuditError):
    """A file of the audit or of its keys that was changed, cut or torn. The message says which."""

    code: ClassVar[str] = "damaged_audit"
