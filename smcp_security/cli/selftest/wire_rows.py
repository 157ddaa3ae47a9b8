"""Attacks on the way of a message: its bytes, its envelope, its headers. All ride on a request that runs no tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from smcp_security.cli.selftest.shot import LEGACY, OWN_NAME, PATH, VERSION_KEY, Shot, Voice, encoded
from smcp_security.cli.selftest.table import Row, Trial

_MARK: Final = "org.example/selftest"
_ID: Final = re.compile(rb'"id":[0-9]+')
_ELSEWHERE: Final = "attacker.example"
# Whoever compares the beginning or the end of a name takes these for the server's own.
_LIKE_OWN: Final = (
    ("begins with the own", f"{OWN_NAME}.attacker.example"), ("ends with the own", f"attacker{OWN_NAME}"),
)  # fmt: skip
_LETTERS: Final = ("0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ")
_TURNED: Final = str.maketrans({old: new for row in _LETTERS for old, new in zip(row, row[1:] + row[0], strict=True)})
SPELLINGS: Final = (
    ("a line break behind it", f"{PATH}%0A"), ("a doubled slash", f"/{PATH}"), ("a dot segment", f"/.{PATH}"),
    ("a parameter of the segment", f"{PATH};x=1"), ("a sibling", f"{PATH}_message"), ("below it", f"{PATH}/message"),
)  # fmt: skip
"""Other paths at which a server may answer, and a guard in front may not look."""
Spoil = Callable[[Shot], Shot]


def _spoiling(voice: Voice, **spoils: Spoil) -> Iterator[Trial]:
    """Each spoil of the plain request, beside the plain request itself."""
    for name, spoil in spoils.items():
        yield Trial(name.replace("_", " "), spoil(voice.plain()), voice.plain())


def _holding(voice: Voice, name: str, attack: str, twin: str) -> Trial:
    """Values in JSON's own spelling, where anybody may put one."""

    def shot(value: str) -> Shot:
        return voice.plain(**{_MARK: "?"}).respelled(f'"{_MARK}":"?"', f'"{_MARK}":{value}')

    return Trial(name, shot(attack), shot(twin))


def _duplicates(voice: Voice) -> Iterator[Trial]:
    method, honest = f'"method":"{voice.method}"', voice.plain()
    for name, old, new in (
        ("the method twice", method, f'"method":"ping",{method}'),
        ("the id twice", '"id":', '"id":7,"id":'),
        ("a key in an escaped spelling", method, f'"m\\u0065thod":"ping",{method}'),
        ("params twice", '"params":', '"params":{},"params":'),
    ):
        yield Trial(name, honest.respelled(old, new), voice.plain())
    yield _holding(voice, "deep inside", '[{"a":1,"a":2}]', '[{"a":1},{"a":2}]')


def _twins(voice: Voice) -> Iterator[Trial]:
    for name, old, new in (
        ("Method beside method", '"method":', '"Method":"ping","method":'),
        ("METHOD in its place", '"method":', '"METHOD":'),
        ("a long s that folds to params", '"params":', '"param\u017f":{},"params":'),
        ("full-width id beside id", '"id":', '"\uff49\uff44":7,"id":'),
    ):
        yield Trial(name, voice.plain().respelled(old, new), voice.plain())
    yield Trial(
        "Cursor beside the params", voice.plain(**{_MARK: 1}).respelled('"params":{', '"params":{"Cursor":"x",'),
        voice.plain(**{"Method": "a caller's own key", "method": "another"}),
    )  # fmt: skip


