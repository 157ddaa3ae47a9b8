"""RFC 8259, production by production: what it allows is read as two other readers read it, what it forbids is refused.

What it allows and the design refuses is refused by name, each with its reason (DESIGN 3, strict parsing).
"""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smcp_security import Policy, SMCPSecurityFramework
from smcp_security.leaves import MAX_NODES
from smcp_security.message import parse
from smcp_security.strict_json import Malformed, load
from tests.fuzz import rfc8259
from tests.fuzz.message import same, strictly

DEPTH = 64

# Section 2 and 3: structural characters, blanks, the three words.
STRUCTURES = [
    "{}", "[]", "{ }", "[ ]", "[[]]", "[{}]", '{"a":{}}', '{"a":[]}', "[[],[[]],{}]", "[[]   ]", "[ [ ] , [ ] ]",
    "null", "true", "false", "[null]", "[true,false,null]", '[null,1,"1",{},[],1.5,true]', "[1,null,null,null,2]",
    " 1", "1 ", "\t1\t", "\n1\n", "\r1\r", " \t\n\r1 \t\n\r", "[1\n,\n2]", "[1\r\n]", "[\t]", "[ 1]", "[2] ",
    '{"a" :1}', '{"a": 1}', '{ "a":1 }', '{\n"a"\r:\t1\n}', '{"a":1 ,\n "b":2}', '{"a":{"b":{"c":{"d":[[[0]]]}}}}',
]  # fmt: skip

# Section 4: names are any strings, and unordered.
OBJECTS = [
    '{"a":1}', '{"a":1,"b":2}', '{"b":1,"a":2}', '{"":0}', '{" ":0}', '{"a":"a"}', '{"a":1,"A":2}', r'{"a\u0000b":1}',
    r'{"\u0061":1}', r'{"\"":1}', r'{"\\":1}', '{"ключ":1}', '{"\U0001f600":1}', '{"0":1,"00":2,"-0":3}', '{"null":1}',
    '{"__proto__":1,"constructor":2}', '{"min":-1.0e+28,"max":1.0e+28}', '{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]',
    '{"é":1,"e\u0301":2}', '{"' + "k" * 2_000 + '":"' + "v" * 2_000 + '"}',
]  # fmt: skip

# Section 6: [ minus ] int [ frac ] [ exp ].
NUMBERS = [
    "0", "-0", "1", "-1", "9", "10", "123", "-123", "1000000", "0.0", "-0.0", "0.1", "-0.1", "1.0", "1.5", "123.456",
    "0.00000000000000000000001", "1.000000000000000000000000000000000001", "0e0", "0e1", "0E1", "0e+1", "0e-1", "0.0e0",
    "1e1", "1E1", "1e+1", "1E+1", "1e-1", "1E-1", "1e00", "1e+00", "1e-007", "123e65", "20e1", "1.5e3", "123.456e78",
    "123.456E-78", "-1.5E+3", "5e-324", "4.9406564584124654e-324", "2.2250738585072014e-308", "1.7976931348623157e308",
    "2.2250738585072011e-308", "9007199254740993", "9007199254740993.0", "0.30000000000000004", "-1e-400", "1e-400",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "100000000000000000000000000000000", "-237462374673276894279832749832423479823246327846",
    "8.41", "123456.789e-3", "1" + "0" * 999, "-" + "9" * 1_000, "0." + "0" * 2_000 + "1", "1" + "0" * 300 + ".5e-300",
]  # fmt: skip

