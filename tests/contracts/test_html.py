"""HTML that a browser shows and never runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.html import FORMATTING, HtmlRule
from smcp_security.errors import PolicyError
from smcp_security.policy.contracts import HtmlContract

RULE = HtmlRule(HtmlContract())


@pytest.mark.parametrize(
    "value",
    [
        "", "plain text", "3 &lt; 4 &amp; 5 > 2", "<p>Hello <b>you</b>,<br>see <em>below</em>.</p>", "<hr/><br />",
        '<a href="https://example.com/a?b=1&amp;c=2#d">here</a>', "<a href='/docs/a:b'>x</a>", "<a href=\"#top\">x</a>",
        '<a href="mailto:ann@example.com" title="Write to Ann" rel="nofollow">x</a>',
        '<img src="https://example.com/a.png" alt="A cat" width="20" height="50%">', "<P CLASS=\"intro big\">x</P>",
        '<table><tr><td colspan="2">1</td></tr></table>', "<ul>\n <li>a</li>\n <li>b</li>\n</ul>",
        '<details open><summary>More</summary>x</details>', "<h1\n class='a'>x</h1\n>", '<p title="">é 日本 🎉</p>',
        "<p>javascript: is a scheme, onclick=1 an attribute</p>", "&#60;script&#62; is a tag",
    ],
)  # fmt: skip
def test_plain_formatting_is_accepted(value: str) -> None:
    assert RULE.fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>", "<ScRiPt>x</ScRiPt>", "<script src=//example.com>", "<svg/onload=alert(1)>",
        "<svg><a>x</a></svg>", "<math><mi>x</mi></math>", "<img src=x onerror=alert(1)>",
        '<img src="x" onerror="alert(1)">', '<p onclick="x()">x</p>', '<p/onclick="x()">x</p>',
        '<p style="color:red">x</p>', "<style>p{}</style>", '<p id="x">x</p>', '<a name="x">x</a>',
        '<iframe srcdoc="x"></iframe>', "<object></object>", '<form action="/x"></form>', "<input>", "<base href='/'>",
        "<meta http-equiv='refresh'>", "<link rel='x'>", "<template><b>x</b></template>", "<noscript>x</noscript>",
        "<textarea>x</textarea>", "<title>x</title>", "<x-widget></x-widget>", "<isindex>", "<body>x</body>",
    ],
)  # fmt: skip
def test_what_runs_loads_or_changes_the_reading_is_refused(value: str) -> None:
    fault = RULE.fault(value)
    assert fault is not None
    assert fault.code == "SMCP518"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:x", " javascript:x", "java\tscript:x", "java&#10;script:x",
        "javascript&colon;x", "&#106;avascript:x", "&#x6a&#x61vascript:x", "data:text/html,x", "vbscript:x",
        "file:///etc/x", "blob:x", "\x01javascript:x", "https:\\\\example.com", "a b", "//exa`mple",
        "&#" + "1" * 5_000 + ";", "javascript\u00a0:x", "about:blank", "view-source:x", "feed:javascript:x",
        "http\n://x", "ms-word:x",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_web_is_refused(address: str) -> None:
    assert RULE.fault(f'<a href="{address}">x</a>') is not None
    assert RULE.fault(f'<img src="{address}">') is not None


@pytest.mark.parametrize(
    "value",
    [
        "<b>x", "x</b>", "<b><i>x</b></i>", "<b>x</i>", "<!-- x -->", "<!DOCTYPE html>", "<![CDATA[x]]>", "<?xml?>",
        "<", "a < b", "<3", "< b>x</b>", "<b", "<b>x</b", "<b>x</ b>", "<b/>x", "<p title=x>x</p>",
        "<p title='x\">x</p>", '<p title="a>b">x</p>', '<p title="x"class="y">x</p>', '<p title="x" title="y">x</p>',
        "<p title>x</p>", "<p title = 'x'>x</p>", '<p title="`">x</p>', '<b/x="y">x</b>', "<b\x0c>x</b>",
        "<b\0>x</b>", "a\0b",
        "\x1b[2J", "<\u212abd>x</kbd>", "<kbd>x</\u212abd>", '<p class="x;y">x</p>', '<td colspan="x">y</td>', "</p",
        "<br></br>",
        "<b>" * 101 + "</b>" * 101, '<a src="/x">y</a>', '<p \u00a0title="x">y</p>', "<<b>x</b>", "<b<i>x</i></b>",
    ],
)  # fmt: skip
def test_what_browsers_repair_is_refused_and_not_guessed(value: str) -> None:
    assert RULE.fault(value) is not None


def test_the_policy_may_name_the_elements() -> None:
    rule = HtmlRule(HtmlContract(elements=("b", "section"), max_length=40))
    assert rule.fault("<b>x</b><section>y</section>") is None
    assert rule.fault("<i>x</i>") is not None
    assert rule.fault("<b>" + "x" * 40 + "</b>") is not None
    assert HtmlRule(HtmlContract(elements=())).fault("only text") is None
    assert HtmlRule(HtmlContract(elements=())).fault("<b>x</b>") is not None


@pytest.mark.parametrize("element", ["script", "svg", "iframe", "style", "body"])
def test_an_element_that_runs_is_an_error_of_the_policy(element: str) -> None:
    with pytest.raises(PolicyError, match=element):
        HtmlRule(HtmlContract.model_construct(elements=("b", element), max_length=100))


def test_a_refusal_tells_the_elements_and_nothing_of_the_value() -> None:
    fault = RULE.fault("<b>secret-word")
    assert fault is not None
    assert "blockquote" in fault.accepted
    assert "secret-word" not in fault.accepted


@pytest.mark.parametrize(
    "piece", ["<", "<a", "<b>", '<a href="', "<a a a", "&#1;", "</b>", "<b x='", " ", '<p title=""']
)
def test_long_hostile_text_is_an_answer_and_no_error(piece: str) -> None:
    rule = HtmlRule(HtmlContract(max_length=1_000_000))
    assert (rule.fault(piece * 20_000) is None) == (piece in (" ", "&#1;"))


class _Reader(HTMLParser):
    """What the lenient reader of the standard library finds."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


_PIECES = st.sampled_from([
    "<", ">", "/", "b", "script", "svg", " ", "=", '"', "'", "x", "onerror", "href", "javascript:", "&#106;", "<b>",
    "</b>", "<p title=\"", "<!--", "-->", "<img src=\"x\"", "\n", "\u00a0", "style", "<a href='",
])  # fmt: skip


@settings(max_examples=100)
@given(st.lists(_PIECES, max_size=12))
def test_whatever_is_accepted_holds_nothing_that_runs_for_a_lenient_reader(pieces: list[str]) -> None:
    value = "".join(pieces)
    if RULE.fault(value) is None:
        reader = _Reader()
        reader.feed(value)
        reader.close()
        assert set(reader.tags) <= set(FORMATTING)
        assert not [name for name in reader.attributes if name.startswith("on") or name in ("style", "srcdoc")]