def _encodings(voice: Voice) -> Iterator[Trial]:
    def recoded(codec: str) -> Spoil:
        return lambda shot: shot.carrying(shot.body.decode().encode(codec))

    yield from _spoiling(
        voice,
        UTF_16=recoded("utf-16"), UTF_16_without_a_mark=recoded("utf-16-le"), UTF_32=recoded("utf-32"),
        a_byte_order_mark=recoded("utf-8-sig"),
    )  # fmt: skip
    yield Trial(
        "bytes that are no UTF-8", voice.plain(**{_MARK: "?"}).carrying(voice.plain(**{_MARK: "?"}).body.replace(
            b'"?"', b'"\xff\xc0\xaf"')), voice.plain(**{_MARK: "\u00fc\u4e16"}),
    )  # fmt: skip


def _numbers(voice: Voice) -> Iterator[Trial]:
    yield _holding(voice, "NaN", "NaN", "null")
    yield _holding(voice, "Infinity", "-Infinity", "-1")
    yield _holding(voice, "a number beyond doubles", "1e999", "1e99")
    yield _holding(voice, "an integer of 5,000 digits", "9" * 5_000, "9" * 15)


def _strings(voice: Voice) -> Iterator[Trial]:
    yield _holding(voice, "half of a surrogate pair", '"\\ud83d"', '"\\ud83d\\ude00"')
    yield _holding(voice, "a raw line break", '"a\nb"', '"a\\nb"')


def _depth(voice: Voice) -> Iterator[Trial]:
    for levels in (500, 100_000):
        yield _holding(voice, f"{levels:,} lists in lists", "[" * levels + "]" * levels, "[" * 9 + "]" * 9)
    yield _holding(voice, "objects in objects", '{"a":' * 900 + "1" + "}" * 900, '{"a":{"a":{"a":1}}}')


def _nodes(voice: Voice) -> Iterator[Trial]:
    yield _holding(voice, "200,000 values", "[" + "0," * 199_999 + "0]", "[" + "0," * 199 + "0]")


def _batch(voice: Voice) -> Iterator[Trial]:
    def listed(times: int) -> Spoil:
        return lambda shot: shot.carrying(b"[" + b",".join([shot.body] * times) + b"]")

    yield from _spoiling(voice, a_list_of_one=listed(1), a_list_of_three=listed(3))


def _envelopes(voice: Voice) -> Iterator[Trial]:
    def with_id(value: bytes) -> Spoil:
        return lambda shot: shot.carrying(_ID.sub(b'"id":' + value, shot.body, count=1))

    def respelt(old: str, new: str) -> Spoil:
        return lambda shot: shot.respelled(old, new)

    yield from _spoiling(
        voice,
        id_null=with_id(b"null"),
        id_a_fraction=with_id(b"1.5"),
        id_a_list=with_id(b"[1]"),
        JSON_RPC_1=respelt('"jsonrpc":"2.0"', '"jsonrpc":"1.0"'),
        no_version=respelt('"jsonrpc":"2.0",', ""),
        a_result_beside_the_method=respelt('"method":', '"result":{},"method":'),
        a_key_of_nobody=respelt('"method":', '"auth":"x","method":'),
        something_behind_it=lambda shot: shot.carrying(shot.body + b"{}"),
    )


def _params(voice: Voice) -> Iterator[Trial]:
    def shaped(params: str) -> Shot:
        head, _, _ = voice.plain().body.partition(b'"params":')
        return voice.plain().carrying(head + b'"params":' + params.encode() + b"}")

    for name, params in (("a list", "[]"), ("a text", '"x"'), ("a number", "1")):
        yield Trial(f"params that are {name}", shaped(params), voice.plain())
    nameless = voice.ask("tools/call", {"name": "?"}).respelled('"name":"?"', '"name":{"$ne":1}')
    yield Trial("a tool's name that is an object", nameless, voice.plain())


def _content_types(voice: Voice) -> Iterator[Trial]:
    def typed(kind: str) -> Spoil:
        return lambda shot: shot.setting("content-type", kind)

    yield from _spoiling(
        voice,
        text_plain_as_a_form_may_send=typed("text/plain"),
        a_form=typed("application/x-www-form-urlencoded"),
        another_charset=typed("application/json; charset=utf-7"),
        no_type=lambda shot: shot.without("content-type"),
    )