# Sections 7 and 8: every escape, every length of UTF-8, and characters that other formats forbid.
STRINGS = [
    '""', '" "', '"a"', '"asd "', r'"\""', r'"\\"', r'"\/"', '"/"', r'"\b\f\n\r\t"', r'"\u0000"', r'"\u001f"',
    r'"\u0022"', r'"\u005C"', r'"\u005c\u0022"', r'"\\u0000"', r'"\\n"', r'"\\a"', r'"a\\"', r'"\u000a"', r'"\u0020"',
    r'"\u00e9"', r'"\u00E9"', r'"\u20ac"', r'"\uABCD\uabcd"', r'"\uffff"', r'"\ufdd0"', r'"\u200b"', r'"\u2064"',
    r'"\ufeff"', r'"\ud7ff\ue000"', r'"\uD834\uDD1E"', r'"\ud834\udd1e"', r'"\ud83d\ude00\ud83d\ude00"',
    r'"\ud800\udc00"', r'"\udbff\udfff"', r'"\"\udbff\udfff\""', r'"\ud83f\udffe"', '"\x7f"', '"a\x7fb"', '"\x80"',
    '"\x85"', '"\xa0"', '"é"', '"e\u0301"', '"€"', '"𝄞"', '"\u07ff\u0800"', '"\ud7ff"', '"\ue000"', '"\ufeff"',
    '"\ufffd\ufffe\uffff"', '"\U00010000"', '"\U0001bfff"', '"\U0010ffff"', '"\u2028\u2029"', '"\u202e"', '"\u200b"',
    '"/* no comment */"', '"// nor this"', '"#"', '"\'"', '"<!--"', '"{}[]:,"', '"null"', '"NaN"', '"1"',
    '"' + "x" * 5_000 + '"',
]  # fmt: skip

VALID = [*STRUCTURES, *OBJECTS, *NUMBERS, *STRINGS]

# What RFC 8259 allows and the design does not: (text, code, why).
BY_NAME = [
    ('{"a":1,"a":1}', "SMCP112", "readers differ on which of two members counts"),
    ('{"a":1,"b":{"c":1,"c":2}}', "SMCP112", "at any depth"),
    (r'{"a":1,"\u0061":2}', "SMCP112", "however the name is spelt"),
    ('{"":1,"":2}', "SMCP112", "even an empty name"),
    ("1e309", "SMCP115", "no double holds it, so readers make infinity, null or an error of it"),
    ("-1e309", "SMCP115", "nor that"),
    ("1E+9999999", "SMCP115", "nor any larger one"),
    ("1" + "0" * 400 + ".0", "SMCP115", "nor one that is written out"),
    ("1" + "0" * 1_000, "SMCP115", "integers of over 1,000 digits cost their square to read"),
    ("-1" + "0" * 1_000, "SMCP115", "below zero too"),
    (r'"\ud800"', "SMCP116", "half of a surrogate pair is no character"),
    (r'"\udc00"', "SMCP116", "neither half is"),
    (r'"\ud800\n"', "SMCP116", "with another escape behind it"),
    (r'"\ud800abc"', "SMCP116", "with text behind it"),
    (r'"\ud800\u0041"', "SMCP116", "with a character where its other half belongs"),
    (r'"\ud800\ud800\udc00"', "SMCP116", "with a whole pair behind it"),
    (r'"\udd1e\ud834"', "SMCP116", "with its halves in the wrong order"),
    (r'{"\udfaa":0}', "SMCP116", "in a name"),
    ("[" * 70 + "]" * 70, "SMCP117", "nested deeper than `server.max_depth`"),
    ('{"a":' * 70 + "1" + "}" * 70, "SMCP117", "objects count as arrays do"),
    ("[" * 500 + "]" * 500, "SMCP117", "as deep as other readers still go"),
    ("[" + "0," * MAX_NODES + "0]", "SMCP118", "more than 50,000 nodes"),
]

