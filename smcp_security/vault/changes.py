"""What a vault becomes by each change: pure functions from one content to the header and lines of the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from msgspec.structs import replace

from smcp_security.errors import InvalidToken, VaultError
from smcp_security.policy.vault import is_name
from smcp_security.vault.contents import Contents, is_expired, needed
from smcp_security.vault.document import (
    KEYS_MAX,
    MOMENT_MAX,
    ORDER,
    TAGS_MAX,
    VALUE_MAX,
    VERSIONS_MAX,
    Header,
    KeyLine,
    Line,
    is_tag,
    is_tenant,
)
from smcp_security.vault.wrapping import rewrapped, sealed

SEALS_WARNED: Final = 2**31
SEALS_MAX: Final = 2**32
"""As many as NIST SP 800-38D allows one key with random nonces. Here each token has a key of its own: the safe side."""
_EVERY: Final = 256

Progress: TypeAlias = Callable[[int, int], None]
"""Told (done, all) every now and then."""


class Secret:
    """What is put in. `expires_at` is unix seconds; None: never.

    No struct or dataclass: what prints, compares or encodes those by their fields must not show a value.
    """

    __slots__ = ("expires_at", "name", "tags", "tenant", "value")

    def __init__(
        self, name: str, value: bytes, tenant: str = "", expires_at: float | None = None, tags: Sequence[str] = ()
    ) -> None:
        self.name, self.value, self.tenant, self.expires_at, self.tags = name, value, tenant, expires_at, tuple(tags)

    def __repr__(self) -> str:
        return "Secret()"


def check_secret(secret: Secret, now: float, vault: str) -> None:
    """What may be put in. Raises `VaultError`, which quotes nothing: a value may stand in the place of a name."""
    value, expires, tags = secret.value, secret.expires_at, secret.tags
    if not is_name(secret.name):
        what = "the name of a secret: letters, digits and _ . -, at most 128"
    elif not is_tenant(secret.tenant):
        what = "the name of a tenant: without spaces, at most 256 characters"
    elif not _is_value(value):
        what = "a value: bytes, and not empty"
    elif len(value) > VALUE_MAX:
        what = f"a value of at most {VALUE_MAX // 1024} KiB, found {len(value):,} bytes"
    elif expires is not None and not now < expires <= MOMENT_MAX:
        what = _expiry_after(now)
    elif len(set(tags)) > TAGS_MAX or not all(map(is_tag, tags)):
        what = f"at most {TAGS_MAX} tags, of letters, digits and _ . : = / @ + -, at most 128 characters each"
    else:
        return
    raise VaultError(f"{vault}: expected {what}")


def _expiry_after(now: float) -> str:
    moment = datetime.fromtimestamp(min(now, MOMENT_MAX), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"an expiry in the future, after {moment}: so late it is here, or was by the clock of whoever changed the vault"
        " last (if that was wrong, set secrets without an expiry, or make a new vault)"
    )


def _is_value(value: object) -> bool:
    return isinstance(value, bytes) and len(value) > 0


def with_versions(
    before: Contents, secrets: Sequence[Secret], data_keys: Iterable[bytes], now: float
) -> tuple[Header, tuple[Line, ...], list[Line]]:
    """New versions, each sealed under a data key of its own: the header, all lines, and those that are new."""
    if len(before.lines) + len(secrets) > VERSIONS_MAX:
        raise VaultError(f"{before.name}: holds {VERSIONS_MAX:,} versions of secrets and no more; prune or remove some")
    header = counted(before, len(secrets))
    key = needed(before.ring, before.first, before.name)
    newest: dict[tuple[str, str], int] = {}
    made = []
    for secret, data_key in zip(secrets, data_keys, strict=True):
        check_secret(secret, now, before.name)
        line = _line(secret, now, header.first_key_id)
        known = before.line(secret.name, secret.tenant)
        version = newest.get(line.place, known.version if known else 0) + 1
        newest[line.place] = version
        made.append(sealed(replace(line, version=version), secret.value, data_key, key, header.vault_id))
    return header, tuple(sorted((*before.lines, *made), key=ORDER)), made


def _line(secret: Secret, now: float, key_id: int) -> Line:
    """Not sealed yet."""
    expires = None if secret.expires_at is None else float(secret.expires_at)
    tags = tuple(sorted(set(secret.tags)))
    return Line(secret.tenant, secret.name, 0, now, expires, tags, key_id, b"", b"")


def counted(before: Contents, seals: int) -> Header:
    """The header after so many seals more under the first key. Raises `VaultError` if that is too many."""
    first = before.first
    if first.seals + seals > SEALS_MAX:
        raise VaultError(
            f"{before.name}: key {first.id} has sealed {first.seals:,} times, and {SEALS_MAX:,} are safe; rotate: add a"
            " key, make it the first, rewrap, retire the old one"
        )
    return _with_key(before.header, replace(first, seals=first.seals + seals))


def without(before: Contents, name: str, tenant: str, version: int | None) -> tuple[Line, ...]:
    """All but one secret, or but one version of it. Raises `VaultError` if there is none."""
    gone = set(before.versions(name, tenant)) if version is None else {before.line(name, tenant, version)} - {None}
    if not gone:
        raise VaultError(missing(before, name, tenant, version))
    return tuple(line for line in before.lines if line not in gone)


def missing(contents: Contents, name: str, tenant: str, version: int | None) -> str:
    """The words for a secret that is not there. The name is quoted only if it is one."""
    called = repr(name) if is_name(name) else "of that name"
    whose = f" of tenant {tenant!r}" if tenant and is_tenant(tenant) else ""
    if version is not None and contents.versions(name, tenant):
        return f"{contents.name}: secret {called}{whose} has no version {version}"
    return f"{contents.name}: no secret {called}{whose}; `smcp vault list` shows what there is"


def pruned(before: Contents, keep: int, now: float) -> tuple[Line, ...]:
    """The newest `keep` versions of each secret, but for those that have expired.

    Where the newest one has, all of them go: an older one would be the newest then, and open again.
    """
    if keep < 1:
        raise VaultError(f"{before.name}: expected to keep 1 version or more; `remove` takes a secret out")
    kept: list[Line] = []
    for line in before.lines:
        versions = before.versions(line.name, line.tenant)
        expired = is_expired(line, now) or is_expired(versions[-1], now)
        if line.version >= versions[max(len(versions) - keep, 0)].version and not expired:
            kept.append(line)
    return tuple(kept)


def with_key(before: Contents, fingerprint: str) -> Header | None:
    """One key more, which may open; None if it may already. Raises `VaultError` for one that was retired."""
    header = before.header
    known = next((key for key in header.keys if key.fingerprint == fingerprint), None)
    if known is not None:
        _check_in_force(before, known)
        return None
    if len(header.keys) >= KEYS_MAX:
        raise VaultError(f"{before.name}: has had {KEYS_MAX:,} keys and takes no more; make a new vault")
    return replace(header, keys=(*header.keys, KeyLine(len(header.keys) + 1, fingerprint, 0)))


def with_first(before: Contents, fingerprint: str) -> Header | None:
    """Another key seals; None if it does already. Raises `VaultError` for one that is unknown or was retired."""
    key = key_line(before, fingerprint)
    _check_in_force(before, key)
    return None if key.id == before.header.first_key_id else replace(before.header, first_key_id=key.id)


def without_keys(before: Contents, id: int) -> Header | None:
    """Keys up to `id` open nothing any more; None if that is so. Raises `VaultError` while anything hangs on one."""
    header = before.header
    if not 1 <= id <= len(header.keys):
        raise VaultError(f"{before.name}: has no key of that id; its keys are 1 to {len(header.keys)}")
    if id < header.least_key_id:
        return None
    if header.first_key_id <= id:
        raise VaultError(f"{before.name}: key {header.first_key_id} seals; make a later key the first one before")
    hanging = sum(line.key_id <= id for line in before.lines)
    if hanging:
        raise VaultError(
            f"{before.name}: {hanging:,} versions of secrets hang on keys up to {id}; `smcp vault rewrap` frees them"
        )
    return replace(header, least_key_id=id + 1)


def rewrapped_all(before: Contents, progress: Progress | None) -> tuple[Header, tuple[Line, ...], int]:
    """Every data key under the first key, and how many were under another one."""
    hanging = sum(line.key_id != before.header.first_key_id for line in before.lines)
    header = counted(before, hanging)
    after, key = before.first.id, needed(before.ring, before.first, before.name)
    lines: list[Line] = []
    for line in told(before.lines, progress):
        if line.key_id != after:
            try:
                line = rewrapped(line, before.key_of(line), key, after, header.vault_id)
            except InvalidToken:
                raise before.sealed_shut(line) from None
        lines.append(line)
    return header, tuple(lines), hanging


def told(lines: Sequence[Line], progress: Progress | None) -> Iterable[Line]:
    """The lines, while `progress` hears of it."""
    for done, line in enumerate(lines):
        if progress is not None and done % _EVERY == 0:
            progress(done, len(lines))
        yield line
    if progress is not None:
        progress(len(lines), len(lines))


def key_line(contents: Contents, fingerprint: str) -> KeyLine:
    """The key of a vault that has this fingerprint. Raises `VaultError`."""
    found = next((key for key in contents.header.keys if key.fingerprint == fingerprint), None)
    if found is None:
        raise VaultError(f"{contents.name}: does not know that key; add it first: `smcp vault rotate add`")
    return found


def warnings(contents: Contents, now: float) -> list[str]:
    """What is right still, and may not be for long."""
    told = [
        f"key {key.id} has sealed {key.seals:,} times, and {SEALS_MAX:,} are safe: rotate soon"
        for key in contents.header.keys
        if key.seals >= SEALS_WARNED and key.id >= contents.header.least_key_id
    ]
    if contents.header.changed > now + 1:
        told.append("this machine's clock is behind the vault's last change; secrets expire by the later of the two")
    states = {key.fingerprint: key for key in contents.header.keys}
    for given in contents.ring.keys:
        known = states.get(given.fingerprint)
        if known is None:
            told.append(f"{given.label} is no key of this vault; add it, or take it out of the configuration")
        elif known.id < contents.header.least_key_id:
            told.append(f"{given.label} is key {known.id}, which was retired; take it out of the configuration")
    return told


def _check_in_force(contents: Contents, key: KeyLine) -> None:
    if key.id < contents.header.least_key_id:
        raise VaultError(f"{contents.name}: key {key.id} was retired and comes back no more; make a new key")


def _with_key(header: Header, key: KeyLine) -> Header:
    return replace(header, keys=tuple(key if each.id == key.id else each for each in header.keys))
