"""Injections made from the grammar of SQL: what tests of the reader and of the rules draw from."""

from __future__ import annotations

from hypothesis import strategies as st

_NUMBERS = st.integers(0, 999).map(str)
_NAMES = st.sampled_from(["size", "shoe.size", "colour", "shelf_no"])
_TEXTS = st.sampled_from(["'k'", "'red'", '"k"', "''"])
_CALLS = st.sampled_from(
    ["char(75)", "version()", "length(colour)", "ascii(mid(user(),1,1))", "@@language", "(select 4)", "ifnull(size,0)"]
)
_COMPARE = st.sampled_from(["=", "<", ">", "<=", ">=", "<>", "!=", "<=>", " like ", " regexp ", " not like "])


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """One condition: two operands and what compares them, or one of the tests that need no operator."""
    first = draw(st.one_of(_NUMBERS, _NAMES, _TEXTS, _CALLS))
    shape = draw(st.integers(0, 5))
    if shape == 0:
        return f"{first} between {draw(_NUMBERS)} and {draw(_NUMBERS)}"
    if shape == 1:
        return f"{first} in ({draw(_NUMBERS)},{draw(_NUMBERS)})"
    if shape == 2:
        return f"{draw(_NAMES)} is {draw(st.sampled_from(['', 'not ']))}null"
    if shape == 3:
        return f"exists (select {draw(_NUMBERS)} from shelves)"
    second = draw(st.one_of(_NUMBERS, _TEXTS, _CALLS))
    return f"{first}{draw(_COMPARE)}{second}"


@st.composite
def breakouts(draw: st.DrawFn) -> str:
    """A value, a quote that closes it, and what the attacker adds."""
    value = draw(st.sampled_from(["kim", "", "7", "-1", "k@example.com"]))
    close = draw(st.sampled_from(["'", "')", "'))", '"', '")']))
    connective = draw(st.sampled_from(["or", "and", "xor", "||", "&&", "or not", "and not"]))
    tail = draw(st.sampled_from(["", "--", "-- -", "#", "/*", ";--", " or 'a'='a", " and '1"]))
    text = f"{value}{close} {connective} {draw(conditions())}{tail}"
    blank = draw(st.sampled_from([" ", "/**/", "\t", "\n", "/* k */", "/*!*/"]))
    return text.replace(" ", blank)