# Every production broken in one place; each is wrong as a whole body and as the value of a member.
BROKEN = [
    # nothing, or nothing but blanks
    "", " ", "\n", "\x00",
    # structure
    "[", "]", "{", "}", "[[", "{[", "[{", "[}", "{]", "[]]", "{}}", "[[]", "[1", "[1,", "[1}", "[,", "{,", "{:",
    "[1 2]",
    "[1 true]", "[1,]", "[1,,]", "[1,,2]", "[,1]", "[,]", "[1;2]", "[1:2]", '["a":1]', "[3[4]]", "[1]x", "[1][2]",
    "[1],", "[1]]", "[1 ,,", "{}x", "{}#", "{}{}", '{"a"}', '{"a":', '{"a"', '{"a', '{"a":1', '{"a":1,', '{"a":1,}',
    '{"a":1,,}', '{"a":1,,"b":2}', '{,"a":1}', '{"a":1 "b":2}', '{"a":1;"b":2}', '{"a","b"}', '{"a" 1}', '{"a"::1}',
    '{"a":}', '{:1}', '{"a"=1}', '{"a":1]', '{"a":[1}', '[{"a":1]', '{"a":1}}', '{"a":b}', "{[1]:2}", "{a:1}",
    "{'a':1}", "{1:1}", "{9999E9999:1}", "{null:1}", "{null:null,null:null}", "{\U0001f1e8:1}", '{"a":1,b:2}', "<.>",
    "<null>", "[<null>]", "*", "[*]", "-", "--", "a", "å", "[a", "[a\x00]", "{*}", "'", '"', '["', '["a', "['", "[\"a",
    '["\x00a"]', "[\n", "[1,\n1\n,1", '{"a":"b"}/**/', '{"a":"b"}//', '{"a":"b"}/', '{"a":"b"}#', '{"a":/**/1}',
    "/**/{}", "//\n{}", "#\n{}", '{"a":1}{"b":2}', "1 2", '"a" "b"', "null null", ",", ":", "1,2", "\\u000A1",
    '\\u0020"a"',
    # blanks that are none
    "\x0b1", "\x0c1", "1\x0b", "[\x0c]", "[\xa0]", "[\u2060]", "\u20601", "[\u200b]", "[\u3000]", "\x851", "\ufeff1",
    "\x1f1",
    # words
    "nul", "tru", "fals", "nulll", "truee", "Null", "True", "FALSE", "None", "undefined", "nil", "yes", "n", "t",
    "NaN", "-NaN", "nan", "Infinity", "-Infinity", "Inf", "+Inf", "inf", "1/0",
    # numbers
    "+1", "++1", "- 1", "-a", "-1a", "01", "-01", "00", "-00", "012", "-012", "0.", "1.", "-2.", ".1", "-.1", ".-1",
    "0.1.2", "1.2.3", "0.e1", "2.e3", "2.e+3", "1.-1", "1e", "1E", "1e+", "1e-", "1E+", "0e", "0e+", "1.0e", "1.0e+",
    "1.0e-", "1eE2", "1e1.5", "1e1e1", "1ea", "0x1", "0x42", "0o7", "0b1", "1_000", "1,000x", "1 000", "1a", "1.2a",
    "1.8011670033376514H-308", "123.456foo", "1+2", "1-1", "١", "１", "1e１", "½", "1\u00a0", "1L", "1n", "1f", "$1",
    "1e+-1",
    # strings
    '"a', 'a"', '"a\n"', '"\n"', '"\t"', '"\r"', '"\x00"', '"\x1f"', '"a\x00a"', r'"\"', r'"\\\"', '"\\\x00"', '"\\\t"',
    r'"\x00"', r'"\a"', r'"\v"', r'"\0"', r"""'\''""", r'"\U0041"', r'"\u"', r'"\u0"', r'"\u00"', r'"\u004"',
    r'"\u00A"',
    r'"\u{41}"', r'"\u 041"', r'"\u+041"', r'"\u00g0"', r'"\u-041"', r'"\u0x41"', r'"\uqqqq"', '"\\\U0001f300"',
    r'"\ "', "\"\\'\"",
    r'"\ud800\u"', r'"\ud800\u1"', r'"\ud800\u1x"', r'"\ud834\udd"', r'"\ud800\x"', r"[\n]", "'a'", '"a"x', '""x',
    '"a"b"', "\u201ca\u201d",
]  # fmt: skip

# What is no UTF-8, inside a string, in a name, in a number and between tokens.
NO_UTF8 = [
    b'"\xff"', b'"\xfe"', b'"\x80"', b'"\xbf"', b'"\xc3"', b'"\xc0\xaf"', b'"\xc1\xbf"', b'"\xe0\x80\xaf"',
    b'"\xe2\x82"',
    b'"\xf0\x80\x80\xaf"', b'"\xf0\x9d\x84"', b'"\xf4\x90\x80\x80"', b'"\xf8\x88\x80\x80\x80"',
    b'"\xfc\x80\x80\x80\x80\xaf"',
    b'"\xed\xa0\x80"', b'"\xed\xb0\x80"', b'"\xed\xa0\x80\xed\xb0\x80"', b'"\xe9"', b'"\xc3\xa9\xe9"', b'"\\\xe9"',
    b'"\\u00\xe9"', b'{"\xb9":0}', b'{"\xb9":"0",}', b"[\xff]", b"[a\xe5]", b"[1\xe5]", b"[1e1\xe5]", b"[0\xe5]",
    b"\xe5", b"[1]\xe5",
]  # fmt: skip

