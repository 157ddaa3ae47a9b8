"""The file of a vault: a header, a line for each version of a secret, and a last line that vouches for both. Pure.

There is one spelling for everything: what parses encodes to the same bytes. Nothing here opens or believes anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from smcp_security.errors import VaultDamaged, VaultError
from smcp_security.policy.vault import is_name
from smcp_security.vault.envelope import KEY_BYTES, OVERHEAD
from smcp_security.vault.passphrase import Derivation, check_derivation

FORMAT: Final = "smcp.vault/1"
BYTES_MAX: Final = 64 * 1024 * 1024
VERSIONS_MAX: Final = 100_000
KEYS_MAX: Final = 1_000
VALUE_MAX: Final = 64 * 1024
TAGS_MAX: Final = 32
WRAPPED_BYTES: Final = KEY_BYTES + OVERHEAD
COUNT_MAX: Final = 2**63 - 1
MOMENT_MAX: Final = 253402300799.0
"""The last second of the year 9999."""

RESTORE: Final = "the file is left as it is: restore it from a backup"
"""What to do about damage."""

_MAGIC: Final = b'{"format":"smcp.vault/'
_LAST: Final = b'{"mac":"'
_VAULT_ID: Final = re.compile(r"[0-9a-f]{32}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_MAC: Final = re.compile(r"[0-9a-f]{64}")
_TENANT: Final = re.compile(r"[^\x00-\x20\x7f-\x9f\ud800-\udfff]{0,256}")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=/@+-]{0,127}")

T = TypeVar("T")


class KeyLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A master key that this vault knows: by its fingerprint, with what it has sealed so far."""

    id: int
    fingerprint: str
    seals: int


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vault says of itself. Times are unix seconds."""

    format: str
    vault_id: str
    generation: int
    """One more with every write."""
    created: float
    changed: float
    """The latest time that any writer has seen: a clock that goes back does not take it along."""
    first_key_id: int
    least_key_id: int
    keys: tuple[KeyLine, ...]
    derivation: Derivation | None


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a secret: its data key, wrapped under a master key, and its value, sealed under the data key."""

    tenant: str
    name: str
    version: int
    created: float
    expires: float | None
    tags: tuple[str, ...]
    key_id: int
    wrapped: bytes
    value: bytes

    @property
    def place(self) -> tuple[str, str]:
        """What the versions of one secret have in common."""
        return self.tenant, self.name


