"""The `audit` section: where verdicts are written down, how they are proved, how long they are kept. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from smcp_security.policy.profiles import PROFILES, STANDARD
from smcp_security.policy.section import Duration, EnvironmentName, FileName, Section, Truth, Volume

OnFailure = Literal["deny", "continue"]
Fsync = Literal["always", "interval", "never"]
SYSLOG_PATTERN: Final = r"^(unix:/[^\x00]{1,100}|(udp|tcp|tls)://[!-.0-?A-~]{1,255}:[0-9]{1,5})$"
HTTP_PATTERN: Final = r"^https?://(?!.*@)[!-~]{1,2000}$"
_SYSLOG: Final = re.compile(SYSLOG_PATTERN, re.ASCII)
_HTTP: Final = re.compile(HTTP_PATTERN, re.ASCII)


def _syslog(value: object) -> str:
    if not isinstance(value, str) or _SYSLOG.fullmatch(value) is None:
        raise ValueError("expected unix:/dev/log, udp://host:514, tcp://host:601 or tls://host:6514")
    return value


def _http(value: object) -> str:
    if not isinstance(value, str) or _HTTP.fullmatch(value) is None:
        raise ValueError("expected a URL such as https://logs.example.com/ingest, without a user or a password in it")
    return value


SyslogAddress = Annotated[str, BeforeValidator(_syslog), WithJsonSchema({"type": "string", "pattern": SYSLOG_PATTERN})]
CollectorUrl = Annotated[str, BeforeValidator(_http), WithJsonSchema({"type": "string", "pattern": HTTP_PATTERN})]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]


class RotatePolicy(Section):
    """When the file is put aside as a segment and a new one is begun."""

    size: Volume | None = Field(default=256 * 1024 * 1024, description="Bytes of a segment. null: any number.")
    daily: Truth = Field(default=False, description="A new segment each day (UTC).")


class ShipPolicy(Section):
    """One place that gets every line of the file, in order and at least once; exactly one of the three is named."""

    syslog: SyslogAddress | None = Field(default=None, description="RFC 5424: unix:/dev/log, udp://, tcp:// or tls://.")
    http: CollectorUrl | None = Field(default=None, description="A collector that takes JSON Lines by POST.")
    otel: CollectorUrl | None = Field(default=None, description="An OTLP endpoint for logs, such as .../v1/logs.")
    token: EnvironmentName = Field(default=None, description="env:NAME of the bearer token for http or otel.")
    spool: Volume = Field(
        default=1024 * 1024 * 1024, description="Bytes it may lag behind; what is older is skipped and counted."
    )


class AuditPolicy(Section):
    """Where decisions are recorded and what they say."""

    file: FileName = Field(
        default=None, description="JSON Lines file, relative to the server's current directory. null: the logger."
    )
    key: EnvironmentName = Field(
        default=None,
        description="env:NAME of the secret that chains, seals and hashes. null: one beside the file, in `callers`.",
    )
    callers: FileName = Field(
        default=None, description="The file with a key per caller. null: the name of `file` with .keys behind it."
    )
    signature: Literal["hmac", "ed25519"] = Field(default="hmac", description="ed25519: who can verify cannot write.")
    arguments: Literal["hashed", "redacted", "full"] = Field(
        default="hashed", description="redacted and full write what callers sent to the audit, without or with secrets."
    )
    on_failure: OnFailure = Field(
        default=PROFILES[STANDARD]["audit", "on_failure"], description="Deny or serve while no record can be written."
    )
    queue: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = Field(
        default=10_000, description="Records that may wait for the disk. 1 to 1,000,000."
    )
    fsync: Fsync = Field(
        default="interval", description="always: a verdict takes effect once it is on the disk. interval: each second."
    )
    checkpoint: Duration = Field(default=60, description="Seconds between signed checkpoints, while records come.")
    rotate: RotatePolicy = Field(default=RotatePolicy.untouched(), description="When a segment is full.")
    retention: Duration | None = Field(
        default=None, description="Segments older than this are removed at a rotation. null: none is."
    )
    ship: tuple[ShipPolicy, ...] = Field(default=(), max_length=8, description="Where the lines go besides.")