def _compressions(voice: Voice) -> Iterator[Trial]:
    from gzip import compress

    yield from _spoiling(
        voice,
        gzip=lambda shot: shot.adding(("content-encoding", "gzip")).carrying(compress(shot.body)),
        a_compression_that_nobody_knows=lambda shot: shot.adding(("content-encoding", "x-plain")),
    )


def _hosts(voice: Voice) -> Iterator[Trial]:
    for host in ("attacker.example", "attacker.example:8000", "localhost.attacker.example", "0.0.0.0:8000"):
        yield Trial(f"Host {host}", voice.plain().named(host), voice.plain())
    for name, host in _LIKE_OWN:
        yield Trial(f"Host that {name}", voice.plain().named(host), voice.plain())


def _origins(voice: Voice) -> Iterator[Trial]:
    for origin in ("http://attacker.example", "null", "http://localhost.attacker.example", "file://"):
        yield Trial(f"Origin {origin}", voice.plain().adding(("origin", origin)), voice.plain())
    for name, host in _LIKE_OWN:
        yield Trial(f"Origin that {name}", voice.plain().adding(("origin", f"http://{host}")), voice.plain())


def _routing(voice: Voice) -> Iterator[Trial]:
    if not voice.modern:
        return
    yield from _spoiling(
        voice,
        another_Mcp_Method=lambda shot: shot.setting("mcp-method", "ping"),
        no_Mcp_Method=lambda shot: shot.without("mcp-method"),
        Mcp_Method_twice=lambda shot: shot.adding(("mcp-method", "ping")),
    )


def _revisions(voice: Voice) -> Iterator[Trial]:
    version = "mcp-protocol-version"
    if not voice.modern:
        yield from _spoiling(voice, a_revision_of_nobody=lambda shot: shot.setting(version, "1999-01-01"))
        return
    yield from _spoiling(
        voice,
        no_revision_in_the_header=lambda shot: shot.without(version),
        an_older_revision_in_the_header=lambda shot: shot.setting(version, LEGACY),
        a_revision_of_nobody=lambda shot: shot.setting(version, "2099-01-01").respelled(
            f'"{VERSION_KEY}":"2026-07-28"', f'"{VERSION_KEY}":"2099-01-01"'
        ),
        no_revision_in_the_body=lambda shot: shot.respelled(f'"{VERSION_KEY}":"2026-07-28",', ""),
    )


def _bodies(voice: Voice) -> Iterator[Trial]:
    yield _holding(voice, "a text of 9 MB", '"' + "x" * 9_000_000 + '"', '"' + "x" * 2_000 + '"')


def _headers(voice: Voice) -> Iterator[Trial]:
    few = voice.plain().adding(*((f"x-selftest-{number}", "1") for number in range(9)))
    many = tuple((f"x-selftest-{number}", "1") for number in range(400))
    yield Trial("400 fields", voice.plain().adding(*many), few)
    yield Trial("one of 100 KB", voice.plain().adding(("x-selftest", "x" * 100_000)), few)


def _framing(voice: Voice) -> Iterator[Trial]:
    chunked = (("transfer-encoding", "chunked"),)
    yield from _spoiling(
        voice,
        Content_Length_and_chunks=lambda shot: shot.adding(*chunked).carrying(
            f"{len(shot.body):x}\r\n".encode() + shot.body + b"\r\n0\r\n\r\n"
        ),
        # By either of them there is a message to serve.
        two_lengths=lambda shot: shot.adding(("content-length", str(len(shot.body)))).carrying(shot.body + b" " * 8),
    )


def _paths(voice: Voice) -> Iterator[Trial]:
    # With the Host of another site, so that it shows whether anybody was asked on the way to what answers.
    for name, path in SPELLINGS:
        yield Trial(name, voice.plain().named(_ELSEWHERE).at(path), voice.plain())