class Last(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: an HMAC-SHA-256, in hex, over all lines before it."""

    mac: str


class Document(msgspec.Struct, frozen=True):
    """A file in parts. `covered` are the bytes under the MAC."""

    header: Header
    lines: tuple[Line, ...]
    covered: bytes
    mac: str


ORDER: Final = attrgetter("tenant", "name", "version")
_encoder: Final = msgspec.json.Encoder()
_header_decoder: Final = msgspec.json.Decoder(Header)
_line_decoder: Final = msgspec.json.Decoder(Line)
_last_decoder: Final = msgspec.json.Decoder(Last)


def encode(header: Header, lines: Iterable[Line]) -> bytes:
    """The bytes under the MAC. `lines` are in order already."""
    parts = [_encoder.encode(header)]
    parts += map(_encoder.encode, lines)
    parts.append(b"")
    return b"\n".join(parts)


def finished(covered: bytes, mac: str) -> bytes:
    """The file as it is stored."""
    return covered + _encoder.encode(Last(mac)) + b"\n"


def is_tenant(text: object) -> bool:
    """Whether a tenant may be called that; "" is nobody in particular."""
    return isinstance(text, str) and _TENANT.fullmatch(text) is not None


def is_tag(text: object) -> bool:
    """Whether a secret may be tagged so."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


def parse(data: bytes, name: str) -> Document:
    """A file in parts, each of them as it must be. `name` is what errors call the file.

    Raises:
        VaultError: not a vault, or one of a later release.
        VaultDamaged: torn, or changed by something that is not this library.
    """
    _check_kind(data, name)
    cut = data.rfind(b"\n", 0, -1) + 1
    raw = data[:cut].split(b"\n")[:-1]
    if not raw or not data.endswith(b"\n") or not data.startswith(_LAST, cut):
        raise VaultDamaged(f"{name}: cut off: its last line is not there; {RESTORE}")
    last = _parsed(_last_decoder, data[cut:-1], name, len(raw) + 1)
    header = _parsed(_header_decoder, raw[0], name, 1)
    _check_header(header, name)
    known = {key.id for key in header.keys}
    lines = tuple(_parsed(_line_decoder, line, name, number) for number, line in enumerate(raw[1:], 2))
    _check_lines(lines, known, name)
    if _MAC.fullmatch(last.mac) is None:
        raise _damaged(name, len(raw) + 1, "mac is not 64 hex digits")
    return Document(header, lines, data[:cut], last.mac)


def _check_kind(data: bytes, name: str) -> None:
    if len(data) > BYTES_MAX:
        raise VaultError(f"{name}: larger than 64 MiB; is this the right file?")
    start = data[: len(_MAGIC)]
    if start != _MAGIC[: len(start)]:
        raise VaultError(f"{name}: not a vault; name the file that `smcp vault init` made")
    if data.count(b"\n") > VERSIONS_MAX + 2:
        raise VaultError(f"{name}: more than {VERSIONS_MAX:,} versions of secrets; is this the right file?")


def _read(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """What a line says, if it says it in the one spelling there is. Raises `ValueError`."""
    value = decoder.decode(raw)
    if _encoder.encode(value) != raw:
        raise ValueError("spelt otherwise than the library does")
    return value


def _parsed(decoder: msgspec.json.Decoder[T], raw: bytes, name: str, number: int) -> T:
    try:
        return _read(decoder, raw)
    except msgspec.ValidationError as error:
        # Never more of it: a field name is all that such an error quotes, and of an unknown field not even that.
        what = "has a field that is unknown" if "unknown field" in str(error) else str(error).lower()
        raise _damaged(name, number, what) from None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _damaged(name, number, "is not JSON as this library writes it") from None


def _damaged(name: str, number: int, what: str) -> VaultDamaged:
    return VaultDamaged(f"{name}: line {number}: {what}; {RESTORE}")


def _check_header(header: Header, name: str) -> None:
    if header.format != FORMAT:
        raise VaultError(f"{name}: a vault of another format than {FORMAT}; read it with a later release")
    ids = [key.id for key in header.keys]
    prints = [key.fingerprint for key in header.keys]
    faults = (
        (_VAULT_ID.fullmatch(header.vault_id) is None, "vault_id is not 32 hex digits"),
        (not 1 <= header.generation <= COUNT_MAX, "generation is out of range"),
        (not 0 <= header.created <= header.changed <= MOMENT_MAX, "created and changed are out of range"),
        (not 1 <= len(ids) <= KEYS_MAX, f"not 1 to {KEYS_MAX:,} keys"),
        (ids != list(range(1, len(ids) + 1)), "ids of keys do not count up from 1"),
        (len(set(prints)) < len(prints), "the same key twice"),
        (any(_FINGERPRINT.fullmatch(each) is None for each in prints), "a fingerprint is not 16 hex digits"),
        (any(not 0 <= key.seals <= COUNT_MAX for key in header.keys), "seals of a key are out of range"),
        (not header.least_key_id <= header.first_key_id <= len(ids), "first_key_id names no key that may open"),
        (header.least_key_id < 1, "least_key_id is out of range"),
    )
    for wrong, what in faults:
        if wrong:
            raise _damaged(name, 1, what)
    if header.derivation is not None:
        try:
            check_derivation(header.derivation)
        except VaultDamaged as error:
            raise VaultDamaged(f"{name}: line 1: {error}") from None


def _check_lines(lines: Sequence[Line], known: set[int], name: str) -> None:
    before: Any = None
    for number, line in enumerate(lines, 2):
        if what := _fault_of(line, known):
            raise _damaged(name, number, what)
        place = ORDER(line)
        if before is not None and place <= before:
            raise _damaged(name, number, "the same version twice" if place == before else "not in its order")
        before = place


def _fault_of(line: Line, known: set[int]) -> str:
    """What is wrong with one line, "" for nothing."""
    faults = (
        (not is_name(line.name), "not the name of a secret"),
        (not is_tenant(line.tenant), "not the name of a tenant"),
        (not 1 <= line.version <= COUNT_MAX, "version is out of range"),
        (not 0 <= line.created <= MOMENT_MAX, "created is out of range"),
        (line.expires is not None and not 0 <= line.expires <= MOMENT_MAX, "expires is out of range"),
        (len(line.tags) > TAGS_MAX or not all(map(is_tag, line.tags)), "not tags of a secret"),
        (line.tags and list(line.tags) != sorted(set(line.tags)), "tags are not in their order"),
        (line.key_id not in known, "sealed under a key that the header does not list"),
        (len(line.wrapped) != WRAPPED_BYTES, "wrapped is not of its length"),
        (not OVERHEAD < len(line.value) <= VALUE_MAX + OVERHEAD, "value is not of any length it may have"),
    )
    return next((what for wrong, what in faults if wrong), "")
