"""A vault file read after its description in `docs/vault.md`, with nothing of the library."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.vault.plain import Refused, bound, derived, opened

FORMAT = "smcp.vault/1"


def fingerprint(key: bytes) -> str:
    """How the header calls a master key."""
    return derived(key, bound("fingerprint"), 8).hex()


def secrets_of(data: bytes, keys: list[bytes]) -> Mapping[tuple[str, str, int], bytes]:
    """The values by tenant, name and version. Raises `Refused` if one does not open, or the file was changed."""
    known = {fingerprint(key): key for key in keys}
    lines = data.splitlines(keepends=True)
    header, *entries, last = map(json.loads, lines)
    masters = {each["id"]: known.get(each["fingerprint"]) for each in header["keys"]}
    first = masters[header["first_key_id"]]
    if first is None:
        raise Refused
    mac_key = derived(first, bound(FORMAT, "mac", header["vault_id"]))
    if hmac.new(mac_key, b"".join(lines[:-1]), sha256).hexdigest() != last["mac"]:
        raise Refused
    return {(each["tenant"], each["name"], each["version"]): _value(each, header, masters) for each in entries}


def _value(line: dict[str, Any], header: dict[str, Any], masters: Mapping[int, bytes | None]) -> bytes:
    master = masters[line["key_id"]]
    if master is None or line["key_id"] < header["least_key_id"]:
        raise Refused
    vault, name, version, tenant = header["vault_id"], line["name"], line["version"], line["tenant"]
    wrap = bound(FORMAT, "wrap", vault, line["key_id"], name, version, tenant)
    data_key = opened(master, b64decode(line["wrapped"]), wrap)
    return opened(data_key, b64decode(line["value"]), bound(FORMAT, "value", vault, name, version, tenant))