def _methods(voice: Voice) -> Iterator[Trial]:
    yield from _spoiling(
        voice,
        PUT=lambda shot: shot.by("PUT"),
        PATCH=lambda shot: shot.by("PATCH"),
        TRACE=lambda shot: shot.by("TRACE"),
        GET_with_a_message=lambda shot: shot.by("GET"),
        DELETE_with_a_message=lambda shot: shot.without("mcp-session-id").by("DELETE"),
    )


def _unknown(voice: Voice) -> Iterator[Trial]:
    for method in ("selftest/nothing", "tools/List", "tools/list ", "__init__"):
        yield Trial(repr(method), voice.ask(method, {}), voice.plain())


def _responses(voice: Voice) -> Iterator[Trial]:
    if voice.modern:
        message = encoded({"jsonrpc": "2.0", "id": 99_999, "result": {}})
        yield Trial("an answer to nothing", voice.plain().carrying(message), voice.plain())


def _sessions(voice: Voice) -> Iterator[Trial]:
    if voice.session:
        # Of the same look, so that nobody refuses it for that: a UUID stays one.
        turned = voice.session[:-8] + voice.session[-8:].translate(_TURNED)
        turned += "0" if turned == voice.session else ""
        yield from _spoiling(
            voice,
            a_session_of_nobody=lambda shot: shot.setting("mcp-session-id", turned),
            two_sessions=lambda shot: shot.adding(("mcp-session-id", turned)),
        )


WIRE_ROWS: Final = (
    Row("SLF101", "duplicate-key", "parsers keep different copies", "CWE-436", _duplicates),
    Row("SLF102", "twin-key", "CVE-2026-27896, GHSA-4gph-2hhr-5mwg", "CWE-178", _twins),
    Row("SLF103", "encoding", "UTF-16, BOM: read twice, read otherwise", "CWE-436", _encodings),
    Row("SLF104", "number", "NaN, infinities, endless integers", "CWE-20", _numbers),
    Row("SLF105", "string", "lone surrogates, raw controls", "CWE-176", _strings),
    Row("SLF106", "depth", "a parser's stack", "CWE-674", _depth),
    Row("SLF107", "nodes", "a parser's memory", "CWE-770", _nodes),
    Row("SLF108", "batch", "many messages judged as one", "CWE-20", _batch),
    Row("SLF109", "envelope", "CVE-2025-53365: what is no JSON-RPC 2.0", "CWE-20", _envelopes),
    Row("SLF110", "params", "CVE-2025-53366: params of no shape", "CWE-20", _params),
    Row("SLF111", "content-type", "a browser's form needs no preflight", "CWE-352", _content_types),
    Row("SLF112", "compression", "a body that nobody could inspect", "CWE-436", _compressions),
    Row("SLF113", "host", "CVE-2025-66414, -66416: DNS rebinding", "CWE-350", _hosts),
    Row("SLF114", "origin", "CVE-2025-49596: a page of another site", "CWE-346", _origins),
    Row("SLF115", "routing-header", "HeaderMismatch of 2026-07-28", "CWE-444", _routing),
    Row("SLF116", "revision", "a downgrade to another era", "CWE-757", _revisions),
    Row("SLF117", "large-body", "a server's memory", "CWE-770", _bodies),
    Row("SLF118", "large-headers", "a server's memory", "CWE-770", _headers),
    Row("SLF119", "framing", "request smuggling", "CWE-444", _framing),
    Row("SLF120", "path-spelling", "CVE-2026-33032: a way around the guard", "CWE-306", _paths),
    Row("SLF121", "http-method", "messages by other methods", "CWE-436", _methods),
    Row("SLF122", "unknown-method", "methods of no revision", "CWE-20", _unknown),
    Row("SLF123", "posted-response", "answers that nobody asked for", "CWE-20", _responses),
    Row("SLF124", "session", "CVE-2026-33946: a session that was guessed", "CWE-639", _sessions),
)  # fmt: skip
