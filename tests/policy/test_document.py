"""YAML as a policy may use it: which values come out, and what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.policy.document import DEPTH_MAX, NODES_MAX, read_document

SCALARS = {
    "1": 1, "-7": -7, "0x1F": 31, "0o17": 15, "017": 17, "1.5": 1.5, "1e3": 1000.0, ".5": 0.5, "true": True,
    "FALSE": False, "null": None, "~": None, "on": "on", "off": "off", "yes": "yes", "no": "no",
    "1_000": "1_000", "12:30": "12:30",
    "2027-06-01": "2027-06-01", '"1"': "1", "'true'": "true", "=": "=", "<<": "<<", "0b11": "0b11", "text": "text",
}  # fmt: skip


@pytest.mark.parametrize(("written", "value"), SCALARS.items())
def test_a_scalar_follows_the_core_schema_of_yaml_1_2(written: str, value: object) -> None:
    read, _ = read_document(f"a: {written}\n", "p")
    assert read == {"a": value}
    assert type(read["a"]) is type(value)


def test_keys_and_values_know_their_line_and_column() -> None:
    value, places = read_document("a: 1\nb:\n  - x\n  - {c: y}\n", "p")
    assert value == {"a": 1, "b": ["x", {"c": "y"}]}
    assert places.keys == {("a",): (1, 1), ("b",): (2, 1), ("b", 1, "c"): (4, 6)}
    assert places.values[("b", 1, "c")] == (4, 9)
    assert places.values[("b", 0)] == (3, 5)


REFUSED = [
    ("a: 1\nb: 2\na: 3\n", "p:3:1: duplicate key a, first at p:1:1; keep one of them"),
    ("a: {b: 1, b: 2}\n", "p:1:11: duplicate key b, first at p:1:5; keep one of them"),
    ("a: &x 1\n", "p:1:4: anchors (&name) are not allowed in a policy; write the value out"),
    ("a: [*x]\n", "p:1:5: aliases (*name) are not allowed in a policy; write the value out"),
    (
        "a: !!python/object:os.system x\n",
        "p:1:4: tags (!name) are not allowed in a policy; remove it, quotes make text",
    ),
    ("a: !x {b: 1}\n", "p:1:4: tags (!name) are not allowed in a policy; remove it, quotes make text"),
    ("a: 1\n---\nb: 2\n", "p:2:1: a second document begins; a policy is one document, remove the ---"),
    ("%YAML 1.1\n---\na: on\n", "p:2:1: directives are not allowed in a policy, except %YAML 1.2; remove them"),
    ("1: a\n", "p:1:1: a key must be text; put quotes around it"),
    ("[a]: b\n", "p:1:1: a key must be text; put quotes around it"),
    ("? {a: b}\n: c\n", "p:1:3: a key must be text; put quotes around it"),
    ("a: .nan\n", "p:1:4: expected a finite number of at most 300 digits"),
    ("a: -.inf\n", "p:1:4: expected a finite number of at most 300 digits"),
    ("a: 1e999\n", "p:1:4: expected a finite number of at most 300 digits"),
    (f"a: {'9' * 5000}\n", "p:1:4: expected a finite number of at most 300 digits"),
    ("a:\n\t- b\n", "p:2:1: not YAML: found character '\\t' that cannot start any token; indent with spaces"),
    ("a: [1\n", "p:2:1: not YAML: expected ',' or ']', but got '<stream end>'"),
    ("a: b: c\n", "p:1:5: not YAML: mapping values are not allowed here"),
    ("a: \x00\n", "p:1:4: YAML does not allow the character U+0000 here; remove it"),
    ("a: 1\nb: \x1b[8m\n", "p:2:4: YAML does not allow the character U+001B here; remove it"),
    ('a: "\\ud800"\n', "p:1:4: the text holds half of a surrogate pair; write the character itself"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_yaml_that_a_policy_does_without_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_document(text, "p")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\na: on\n", "---\na: on\n...\n", "# note\na: on # off\n", '"a": on\n'])
def test_the_plain_twin_of_a_refused_document_is_read(text: str) -> None:
    assert read_document(text, "p")[0] == {"a": "on"}


def test_the_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    with pytest.raises(PolicyError, match=r"^p:1:5: anchors"):
        read_document(bomb, "p")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_beyond_the_bound_is_refused_before_the_stack_ends(opening: str) -> None:
    with pytest.raises(PolicyError, match=rf"at most {NODES_MAX:,} values and {DEPTH_MAX} levels"):
        read_document(opening * 5000, "p")


def test_nesting_up_to_the_bound_is_read() -> None:
    depth = DEPTH_MAX
    value, _ = read_document("[" * depth + "]" * depth, "p")
    assert value is not None


def test_more_values_than_the_bound_are_refused() -> None:
    with pytest.raises(PolicyError, match="values and"):
        read_document("[" + "1," * (NODES_MAX + 1) + "]", "p")


@given(
    st.text(st.characters(exclude_categories=()), max_size=60)
    | st.text("{}[]:,-?!&*|>'\"%@# \n\tab1\\<=~.", max_size=60)
)
@example('"\\U00110000"')
@example("%YAML 1.999999999999999999999999\n---\n")
@example("%TAG ! !\n---\na")
@example("a: |99\n b")
@example("\ud800")
def test_no_text_raises_anything_but_a_policy_error(text: str) -> None:
    try:
        read_document(text, "p")
    except PolicyError as error:
        assert str(error).startswith("p:")
