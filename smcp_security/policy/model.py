"""The policy: one frozen value that every check reads. No clock, no log; a file is read only by `Policy.load`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, Strict, ValidationError, model_validator

from smcp_security.policy.access import Roles
from smcp_security.policy.agreement import check_agreement
from smcp_security.policy.audit import AuditPolicy
from smcp_security.policy.identity import IdentityPolicy
from smcp_security.policy.injection import InjectionPolicy
from smcp_security.policy.limits import BudgetPolicy, ConcurrencyPolicy, LimitPolicy
from smcp_security.policy.observation import MetricsPolicy, ProbesPolicy
from smcp_security.policy.offers import Prompts, Resources
from smcp_security.policy.pins import PinsPolicy
from smcp_security.policy.places import Places
from smcp_security.policy.profiles import PROFILES, STANDARD, with_defaults
from smcp_security.policy.results import ResultsPolicy
from smcp_security.policy.section import FrozenMap, OrWord, Section, Truth
from smcp_security.policy.server import ServerPolicy
from smcp_security.policy.source import copied, read
from smcp_security.policy.store import Store, StorePolicy
from smcp_security.policy.tools import Tools
from smcp_security.policy.units import Rate
from smcp_security.policy.vault import VaultPolicy

Mode = Literal["enforce", "monitor"]
Choice = Literal["allow", "deny"]

ADDRESS_RATE: Final = Rate(600, 60.0)
"""Ten messages a second for a minute: several times what an agent in a loop sends, well under what one core serves."""


class ModePolicy(Section):
    """Which sections deny and which only report. Everything else always denies: there is nothing to go on with."""

    arguments: Mode = Field(default="enforce", description="Tool schemas.")
    contracts: Mode = Field(default="enforce", description="Contracts, and the refusals of inferred kinds.")
    injection: Mode = Field(default="enforce", description="The detection rules.")
    limits: Mode = Field(default="enforce", description="The rates of `limits`; the flood guard always denies.")
    results: Mode = Field(default="enforce", description="What is checked in answers.")
    pins: Mode = Field(default="enforce", description="The lock file.")


def _for_all_sections(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("enforce", "monitor"):
            raise ValueError("expected enforce, monitor, or a mapping of section to one of them")
        return dict.fromkeys(ModePolicy.model_fields, value)
    return value


class ArgumentsPolicy(Section):
    """How strictly the arguments of a tool call are held against the tool's schema."""

    extras: Choice = Field(default="allow", description="Arguments that the schema does not declare.")
    coercions: Choice = Field(
        default="allow", description='Scalars of another type that servers convert, such as "5" for 5.'
    )
    unknown_schema: Choice = Field(
        default=PROFILES[STANDARD]["arguments", "unknown_schema"],
        description="Calls to a tool whose schema is not known.",
    )


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):  # true == 1 for Python
        raise ValueError("expected the number 1")
    return value


