"""From the policy's model of a contract to the contract. A kind is imported when a policy first uses it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from smcp_security.contracts.contract import Contract
from smcp_security.policy.contracts import AnyContract

_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "path": ("path", "PathRule"),
    "url": ("url", "UrlRule"),
    "sql": ("sql", "SqlRule"),
    "command": ("command", "CommandRule"),
    "argv_token": ("argv_token", "ArgvTokenRule"),
    "identifier": ("identifier", "IdentifierRule"),
    "email": ("email", "EmailRule"),
    "hostname": ("hostname", "HostnameRule"),
    "cidr": ("cidr", "CidrRule"),
    "uuid": ("uuid", "UuidRule"),
    "date": ("date", "DateRule"),
    "enum": ("enum", "EnumRule"),
    "regex": ("regex", "RegexRule"),
    "json": ("json_text", "JsonRule"),
    "html": ("html", "HtmlRule"),
    "template": ("template", "TemplateRule"),
    "text": ("free_text", "TextRule"),
    "code": ("code", "CodeRule"),
}
"""Kind -> its module beside this one, and the class in it."""


def compiled(policy: AnyContract) -> Contract:
    """The contract that a policy describes. Raises `PolicyError` where something that the kind needs is missing."""
    module, name = _KINDS[policy.kind]
    rule: type[Contract] = getattr(import_module(f"smcp_security.contracts.{module}"), name)
    made: Contract = rule(policy)  # type: ignore[call-arg]
    return made