# Other encodings of sound JSON, and marks of byte order.
OTHER_ENCODINGS = [
    '{"a":1}'.encode(name) for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")
] + [b"+AHsAIg-a+ACI-:1+AH0-", b"\xef\xbb\xbf", b"\xef\xbb{}", b'\xff\xfe{"a":1}', b'{"a":1}\xef\xbb\xbf']


def _argument(text: str) -> bytes:
    """A call with the text as the value of an argument."""
    head = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":'
    return f"{head}{text}}}}}}}".encode("utf-8", "surrogatepass")


def _code(raw: bytes) -> str:
    try:
        parse(raw, max_depth=DEPTH)
    except Malformed as malformed:
        return malformed.code
    return ""


def _refused_by_both(raw: bytes) -> bool:
    """Whether both references, each for itself, find that this is no JSON."""
    try:
        strictly(raw)
    except ValueError:
        pass
    else:
        return False
    try:
        rfc8259.read(raw)
    except rfc8259.NotJson:
        return True
    return False


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_whatever_the_grammar_allows_is_read_alike_as_an_argument(text: str) -> None:
    raw = _argument(text)
    message = parse(raw, max_depth=DEPTH)
    assert same(message.value, rfc8259.read(raw)) and same(message.value, strictly(raw))
    assert same(rfc8259.read(message.raw), message.value)
    assert parse(message.raw, max_depth=DEPTH).raw is message.raw


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_whatever_the_grammar_allows_is_read_alike_as_a_whole_body(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    value, canonical = load(raw)
    assert same(value, rfc8259.read(raw)) and same(value, strictly(raw))
    assert same(rfc8259.read(canonical), value)
    # JSON-RPC: a message is one object; DESIGN 3 refuses batches by name.
    expected = {dict: "", list: "SMCP119"}.get(type(value), "SMCP120")
    assert _code(raw) == expected


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_whatever_the_grammar_forbids_is_refused_as_a_whole_body_and_as_an_argument(text: str) -> None:
    for raw in (text.encode(), _argument(text)):
        assert _refused_by_both(raw)
        assert _code(raw) in ("SMCP113", "SMCP114", "SMCP115", "SMCP116")


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_in_an_array_only_what_both_references_read_is_accepted(text: str) -> None:
    # Some pieces are wrong only by themselves: "1,2" makes two elements.
    raw = f'{{"a":[{text}]}}'.encode()
    if _refused_by_both(raw):
        assert _code(raw) in ("SMCP113", "SMCP114", "SMCP115", "SMCP116")
    else:
        assert same(load(raw)[0], rfc8259.read(raw))


@pytest.mark.parametrize(
    "frame", [b"%s", b'{"a":%s}', b'{"jsonrpc":"2.0","method":"m","params":{"arguments":{"a":%s}}}']
)
@pytest.mark.parametrize("data", NO_UTF8, ids=range(len(NO_UTF8)))
def test_what_is_no_utf_8_is_refused_as_that(data: bytes, frame: bytes) -> None:
    assert _refused_by_both(frame % data)
    assert _code(frame % data) == "SMCP113"


@pytest.mark.parametrize("raw", OTHER_ENCODINGS, ids=range(len(OTHER_ENCODINGS)))
def test_another_encoding_of_the_same_json_is_refused(raw: bytes) -> None:
    assert _code(raw) in ("SMCP113", "SMCP114")
    assert _code(b'{"a":1}') == ""


@pytest.mark.parametrize(("text", "code", "reason"), BY_NAME, ids=[reason for _, _, reason in BY_NAME])
def test_what_the_design_refuses_by_name_has_its_own_code(text: str, code: str, reason: str) -> None:
    assert _code(_argument(text)) == code
    assert _code(f'{{"a":{text}}}'.encode()) == code
    assert json.loads(text) is not None, "a lenient reader takes it"


BENIGN_TWINS = [
    '{"a":1,"b":1}', "1e308", "1" + "0" * 999, r'"\ud83d\ude00"', "[" * 60 + "]" * 60,
    "[" + "0," * (MAX_NODES - 100) + "0]",
]  # fmt: skip


@pytest.mark.parametrize("text", BENIGN_TWINS, ids=range(len(BENIGN_TWINS)))
def test_the_nearest_honest_value_passes_in_each_of_these_cases(text: str) -> None:
    assert _code(_argument(text)) == ""


@pytest.fixture(scope="module")
def framework() -> Any:
    with SMCPSecurityFramework(Policy.from_dict({"limits": [], "server": {"flood": "off"}})) as framework:
        yield framework


@pytest.mark.parametrize(("text", "code"), [(text, code) for text, code, _ in BY_NAME] + [("[1,]", "SMCP114")])
def test_the_ladder_answers_a_malformed_body_as_one(framework: SMCPSecurityFramework, text: str, code: str) -> None:
    decision = framework.process_request_sync(_argument(text))
    assert not decision.allowed
    assert [finding.code for finding in decision.findings] == [code]
    assert decision.answer is not None and decision.answer.status == 400
    assert "id" not in json.loads(decision.answer.body)


@pytest.mark.parametrize("text", ["1e22", "-0.0", "9007199254740993", r'"\u20ac"', '{"a":[null,true]}', "[ 1 , 2 ]"])
def test_the_ladder_lets_a_sound_body_through_in_canonical_form(framework: SMCPSecurityFramework, text: str) -> None:
    decision = framework.process_request_sync(_argument(text))
    assert decision.allowed
    assert isinstance(decision.message, bytes)
    assert same(rfc8259.read(decision.message), rfc8259.read(_argument(text)))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(10**999), 10**999) | FLOATS | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)


