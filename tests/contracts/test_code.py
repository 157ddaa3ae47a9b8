"""Source code: any text within the length."""

from __future__ import annotations

from smcp_security.contracts.code import CodeRule
from smcp_security.policy.contracts import CodeContract


def test_source_code_is_accepted_up_to_the_length() -> None:
    rule = CodeRule(CodeContract(max_length=40))
    assert rule.fault('os.system("rm -rf build; ls") # \u00e9') is None
    assert rule.fault("") is None
    fault = rule.fault("x" * 41)
    assert fault is not None
    assert fault.code == "SMCP518"


def test_code_expects_other_languages_but_no_hidden_text() -> None:
    assert {"command", "sql", "html"} <= CodeRule.expects
    assert CodeRule.expects.isdisjoint({"unicode", "control", "secret", "bounds", "prompt"})