class Policy(Section):
    """The effective policy: every key has a value, parsed and checked. `Policy()` is the standard profile."""

    version: Annotated[Literal[1], BeforeValidator(_no_truth_value)] = Field(
        default=1, description="Format of this file."
    )
    mode: Annotated[ModePolicy, BeforeValidator(_for_all_sections), OrWord(("enforce", "monitor"))] = Field(
        default=ModePolicy.untouched(), description="enforce denies, monitor reports; for all, or per section."
    )
    profile: Literal["minimal", "standard", "maximum"] = Field(
        default="standard", description="Which defaults hold for keys that are left out."
    )
    server: ServerPolicy = Field(default=ServerPolicy.untouched(), description="Transport and parser.")
    identity: IdentityPolicy | None = Field(
        default=None, description="Who may call. null: nobody is asked, unless SMCP_API_KEY is set."
    )
    roles: Roles | None = Field(
        default=None,
        description="What each role may do. null: everybody everything; an empty mapping: nobody anything.",
    )
    unlisted_tools: Choice = Field(
        default=PROFILES[STANDARD]["unlisted_tools",],
        description="Tools that neither `tools` nor a rule of `roles` names.",
    )
    denied_tools: Literal["refuse", "hide"] = Field(
        default="refuse",
        description="Whether a tool that a caller may not use is refused by name, or answered like one that does not"
        " exist; hide needs unlisted_tools: deny.",
    )
    limits: tuple[LimitPolicy, ...] = Field(
        default=(LimitPolicy.model_construct(per=("address",), rate=ADDRESS_RATE, burst=ADDRESS_RATE.count),),
        max_length=32,
        description="Rates; all of them hold. An empty list: no limits.",
    )
    budgets: tuple[BudgetPolicy, ...] = Field(
        default=(), max_length=32, description="Tokens per day or month; all of them hold."
    )
    concurrency: tuple[ConcurrencyPolicy, ...] = Field(
        default=(), max_length=32, description="Calls at once; all of them hold."
    )
    store: Store = Field(
        default=StorePolicy.untouched(), description="Where workers keep what they share; a bare URL will do."
    )
    workers: Annotated[int, Strict(), Field(ge=1, le=10_000)] = Field(
        default=1, description="Processes that share the store; while it is away each has its part of a limit."
    )
    arguments: ArgumentsPolicy = Field(
        default=ArgumentsPolicy.untouched(), description="Arguments against tool schemas."
    )
    tools: Tools = Field(default=FrozenMap({}), description="Tools by exact name or glob; every entry that fits holds.")
    prompts: Prompts = Field(default=FrozenMap({}), description="Prompts by exact name or glob; every entry holds.")
    resources: Resources = Field(
        default=FrozenMap({}), description="Resources by URI, glob or URI template; every entry that fits holds."
    )
    infer: Truth = Field(
        default=True,
        description="Whether the kinds of arguments without a contract are inferred from schemas and names.",
    )
    injection: InjectionPolicy = Field(
        default=InjectionPolicy.untouched(), description="What detection looks for and what a hit does."
    )
    results: ResultsPolicy = Field(default=ResultsPolicy.untouched(), description="Answers of the server.")
    pins: PinsPolicy | None = Field(
        default=None, description="Definitions that were approved. null: none is held to a lock file."
    )
    vault: VaultPolicy | None = Field(default=None, description="Secrets for tools. null: there are none.")
    audit: AuditPolicy = Field(default=AuditPolicy.untouched(), description="The record of decisions.")
    metrics: MetricsPolicy = Field(default=MetricsPolicy.untouched(), description="Counters, durations and spans.")
    probes: ProbesPolicy | None = Field(
        default=None, description="Paths at which the edge itself answers orchestrators. null: none."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, value: Any) -> Any:
        return with_defaults(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _agreed(self) -> Policy:
        check_agreement(self)
        return self

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """The policy in the YAML file at `path`.

        Raises:
            PolicyError: unreadable, not YAML, or not a policy; every mistake on a line of its own, `file:line:column`.
        """
        return validated(*read(os.fsdecode(path)))

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], *, source: str = "policy") -> Policy:
        """The policy that `mapping` says, keys and values as in the file. `source` names it in errors.

        Raises:
            PolicyError: not a policy; every mistake on a line of its own.
        """
        return validated(copied(mapping, source), Places(source))

    def enforces(self, section: str) -> bool:
        """True if findings of `section` deny. Only the keys of `ModePolicy` can be in monitor mode."""
        return getattr(self.mode, section, "enforce") != "monitor"

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the effective policy as canonical JSON, for the audit."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Policy:
        """A copy with whole sections exchanged, unchecked; its digest is its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("digest", None)
        return copied

    def __hash__(self) -> int:
        return hash(self.digest)


def validated(raw: dict[str, Any], places: Places) -> Policy:
    """The policy that `raw` says; `places` tells where it was written.

    Raises:
        PolicyError: not a policy; every mistake on a line of its own.
    """
    try:
        return Policy.model_validate(raw, by_name=False, by_alias=True)
    except ValidationError as error:
        from smcp_security.policy.faults import policy_error
        from smcp_security.policy.keys import known_keys

        # The library's error carries what was written, so it must not become part of a traceback.
        raise policy_error(error, places, known_keys(Policy)) from None
