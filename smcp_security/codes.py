"""The one table of finding codes. Data only.

A code is never reused; a retired one stays in the table with a meaning that says so. Codes of detection rules live
beside their patterns in `rules/*.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad it is if the finding is right; says nothing about what was done."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table: what a finding code means and what to do about it."""

    code: str
    slug: str
    severity: Severity
    meaning: str
    remediation: str
    cwe: str = ""
    owasp: str = ""


def _table(*rows: Code) -> Mapping[str, Code]:
    codes = {row.code: row for row in rows}
    if len(codes) != len(rows):
        raise ValueError("a finding code is defined twice")
    return codes


_INFO, _LOW, _MEDIUM, _HIGH, _CRITICAL = Severity

CODES: Final = _table(
    # -- SMCP0xx: the engine itself ----------------------------------------------------------------------------------
    Code("SMCP001", "internal-error", _HIGH, "A check failed to run, so the message was denied.",
         "Look for the frames in the log under smcp_security and report them; nothing of the message is in them.",
         "CWE-703"),
    Code("SMCP002", "audit-unavailable", _HIGH, "The audit sink could not take the record and the policy denies then.",
         "Free the disk or repair the sink; `audit.on_failure: continue` serves without audit.", "CWE-778", "MCP08"),
    Code("SMCP003", "client-gone", _INFO, "The client hung up before its message was complete.",
         "Nothing to do: no answer can reach it."),
    # -- SMCP1xx: transport and message ------------------------------------------------------------------------------
    Code("SMCP101", "host-not-allowed", _HIGH, "The Host header names a host that is not served (DNS rebinding).",
         "Add the public name of the server to server.hosts.", "CWE-350", "MCP07"),
    Code("SMCP102", "origin-not-allowed", _HIGH, "The Origin header names a site that may not call this server.",
         "Add the site to server.origins if its pages should call this server.", "CWE-346", "MCP07"),
    Code("SMCP103", "headers-too-large", _MEDIUM, "The request has too many header fields or bytes.",
         "Send fewer or smaller headers; cookies are the usual cause.", "CWE-770"),
    Code("SMCP104", "body-too-large", _MEDIUM, "The body is larger than server.max_body.",
         "Send less, or raise server.max_body.", "CWE-770"),
    Code("SMCP105", "content-encoding", _MEDIUM, "The body is compressed, so it could not be inspected.",
         "Send the body without Content-Encoding.", "CWE-436"),
    Code("SMCP106", "content-type", _MEDIUM, "The body is not declared as JSON in UTF-8.",
         "Send Content-Type: application/json.", "CWE-436"),
    Code("SMCP107", "duplicate-header", _HIGH, "A header that may come once came twice: readers would disagree.",
         "Send the header once.", "CWE-444"),
    Code("SMCP108", "http-method", _LOW, "The HTTP method is not one that MCP uses.", "Use POST, GET or DELETE."),
    Code("SMCP109", "unexpected-body", _MEDIUM, "A request that must have no body has one.",
         "Send messages by POST.", "CWE-444"),
    Code("SMCP110", "unlisted-mcp", _HIGH, "MCP traffic arrived at a path that the policy does not name.",
         "Add the path to server.paths, or unmount the route.", "CWE-306", "MCP07"),
    Code("SMCP111", "websocket", _MEDIUM, "A WebSocket was opened on an MCP path; MCP has no such transport.",
         "Use streamable HTTP.", "CWE-436"),
    Code("SMCP112", "duplicate-key", _HIGH, "An object has the same key twice: parsers would disagree.",
         "Send each key once.", "CWE-436", "MCP05"),
    Code("SMCP113", "not-utf8", _HIGH, "The body is not UTF-8 without a byte order mark.",
         "Encode the body as UTF-8 without a byte order mark.", "CWE-436"),
    Code("SMCP114", "not-json", _MEDIUM, "The body is not JSON (RFC 8259).", "Send one JSON object.", "CWE-20"),
    Code("SMCP115", "number-out-of-range", _MEDIUM, "A number is not finite, or an integer has over 1,000 digits.",
         "Send finite numbers; send very long ones as strings.", "CWE-20"),
    Code("SMCP116", "lone-surrogate", _HIGH, "A string holds half of a UTF-16 surrogate pair, which no UTF-8 text can.",
         "Escape the whole pair, or send the character itself.", "CWE-176"),
    Code("SMCP117", "too-deep", _MEDIUM, "The value is nested deeper than server.max_depth.",
         "Flatten the value, or raise server.max_depth.", "CWE-674"),
    Code("SMCP118", "too-many-nodes", _MEDIUM, "The value has more than 50,000 nodes.",
         "Split the message.", "CWE-770"),
    Code("SMCP119", "batch", _MEDIUM, "The body is a JSON-RPC batch; every message must come alone.",
         "Send one message a request, as every revision since 2025-06-18 demands.", "CWE-20"),
    Code("SMCP120", "not-jsonrpc", _MEDIUM, "The object is not a JSON-RPC 2.0 request, notification or response.",
         "See JSON-RPC 2.0, sections 4 and 5.", "CWE-20"),
    Code("SMCP121", "bad-id", _MEDIUM, "The id is neither a string nor an integer, or belongs to an open request.",
         "Use a string or an integer, a new one for each request; leave it out of a notification.", "CWE-20"),
    Code("SMCP122", "unknown-envelope-key", _HIGH, "The envelope has a key that JSON-RPC 2.0 does not define.",
         "Remove the key.", "CWE-436", "MCP05"),
    Code("SMCP123", "twin-key", _HIGH, "A key looks like a protocol key and is not; lenient parsers take it for one.",
         "Spell the key as the revision's schema does.", "CWE-178", "MCP05"),
    Code("SMCP124", "header-mismatch", _HIGH, "A routing header is missing, repeated or disagrees with the body.",
         "Send Mcp-* headers as the revision demands, equal to the body.", "CWE-444", "MCP07"),
    Code("SMCP125", "missing-meta", _MEDIUM, "A 2026-07-28 request lacks the protocol fields of params._meta.",
         "Send protocolVersion and clientCapabilities in params._meta.", "CWE-20"),
    Code("SMCP126", "unsupported-revision", _MEDIUM, "The revision is unknown, or older than the policy allows.",
         "Use one of the revisions named in the error's data.", "CWE-757"),
    Code("SMCP127", "unknown-method", _MEDIUM, "The revision does not define this method.",
         "Add a vendor's method to server.extra_methods.", "CWE-20"),
    Code("SMCP128", "bad-params", _MEDIUM, "The params do not have the shape that the revision gives this method.",
         "See the schema of the revision for this method.", "CWE-20"),
    # 129 is taken: whether a call needs a capability that the client did not declare, only the server can tell.
    Code("SMCP130", "posted-response", _MEDIUM, "A 2026-07-28 client posted a response; that revision has none.",
         "Answer with inputResponses on a new request.", "CWE-20"),
    # -- SMCP2xx: identity -------------------------------------------------------------------------------------------
    Code("SMCP201", "no-credential", _MEDIUM, "The message carries no credential and the policy requires one.",
         "Send an access token or API key as Authorization: Bearer.", "CWE-306", "MCP07"),
    Code("SMCP202", "bad-credential", _HIGH, "The credential is malformed, unknown, forged or of a foreign issuer.",
         "Get a new token from the issuer that the resource metadata names, or a new key.", "CWE-287", "MCP07"),
    Code("SMCP203", "expired-credential", _LOW, "The credential has expired, or does not count yet.",
         "Refresh the token, or create a new key.", "CWE-613", "MCP07"),
    Code("SMCP204", "wrong-audience", _HIGH, "The token was issued for another resource.",
         "Ask the issuer for a token of this resource (RFC 8707).", "CWE-287", "MCP07"),
    Code("SMCP205", "revoked-credential", _HIGH, "The credential has been revoked.",
         "Get a new one.", "CWE-613", "MCP07"),
    Code("SMCP206", "identity-unavailable", _HIGH, "What is needed to judge a credential cannot be had at the moment.",
         "Retry later; see the server's log for the key file, issuer or store that is away.", "CWE-636", "MCP07"),
    Code("SMCP207", "login-throttled", _MEDIUM, "Too many wrong credentials came from one address.",
         "Retry after the time given; a right credential is always taken.", "CWE-307", "MCP07"),
    Code("SMCP208", "credential-in-query", _HIGH, "A credential stands in the query of the URL, where logs keep it.",
         "Send it as Authorization: Bearer, and consider the one in the URL lost.", "CWE-598", "MCP01"),
    Code("SMCP209", "several-credentials", _MEDIUM, "The message carries more than one credential.",
         "Send one credential, in one header field.", "CWE-436", "MCP07"),
    Code("SMCP210", "foreign-session", _HIGH, "The session does not exist, or is another caller's.",
         "Begin a session of your own with initialize.", "CWE-639", "MCP07"),
    # -- SMCP3xx: access ---------------------------------------------------------------------------------------------
    Code("SMCP301", "role-denied", _MEDIUM, "No role of the caller allows this.",
         "Ask the operator for a role that allows it.", "CWE-862", "MCP02"),
    Code("SMCP302", "insufficient-scope", _LOW, "The caller's token lacks a scope that this needs.",
         "Ask the issuer for a token with all scopes of the challenge.", "CWE-862", "MCP02"),
    Code("SMCP303", "unknown-tool", _LOW, "There is no such tool.",
         "Call a tool that tools/list shows.", "CWE-862", "MCP02"),
    Code("SMCP304", "uri-not-canonical", _HIGH, "The resource URI has parts that readers take differently.",
         "Send the URI as resources/list shows it.", "CWE-22", "MCP05"),
    Code("SMCP305", "unknown-task", _MEDIUM, "There is no such task of this caller.",
         "Use a task id that a call of this caller returned.", "CWE-639", "MCP07"),
    # -- SMCP4xx: limits ---------------------------------------------------------------------------------------------
    Code("SMCP401", "flood", _MEDIUM, "One address sends faster than this process will parse.",
         "Slow down; server.flood sets the guard.", "CWE-770"),
    Code("SMCP402", "rate-limit", _LOW, "A rate of the policy's limits is used up.",
         "Retry after the time given.", "CWE-770"),
    Code("SMCP403", "budget-spent", _LOW, "The token budget of the day or month is used up.",
         "Retry after the time given, or ask the operator for a larger budget.", "CWE-770"),
    Code("SMCP404", "too-many-at-once", _LOW, "As many calls run already as may run at once.",
         "Retry when one of them has ended.", "CWE-770"),
    Code("SMCP405", "store-away", _HIGH, "The shared store cannot be reached; this process counts its part alone.",
         "Bring the store back; limits are shared again without a restart.", "CWE-636"),
    # -- SMCP5xx: arguments ------------------------------------------------------------------------------------------
    Code("SMCP501", "schema-violation", _MEDIUM, "An argument does not fit the tool's JSON Schema.",
         "Call again with an argument of the kind named.", "CWE-20", "MCP05"),
    Code("SMCP502", "unknown-schema", _MEDIUM, "The tool's schema is not known and the policy denies then.",
         "List the tools first, or put the schema into the policy.", "CWE-20", "MCP05"),
    Code("SMCP503", "extra-argument", _MEDIUM, "An argument is not among those that the tool's schema declares.",
         "Leave the argument out.", "CWE-20", "MCP05"),
    Code("SMCP504", "coerced-argument", _LOW, "An argument has another type than the schema says; none is coerced.",
         "Send the type that the schema names.", "CWE-20"),
    Code("SMCP505", "unusable-schema", _MEDIUM, "A tool's schema could not be used, so its arguments are unchecked.",
         "Repair the schema: no remote $ref, patterns without look-around, within the size bounds.", "CWE-20"),
    Code("SMCP510", "path-not-allowed", _HIGH, "A path leads, or may lead, outside of what its contract allows.",
         "Send a path below one of the roots, without .. and in its plain spelling.", "CWE-22", "MCP05"),
    Code("SMCP511", "url-not-allowed", _HIGH, "A URL is not of a form, scheme, host or port that its contract allows.",
         "Send a URL of the kind named, without credentials.", "CWE-918", "MCP05"),
    Code("SMCP512", "address-not-public", _HIGH, "A URL or host leads to an address that is not public.",
         "Send the URL of a public host.", "CWE-918", "MCP05"),
    Code("SMCP513", "sql-not-allowed", _HIGH, "A query is not one statement of the kind that its contract allows.",
         "Send one statement of the kind named, on the tables named.", "CWE-89", "MCP05"),
    Code("SMCP514", "command-not-allowed", _HIGH, "A command line is not one plain call of an allowed program.",
         "Send one program of the list with plain arguments.", "CWE-78", "MCP05"),
    Code("SMCP515", "option-not-allowed", _HIGH, "An argument of a command would be read as an option.",
         "Send a value without a leading dash.", "CWE-88", "MCP05"),
    Code("SMCP516", "not-an-identifier", _HIGH, "A value is not one plain name, so a reader may take it for more.",
         "Send one name of the alphabet named.", "CWE-74", "MCP05"),
    Code("SMCP517", "wrong-format", _MEDIUM, "A value is not of the format that its contract names.",
         "Call again with a value of the kind named.", "CWE-20", "MCP05"),
    Code("SMCP518", "text-not-allowed", _MEDIUM, "A text is too long, or holds what its contract does not allow.",
         "Send plain text of the kind named.", "CWE-20", "MCP05"),
    Code("SMCP519", "unresolved", _MEDIUM, "Where a host or path leads could not be found out in time.",
         "Retry later, or send a host or path that exists.", "CWE-636"),
    # -- SMCP6xx: injection. The rest of this range are the rules (`rules/*.yaml`) ------------------------------------
    Code("SMCP604", "detector-hit", _HIGH, "A detector that the operator added found something in the text.",
         "See the documentation of the detector that the log names.", "CWE-74"),
    Code("SMCP605", "detector-failed", _HIGH, "A detector that the operator added failed, or took longer than it may.",
         "See the log; injection.detectors says what becomes of such messages.", "CWE-703"),
    # -- SMCP7xx: results --------------------------------------------------------------------------------------------
    Code("SMCP701", "result-too-large", _MEDIUM, "A result is larger than results.max_size and was withheld.",
         "Ask for less, or raise results.max_size.", "CWE-770"),
    Code("SMCP702", "result-encoded", _MEDIUM, "The server compressed its answer, so it could not be inspected.",
         "Move the compressing middleware outside this one.", "CWE-436"),
    Code("SMCP703", "result-unreadable", _MEDIUM,
         "The answer is not one strict JSON-RPC message, so nobody could inspect it.",
         "Repair the server's serialisation: duplicate keys, NaN, lone surrogates or a method beside a result.",
         "CWE-436"),
    Code("SMCP704", "foreign-tenant", _HIGH, "A result held, or may hold, rows of another tenant.",
         "Repair the tool; the rows were dropped or the result withheld.", "CWE-639", "MCP10"),
    Code("SMCP705", "secret-masked", _HIGH, "A result held credentials, which were masked.",
         "Revoke what leaked if it is real, and stop the tool from returning it.", "CWE-312", "MCP01"),
    Code("SMCP706", "personal-data-masked", _MEDIUM, "A result held personal data, which was masked.",
         "Have the tool return less, or leave the kind out of results.redact.", "CWE-359", "MCP10"),
    Code("SMCP707", "hidden-text-stripped", _HIGH,
         "Terminal escapes or characters that nobody sees were taken out of a result.",
         "Find out who wrote the text: what only a model reads may be meant for it.", "CWE-1007", "MCP06"),
    Code("SMCP708", "internals-masked", _MEDIUM, "An error of the server told of its insides, which were masked.",
         "Have the tool say what the caller can do; keep traces in the server's log.", "CWE-209"),
    Code("SMCP709", "mask-unfit", _HIGH, "A result must be masked, and masked it would not fit its outputSchema.",
         "Stop the tool from returning the value, or widen its outputSchema.", "CWE-312", "MCP01"),
    Code("SMCP710", "result-cut", _LOW, "A result has more tokens than results.max_tokens, and was cut there.",
         "Ask for less, or raise results.max_tokens.", "CWE-770"),
    Code("SMCP711", "result-marked", _INFO, "Text of a result was marked as untrusted data.",
         "Nothing to do: the marks tell a model where data begins and ends.", "CWE-1427", "MCP06"),
    Code("SMCP712", "too-much-to-mask", _MEDIUM, "A result holds more that may have to be masked than one message may.",
         "Ask for less at a time, or name the kind for this tool in results.keep.", "CWE-770"),
    # -- SMCP8xx: definitions ----------------------------------------------------------------------------------------
    Code("SMCP801", "schema-changed", _MEDIUM, "A tool's schema is no longer the one learned before.",
         "Compare the definitions; a tool that changes after approval may be poisoned.", "CWE-494", "MCP03"),
    Code("SMCP802", "definition-drifted", _HIGH, "A definition is not the one that was pinned.",
         "Compare with `smcp pin --check`; pin anew only what you have read.", "CWE-494", "MCP03"),
    Code("SMCP803", "definition-unlocked", _HIGH, "The lock file has no entry for this tool or prompt.",
         "Read its definition, then pin it with `smcp pin`.", "CWE-494", "MCP03"),
    Code("SMCP804", "instructions-drifted", _HIGH, "The server's instructions are not those that were pinned.",
         "Compare with `smcp pin --check`; pin anew only what you have read.", "CWE-494", "MCP03"),
    Code("SMCP805", "shadowing-name", _MEDIUM, "A name nearly equals that of another tool, so a model may mix them up.",
         "Rename one of the two, or pin the definitions that you have read.", "CWE-1007", "MCP03"),
    # -- SMCP92x: secrets of the vault; SMCP901 to 909 are rules -----------------------------------------------------
    Code("SMCP920", "secret-not-granted", _MEDIUM, "No grant lets this caller's call have a secret it needs.",
         "Ask whoever runs the server, who may add a grant to vault.grants.", "CWE-862", "MCP01"),
    Code("SMCP921", "secret-unavailable", _HIGH,
         "A secret that the tool needs is not in the vault, has expired, or cannot be opened.",
         "Ask whoever runs the server; `smcp vault list` and `smcp vault verify` show why.", "CWE-703", "MCP01"),
    Code("SMCP922", "vault-secret-masked", _HIGH,
         "A secret of the vault stood in what the server said, and was masked.",
         "Stop the tool from returning it; set a new value if others may have seen it.", "CWE-200", "MCP01"),
    Code("SMCP923", "vault-secret-withheld", _HIGH,
         "A secret of the vault stood where nothing can be masked, so the message was withheld.",
         "Stop the tool from returning it; set a new value if others may have seen it.", "CWE-200", "MCP01"),
)  # fmt: skip
