"""Text in which no template engine finds anything to evaluate."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.template import TemplateRule
from smcp_security.policy.contracts import TemplateContract

RULE = TemplateRule(TemplateContract(variables=("name", "order_id", "user.city")))

EXPRESSIONS = [
    "{{7*7}}", "{{ config }}", "{{{{ name }}}}", "{% for x in y %}", "{# note #}", "{{=1}}", "{{{raw}}}",
    "{{#each items}}", "${7*7}", "$ {x} ${x", "#{7*7}", "*{7*7}", "@{/login}", "~{frag}", "%{#context}", "!{x}",
    "$!{x}", "$user.name", "$!user", "#set($x=1)", "#foreach ($x in $y)", "#include('x')", "<%= 7*7 %>", "<% x %>",
    "<?php echo 1 ?>", "<?= 1 ?>", "<#if x>", "</#if>", "<@macro/>", "[#if x]", "[=7*7]", "[[7*7]]", "[(7*7)]",
    "[% x %]", "@(1+1)", "@DateTime.Now", "@Html.Raw(1)", "@if (true)", "text @foreach(var x in y)", "{php}",
    "{$smarty.version}", "{if true}", "{0.__class__}", "{}", "{name}", "line\n  % for x in y:", "$(whoami)",
    "T }} tail", "<jsp:include page='x'/>", "{{ constructor.constructor('1')() }}", "{{ name | upper }}",
    "{{ name.__class__ }}", "{{ user }}", "{{name()}}", "${{ name }}", "#{{ name }}", "{{ name }}}", "{{{ name }}}",
    "\\{{ name }}", "@{{ name }}", "[[{{ name }}]]",
    "{%{{ name }}%}", "${jndi:ldap://x}",
]  # fmt: skip


ATTRIBUTES = (
    "<p tal:content=\"python:1\">", "<p py:if='x'>", "<p th:text = '7'>", "<p v-html='x'>", "<p ng-init='x'>",
    "<p x-data='{ }'>", "<xsl:value-of select='x'/>",
)  # fmt: skip


@pytest.mark.parametrize("value", ATTRIBUTES)
def test_attributes_that_hold_code_are_refused(value: str) -> None:
    assert TemplateRule(TemplateContract()).fault(value) is not None


@pytest.mark.parametrize("value", ["<p class='x-large' title='v-1'>", "plan v-2: done = yes", "http://th:8080/a"])
def test_attributes_without_code_are_accepted(value: str) -> None:
    assert TemplateRule(TemplateContract()).fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "", "Dear {{ name }}, your order {{order_id}} is ready.", "Greetings to {{ user.city }}!", "plain text",
        "costs $5, 100 % sure, call #5 or ann@example.com", "a { b }", "body {\n color: red }", "@ann, look at this.",
        "f(x) = [1, 2]", "1 < 2 > 0", "AT&amp;T", "[link](https://example.com)", "# Heading\n## Second", "100%25",
        "{{ name }}{{ order_id }}", "Order ({{ order_id }})", "[{{ name }}](https://example.com/{{order_id}})",
    ],
)  # fmt: skip
def test_plain_text_with_the_names_of_the_policy_is_accepted(value: str) -> None:
    assert RULE.fault(value) is None


@pytest.mark.parametrize("value", EXPRESSIONS)
def test_what_some_engine_evaluates_is_refused(value: str) -> None:
    fault = RULE.fault(f"Dear customer, {value}" if "\n" not in value else value)
    assert fault is not None
    assert fault.code == "SMCP518"
    assert value not in fault.accepted


@pytest.mark.parametrize("value", ["{{7*7}}", "${7*7}", "<%= 7*7 %>", "{% x %}"])
def test_escapes_of_pages_and_forms_hide_nothing(value: str) -> None:
    entities = "".join(f"&#{ord(each)};" for each in value)
    for hidden in (quote(value), quote(quote(value)), entities, quote(entities), value.replace("{", "&lbrace;")):
        assert RULE.fault(hidden) is not None, hidden


def test_without_names_in_the_policy_none_is_accepted() -> None:
    rule = TemplateRule(TemplateContract(max_length=20))
    assert rule.fault("Dear customer") is None
    assert rule.fault("Dear {{ name }}") is not None
    assert rule.fault("x" * 21) is not None


def test_references_of_any_length_are_an_answer_and_no_error() -> None:
    assert RULE.fault("&#" + "9" * 60_000) is None  # no character has that number
    assert RULE.fault("%25" * 20_000) is not None
    assert RULE.fault("&amp;" * 10_000) is None
    assert RULE.fault("&#233;" * 1_000) is None
    assert RULE.fault("&#233;" * 10_000) is not None


@settings(max_examples=60)
@given(st.text(max_size=20), st.sampled_from(EXPRESSIONS), st.text(max_size=20))
def test_text_around_an_expression_does_not_hide_it(before: str, value: str, after: str) -> None:
    assert RULE.fault(f"{before}\n{value}\n{after}") is not None