@st.composite
def spelt(draw: st.DrawFn, value: Any) -> str:
    """A spelling of a value: any blanks, any of the ways to write a character."""
    blanks = draw(st.text(" \t\n\r", max_size=2))
    if isinstance(value, dict):
        members = (f"{draw(spelt(name))}:{draw(spelt(member))}" for name, member in value.items())
        return f"{blanks}{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"{blanks}[{','.join(draw(spelt(member)) for member in value)}]{blanks}"
    if isinstance(value, str):
        return f'{blanks}"{"".join(draw(st.sampled_from(_spellings(sign))) for sign in value)}"{blanks}'
    return f"{blanks}{draw(st.sampled_from([json.dumps(value), *_other_numbers(value)]))}{blanks}"


def _spellings(sign: str) -> list[str]:
    units = struct.unpack(f">{len(sign.encode('utf-16-be')) // 2}H", sign.encode("utf-16-be"))
    escaped = "".join(f"\\u{unit:04x}" for unit in units)
    plain = [] if sign < " " or sign in '"\\' else [sign]
    return [
        *plain,
        escaped,
        escaped.upper().replace("\\U", "\\u"),
        json.dumps(sign)[1:-1],
        *(["\\/"] if sign == "/" else []),
    ]


def _other_numbers(value: Any) -> list[str]:
    if not isinstance(value, float):
        return []
    return [f"{value:.17e}", f"{value:.20E}", f"{value!r}e0" if "e" not in repr(value) else repr(value).upper()]


def _bits(value: Any) -> Any:
    """The value with each float as the eight bytes of its IEEE double."""
    if isinstance(value, dict):
        return {name: _bits(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_bits(member) for member in value]
    return struct.pack(">d", value) if isinstance(value, float) else value


@given(VALUES, st.data())
@example({"a": -0.0, "b": 5e-324, "c": 1.7976931348623157e308, "d": 10**999 - 1, "e": "\x00\U0010ffff/"}, None)
def test_any_value_in_any_spelling_becomes_canonical_bytes_of_equal_meaning(
    value: Any, data: st.DataObject | None
) -> None:
    text = json.dumps(value) if data is None else data.draw(spelt(value))
    message = parse(_argument(text), max_depth=DEPTH)
    read = rfc8259.read(message.raw)["params"]["arguments"]["a"]
    assert same(read, value)
    assert _bits(read) == _bits(value) and _bits(message.value["params"]["arguments"]["a"]) == _bits(value)
