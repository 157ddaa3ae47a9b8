"""What goes on as SQL after a quote or a value is found whatever its operator; prose, names and measures are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.sql_grammar.shape import goes_on_as_sql
from tests.sql_grammar.injections import breakouts, conditions


def found(text: str) -> bool:
    """Whether the text is judged to be SQL from its start, or from any of its quotes."""
    quotes = [place for place, character in enumerate(text) if character in "'\"`"]
    return goes_on_as_sql("", text) or any(goes_on_as_sql(text[:place], text[place:]) for place in quotes)


PAIRS = [
    ("kim' or 4 < 9", "Kim's or 4 < 9 miles"),
    ("kim' or colour like 'r%", "looks 'red' or like 'rose'"),
    ("kim' and shoe is not null", "'x' and it is not null and void"),
    ("kim' and size in (3,4)", "'small' and in (parentheses)"),
    ("kim' and size between 3 and 4", "'x' and between 3 and 4 pm"),
    ("kim') or exists (select 1)--", "('kim') or exists"),
    ("kim' or 'a", "'kim' or 'a'"),
    ("kim' or 1", "'kim' or 1"),
    ("kim' order by 3", "the shops' order by phone or mail"),
    ("7 group by 3", "order by 3 pm"),
    ("7) and size > 3", "7 and size > 3 shoes"),
    ("7 or size > 3", "shoes or size > 3 for you"),
    ("shoe or size = 3", "shoe or size = 3 for you"),
    ("or 6=6", "or 6 = half a dozen"),
    ("and 1", "and one more"),
    ("7 limit 1 into outfile '/k'", "7 limit one"),
    ("7-(select 1)", "7-(one)"),
    ("kim'||chr(77)||'", "'kim' || 'ann'"),
    ("kim'+@@language+'", "'kim' + '@home'"),
    ("kim'='", "kim = 'k'"),
    ("5'-0-'", "5'-6"),
    ("5'*'6", "R'&B"),
    ("kim'--", "'kim' -- she said"),
    ('kim"#', 'the "#" key'),
    ("kim'/*", "kim's /* note */"),
    ("kim'; --", "'kim'; -- yes"),
    ("kim'; drop table shoes", "'kim'; drop tables at the door"),
    ("7; update shoes set size=3", "7; update your settings"),
    ("7; select * from shoes", "7; select a plan"),
    ("kim'/**/or/**/3>2", "kim's /**/ or 3 > 2"),
    ("kim'+or+3>2", "kim+or+ann"),
    ("kim' /*!50000or*/ 3>2", "kim /*!important*/"),
    ("kim' or 1.e(1)=1", "kim or 1.e"),
    ("kim' having max(size)>3", "'kim' having lunch"),
    ("kim' procedure analyse()", "'kim' procedure room"),
    ("kim' union/**/select 4", "'kim' union members select a chair"),
    ("7 or case when 3>2 then 1 else 0 end", "7 or case of wine"),
    ("select version()", "select (one)"),
    ("select @@version", "select @ann"),
    ("select *, size from shoes", "select a shoe, a size from shoes"),
    ("insert into shoes values (3)", "insert into slot 3"),
    ("update shoes set size = 3", "update shoes set by Monday"),
    ("delete from shoes where size = 3", "delete from shoes where it hurts"),
    ("drop table shoes;", "drop table tennis"),
    ("7) as shelf where size > 3-- ", "(shoes) as known where they fit"),
    ("kim') as shelf order by 3", "'kim' as known"),
    ("iif(4=4,7,1/0)", "if (it rains)"),
    ("7 and exp(~(select 7))", "7 and exp (one)"),
    ("7 ,iif(4=5,1,1/0)", "7, iif(not)"),
    ("7;iif(4=5,1,1/0)", "7; if it rains"),
    ("kim' into @k--", "'kim' into town"),
    ("(select 7 from shelves)", "(select a plan)"),
    ("7]-(select 4)", "7]-(one)"),
    ("exp(~(select 7))", "exp (one) and so on"),
    ("!sleep(7)", "!important (note)"),
    ("begin user_lock.sleep(7); end", "begin user_lock"),
    ("3,(select 4)", "3, count (all)"),
    ("kim', (select 4)", "'kim', (select)"),
    ("7\xa0or\x0b6=6", "7\xa0or\x0b6"),
    ("shelf`) or 6=6", "`or` is a word"),
]


@pytest.mark.parametrize("attack", [attack for attack, _ in PAIRS])
def test_sql_after_a_value_is_found(attack: str) -> None:
    """One text for each way in which a value can go on."""
    assert found(attack)
    assert found(attack.upper())


@pytest.mark.parametrize("twin", [twin for _, twin in PAIRS])
def test_prose_that_looks_alike_is_left_alone(twin: str) -> None:
    """The honest twins."""
    assert not found(twin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'",
        "O'Brien",
        "O'Neill or D'Arcy and O'Hara",
        "it's 5 or 6",
        "1 or 2",
        "1 or 2 items",
        '"red wine" or "white wine"',
        '"machine learning" AND title:"deep"',
        "('a' and 'b') or 'c'",
        "rock 'n' roll",
        "6' 2\" and 80 kg",
        "the 90s' sound",
        "cats and dogs = trouble at home",
        "Sun and moon",
        "Is this right, and is that = wrong?",
        "say \"yes\", and then 'no'",
        "use the union; then select a room",
        "name,\"size\",'colour'",
        "https://example.com/a?b='c'",
        "value: 'x' -> 'y'",
        '{"and": 1}',
        '{"size": 4, "or":1}',
        '{ "having" : 1}',
        '["or", "and"]',
        '"or": 1',
        '"and", "or"',
        "'or'",
        '{"like":1}',
        '"/srv/*/*" is where they are',
        "group and user(s)",
        "name or version (2)",
        "and 2.2(b) are the same",
        "- if (it rains)",
        "* count (of shoes)",
        "total - sum (net)",
        "2024 - version (beta)",
        "val = substr(line, 2)",
        "|| fallback (x) != 0)",
        '&& hint=" (again)"',
        "'--squash' when you split",
        '"--[no-]force" is an option',
        "`-- a branch of a tree",
        '"--force" option is set.',
        "'-b'|'--long')",
        "'+', like the branch that is shown",
        'exec "$tool" "$@"',
        "needs 'a'; version < '3.15' and platform != 'os' and kind != 'b'",
        "it's long\nneeds b; version < '3.15' and platform != 'os'",
    ],
)
def test_everyday_text_is_left_alone(text: str) -> None:
    """Names, measures, search queries, lists."""
    assert not found(text)


@settings(max_examples=150)
@given(breakouts())
def test_any_injection_of_the_grammar_is_found(text: str) -> None:
    """A closing quote, a connective, a condition, a tail: each of many kinds, so that none is learned by heart."""
    assert found(text)


@settings(max_examples=60)
@given(conditions())
def test_a_condition_is_found_behind_a_number(condition: str) -> None:
    """No quote is needed where a number is pasted in."""
    assert found(f"7 or {condition}--")


@settings(max_examples=150)
@given(st.text(alphabet="ab1'\"`()=<>+-*/;#%&|!@.,~ \n\\\0", max_size=40), st.text(max_size=20))
def test_no_text_breaks_the_reader(text: str, before: str) -> None:
    """Signs in any order: there is an answer, and the same one for either case."""
    assert goes_on_as_sql(before, text) in {True, False}
    assert goes_on_as_sql("", text) == goes_on_as_sql("", text.upper())


def test_a_quote_that_closes_another_is_none_of_the_attackers() -> None:
    """An even number of quotes before it: it opens. An odd one: it closes what the text itself opened."""
    assert goes_on_as_sql("", "' or 3>2")
    assert not goes_on_as_sql("say 'kim", "' or 3>2")
    assert goes_on_as_sql("don", "' or 3>2")


def test_a_long_tail_of_brackets_ends_without_a_verdict() -> None:
    """A bound on the tokens, not on the patience."""
    assert not goes_on_as_sql("", "' or " + "(" * 100_000)
    assert not goes_on_as_sql("", "' or " + "a or " * 20_000)
