"""What the limits rung remembers changes nothing: whoever asks again is charged as if nobody had asked before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import limits
from smcp_security.checks.rung import Charge, Context, Rung
from smcp_security.decision import Caller
from smcp_security.policy import Policy
from tests.checks.spends import Till, context
from tests.envelopes import call, climb, legacy

LIMITS: list[dict[str, Any]] = [
    {"per": "address", "rate": "900/minute"},
    {"per": "caller", "rate": "800/minute"},
    {"per": "tenant", "rate": "700/minute"},
    {"per": ["caller", "tool"], "rate": "600/minute"},
    {"per": "method", "rate": "500/minute"},
    {"per": "caller", "rate": "400/minute", "tools": ["a", "1*"]},
]
PRICED = {"per": "caller", "rate": "300/minute", "cost": {"argument": "pages", "max": 50}}

# Few and alike, so that one is taken for another wherever that is possible.
_NAMES = st.sampled_from(["", "a", "1", "1:a", "a1", "x" * 600, "\ud800"])
_CALLERS = st.none() | st.builds(Caller, _NAMES, st.booleans(), tenant=_NAMES)
_VALUES = st.sampled_from(["a", "1", "1:a", "x" * 600]).map(call) | st.sampled_from([
    legacy("ping"),
    legacy("tools/list"),
    legacy("prompts/get", {"name": "a"}),
    legacy("resources/read", {"uri": "a:1"}),
])  # fmt: skip
_CONTEXTS = st.builds(
    lambda value, **facts: context(value, **facts),
    _VALUES,
    network=st.sampled_from(["192.0.2.1", "2001:db8::/64", "unix", "a"]),
    label=_NAMES,
    caller=_CALLERS,
)


def _rung(listed: list[dict[str, Any]]) -> Rung:
    return limits.build_limits(Policy.from_dict({"limits": listed}))


def _charged(rung: Rung, asking: Context) -> list[Charge]:
    till = Till()
    climb(rung(asking), till)
    return [charge for question in till.asked for charge in question.charges]


@given(st.lists(_CONTEXTS, max_size=12))
def test_what_is_remembered_is_what_would_be_charged_anew(asking: list[Context]) -> None:
    rung = _rung(LIMITS)
    for each in [*asking, *asking]:
        assert _charged(rung, each) == _charged(_rung(LIMITS), each)


def test_a_caller_is_never_charged_for_the_one_before() -> None:
    rung = _rung(LIMITS)
    keys = [
        {charge.key for charge in _charged(rung, context(call("a"), **facts)) if "caller" in charge.key}
        for facts in (
            {"caller": Caller("ann", True)},
            {"caller": Caller("bob", True)},
            {"caller": Caller("ann")},
            {"label": "ann"},
            {"network": "192.0.2.2", "label": "ann"},
        )
    ]
    # An unverified caller is nobody but its address; all others are counted apart.
    assert all(keys) and len(set().union(*keys)) == sum(map(len, keys))


def test_a_cost_that_depends_on_arguments_is_looked_at_every_time() -> None:
    rung = _rung([*LIMITS, PRICED])
    costs = [_charged(rung, context(call("a", {"pages": pages})))[-1].cost for pages in (1, 7, 1, 50)]
    assert costs == [1, 7, 1, 50]


def test_the_same_message_is_charged_by_the_same_value_again() -> None:
    rung = _rung(LIMITS)
    first, second = (_charged(rung, context(call("a"), label="ann")) for _ in range(2))
    assert [id(charge) for charge in first] == [id(charge) for charge in second]


def test_a_name_that_no_honest_tool_has_is_not_remembered() -> None:
    rung = _rung(LIMITS)
    first, second = (_charged(rung, context(call("x" * 600))) for _ in range(2))
    assert first == second and {id(charge) for charge in first}.isdisjoint(map(id, second))
