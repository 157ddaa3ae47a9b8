"""`smcp test`: cases against a policy, what they hold in place, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from smcp_security.cli.test import coverage
from smcp_security.cli.test.cases import CallerCase, Case, Cases
from tests.cli.terminal import Run, smcp

EXAMPLES = Path(__file__).parents[2] / "examples" / "policies"
NAMES = sorted(file.name.removesuffix(".cases.yaml") for file in EXAMPLES.glob("*.cases.yaml"))

POLICY = """\
version: 1
identity:
  api_keys: {file: keys.yaml}
roles:
  reader: {allow: [{tools: [find, get]}]}
limits:
  - {per: caller, rate: 3/minute}
tools:
  find:
    arguments: {shelf: {kind: identifier}}
store: {url: "redis://127.0.0.1:1/0"}
vault: {file: missing.smcp, key: "env:MISSING"}
audit: {file: audit.jsonl}
"""
CASES = """\
version: 1
cases:
  - name: a reader finds
    caller: {id: "key:ann", roles: [reader]}
    call: find
    arguments: {shelf: b7}
    expect: allow
  - name: a shelf is a name
    caller: {id: "key:ann", roles: [reader]}
    call: find
    arguments: {shelf: "b7; rm -rf"}
    expect: deny
    where: /params/arguments/shelf
    code: SMCP516
  - name: a guest finds nothing
    caller: {id: "key:bo"}
    call: find
    expect: deny
    code: SMCP301
"""


def _files(folder: Path, cases: str = CASES, policy: str = POLICY) -> tuple[str, str]:
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    (folder / "cases.yaml").write_text(cases, encoding="utf-8")
    return str(folder / "policy.yaml"), str(folder / "cases.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_each_example_policy_passes_its_own_cases(name: str) -> None:
    result = smcp("test", str(EXAMPLES / f"{name}.yaml"), str(EXAMPLES / f"{name}.cases.yaml"), "--no-coverage")
    assert (result.code, result.err) == (0, ""), result.out


def test_every_example_policy_has_cases() -> None:
    policies = {file.name.removesuffix(".yaml") for file in EXAMPLES.glob("*.yaml")} - {
        f"{each}.cases" for each in NAMES
    }
    assert policies == set(NAMES) and len(NAMES) >= 5


def test_cases_come_out_as_expected_with_no_store_vault_or_issuer_there(tmp_path: Path) -> None:
    result = smcp("test", *_files(tmp_path))
    assert result.code == 0, result.out
    assert result.out.splitlines()[-1].startswith("3 of 3 cases as expected; 2 of 3 rules of ")
    assert "  limits[0]" in result.out.splitlines()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cases.yaml", "policy.yaml"]


def test_a_case_that_comes_out_otherwise_is_told_with_its_line(tmp_path: Path) -> None:
    policy, cases = _files(tmp_path, CASES.replace("expect: allow", "expect: deny"))
    result = smcp("test", policy, cases)
    assert result.code == 1
    assert f"{cases}:3: a reader finds: expected deny, got allow" in result.out


def test_a_wrong_code_and_a_wrong_place_are_failures(tmp_path: Path) -> None:
    for change in (("SMCP516", "SMCP513"), ("/params/arguments/shelf", "/params/name")):
        assert smcp("test", *_files(tmp_path, CASES.replace(*change)), "--no-coverage").code == 1


def test_a_limit_is_met_only_within_one_case(tmp_path: Path) -> None:
    case = '  - {{name: "{0}", caller: {{id: "key:ann", roles: [reader]}}, call: get, times: {1}, expect: {2}}}\n'
    cases = "version: 1\ncases:\n" + "".join(
        case.format(f"number {number}", times, expect)
        for number, (times, expect) in enumerate([(3, "allow"), (3, "allow"), (4, "deny")])
    )
    result = smcp("test", *_files(tmp_path, cases))
    assert result.code == 0, result.out
    assert "  limits[0]" not in result.out.splitlines()


def test_what_the_shell_sets_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_MODE", "monitor")
    monkeypatch.setenv("SMCP_MODE__CONTRACTS", "monitor")
    monkeypatch.setenv("SMCP_API_KEY", "short")
    assert smcp("test", *_files(tmp_path)).code == 0


def test_answers_are_judged_where_a_case_has_one(tmp_path: Path) -> None:
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"
    cases = f"""\
version: 1
cases:
  - {{name: a token goes, caller: {{roles: [reader]}}, call: get, result: "{token}", expect: change, code: SMCP705}}
  - {{name: a text stays, caller: {{roles: [reader]}}, call: get, result: "all is well", expect: allow}}
"""
    result = smcp("test", *_files(tmp_path, cases), "--no-coverage")
    assert result.code == 0, result.out


def test_schemas_of_a_list_beside_the_cases_hold(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}'
    (tmp_path / "tools.json").write_text(f'{{"tools": [{{"name": "get", "inputSchema": {schema}}}]}}', encoding="utf-8")
    cases = """\
version: 1
tools: tools.json
cases:
  - {name: by its number, caller: {roles: [reader]}, call: get, arguments: {id: 7}, expect: allow}
  - {name: not by its name, caller: {roles: [reader]}, call: get, arguments: {id: x}, expect: deny, code: SMCP501}
"""
    result = smcp("test", *_files(tmp_path, cases), "--no-coverage")
    assert result.code == 0, result.out


def _case(tmp_path: Path, case: str, policy: str = "version: 1\n", *options: str) -> Run:
    return smcp("test", *_files(tmp_path, f"version: 1\ncases:\n  - {case}\n", policy), *options)


@pytest.mark.parametrize("asked", ["call: get", "prompt: hello", 'resource: "docs://x"'])
@pytest.mark.parametrize("era", ["2025-06-18", "2026-07-28"])
def test_a_text_is_an_answer_in_the_shape_of_its_request(asked: str, era: str, tmp_path: Path) -> None:
    policy = f'version: 1\nserver: {{min_protocol: "{era}"}}\n'
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"
    masked = _case(tmp_path, f'{{name: a, {asked}, result: "{token}", expect: change, code: SMCP705}}', policy)
    passed = _case(tmp_path, f"{{name: a, {asked}, result: all is well, expect: allow}}", policy)
    assert (masked.code, passed.code) == (0, 0), masked.out + passed.out


def test_calls_that_run_at_once_meet_the_cap_and_calls_in_turn_do_not(tmp_path: Path) -> None:
    policy = "version: 1\nconcurrency: [{per: address, max: 2}]\n"
    refused = _case(tmp_path, "{name: a, call: get, at_once: 3, expect: deny, code: SMCP404}", policy)
    assert refused.code == 0 and "1 of 1 rules of" in refused.out, refused.out
    assert _case(tmp_path, "{name: a, call: get, at_once: 2, expect: allow}", policy).code == 0
    assert _case(tmp_path, "{name: a, call: get, times: 3, expect: allow}", policy).code == 0


def test_answers_of_earlier_calls_weigh_on_a_budget(tmp_path: Path) -> None:
    policy = "version: 1\nbudgets: [{per: address, tokens: 1000/day}]\n"
    case = "{{name: a, call: get, times: 9, result: {}, expect: {}}}"
    assert _case(tmp_path, case.format("a" * 800, "deny"), policy).code == 0
    assert _case(tmp_path, case.format("a", "allow"), policy).code == 0


def test_a_role_that_the_policy_does_not_have_is_warned_about(tmp_path: Path) -> None:
    run = smcp("test", *_files(tmp_path, CASES.replace('"key:bo"}', '"key:bo", roles: [raeder]}')), "--no-coverage")
    assert run.code == 0 and run.err.endswith("cases.yaml:15: the policy has no role 'raeder'\n")
    assert smcp("test", *_files(tmp_path), "--no-coverage").err == ""


def test_names_with_control_characters_reach_no_terminal_and_no_parser(tmp_path: Path) -> None:
    case = '{name: "a\\x1b[31m\\0b", call: get, expect: deny}'
    run = _case(tmp_path, case)
    assert run.code == 1 and run.out.replace("\n", "").isprintable()
    suite = ElementTree.fromstring(_case(tmp_path, case, "version: 1\n", "--format", "junit").out)
    assert suite[0][0].get("name") == r"'a\x1b[31m\x00b'"


def test_rules_that_concern_different_cases_count_each_for_itself(tmp_path: Path) -> None:
    policy = """\
version: 1
limits:
  - {per: address, rate: 3/minute, tools: [one]}
  - {per: address, rate: 3/minute, tools: [two]}
tools:
  one: {arguments: {id: {kind: identifier}}}
  two: {arguments: {id: {kind: identifier}}}
  "t*": {arguments: {other: {kind: uuid}}}
"""
    cases = """\
version: 1
cases:
  - {name: a, call: one, times: 4, expect: deny}
  - {name: b, call: two, arguments: {id: "x; y"}, expect: deny}
  - {name: c, method: tools/list, expect: allow}
"""
    run = smcp("test", *_files(tmp_path, cases, policy))
    assert run.out.splitlines()[1:-1] == ["  limits[1]", "  tools.one.arguments.id", '  tools."t*".arguments.other']
    assert run.code == 0 and "2 of 5 rules of" in run.out


def test_what_costs_too_much_is_left_untried_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "MOST_WORK", 0)
    files = _files(tmp_path)
    run = smcp("test", *files)
    assert run.code == 0 and "0 of 3 rules of" in run.out and "3 not tried: too much to play" in run.out
    assert {rule["covered"] for rule in smcp("test", *files, "--format", "json").json["rules"]} == {None}
    assert smcp("test", *files, "--fail-under", "1").code == 1


ORIGINS = """\
version: 1
server: {origins: ["https://app.example.com"], hosts: ["mcp.example.com:*"]%s}
"""


@pytest.mark.parametrize("era", ["", ', min_protocol: "2026-07-28"'])
def test_a_header_that_a_case_gives_is_judged_beside_those_that_every_client_sends(era: str, tmp_path: Path) -> None:
    cases = """\
version: 1
cases:
  - {name: ours, call: "caf\u00e9", headers: {Origin: "https://app.example.com"}, expect: allow}
  - {name: theirs, call: find, headers: {Origin: "https://evil.example"}, expect: deny, code: SMCP102}
  - {name: rebound, resource: "docs://a", headers: {HOST: evil.example}, expect: deny, code: SMCP101}
  - {name: a form, method: tools/list, headers: {Content-Type: text/plain}, expect: deny, code: SMCP106}
"""
    run = smcp("test", *_files(tmp_path, cases, ORIGINS % era))
    assert run.code == 0, run.out


def test_a_code_that_was_only_reported_is_not_what_refused(tmp_path: Path) -> None:
    policy = "version: 1\ninjection: {action: {sql: annotate}}\nlimits: [{per: address, rate: 1/minute}]\n"
    text = "x' UNION SELECT password FROM users --"
    asked = f'call: find, times: 2, arguments: {{q: "{text}"}}, expect: deny'
    cases = f"version: 1\ncases:\n  - {{name: a, {asked}, code: SMCP630}}\n  - {{name: b, {asked}, code: SMCP402}}\n"
    run = smcp("test", *_files(tmp_path, cases, policy))
    assert "a: expected SMCP630 to be what refuses it, got deny (SMCP402 rate-limit; SMCP630" in run.out
    assert "1 of 2 cases as expected" in run.out


def test_a_rule_is_not_covered_by_a_case_that_passes_without_it(tmp_path: Path) -> None:
    policy = """\
version: 1
identity: {api_keys: {file: keys.yaml}}
roles: {reader: {allow: [{tools: [find, drop]}], deny: [{tools: [drop]}]}}
unlisted_tools: deny
tools: {find: {}, drop: {arguments: {id: {kind: uuid}}}}
"""
    caller = 'caller: {id: "key:a", roles: [reader]}'
    cases = f"version: 1\ncases:\n  - {{name: a, {caller}, call: find, expect: allow}}\n"
    cases += f"  - {{name: b, {caller}, call: drop, arguments: {{id: x}}, expect: deny}}\n"
    run = smcp("test", *_files(tmp_path, cases, policy))
    assert {"  roles.reader.deny[0]", "  tools.drop.arguments.id"} <= set(run.out.splitlines())


def test_programs_read_json_and_ci_servers_junit(tmp_path: Path) -> None:
    policy, cases = _files(tmp_path, CASES.replace("expect: allow", "expect: deny"))
    facts = smcp("test", policy, cases, "--format", "json").json
    assert [(each["line"], each["passed"], each["outcome"]) for each in facts["cases"]] == [
        (3, False, "allow"), (8, True, "deny"), (15, True, "deny"),
    ]  # fmt: skip
    assert {"path": "limits[0]", "covered": False} in facts["rules"]
    suite = ElementTree.fromstring(smcp("test", policy, cases, "--format", "junit").out).find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("3", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None and failure.get("message") == "expected deny, got allow"


def test_too_few_covered_rules_fail_where_that_is_asked(tmp_path: Path) -> None:
    files = _files(tmp_path)
    assert smcp("test", *files, "--fail-under", "60").code == 0
    assert smcp("test", *files, "--fail-under", "80").code == 1
    assert smcp("test", *files, "--fail-under", "80", "--no-coverage").code == 2


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ("version: 1\n", "cases.yaml:1:1: cases: missing, and it has no default"),
        ("version: 1\ncases: []\n", "cases.yaml:2:8: cases: expected at least 1 entry"),
        ("version: 1\ncases: [{name: a, expect: allow}]\n", "expected exactly one of call, prompt, resource"),
        ("version: 1\ncases: [{name: a, call: b, prompt: c, expect: allow}]\n", "expected exactly one of call"),
        ("version: 1\ncases: [{name: a, call: b, expect: maybe}]\n", "expected allow, deny, report"),
        ("version: 1\ncases: [{name: a, call: b, expect: change}]\n", "expected result in the case"),
        ("version: 1\ncases: [{name: a, call: b, expected: deny}]\n", "unknown key; did you mean expect?"),
        ("version: 1\ncases: [{name: a, method: b, arguments: {}, expect: deny}]\n", "expected call or prompt"),
        ("version: 1\ncases: [{name: a, call: b, times: 0, expect: deny}]\n", "expected at least 1"),
        ("version: 1\ncases:\n" + "  - {name: a, call: b, expect: deny}\n" * 2, "two cases are called 'a'"),
        ("version: 1\ntools: none.json\ncases: [{name: a, call: b, expect: deny}]\n", "No such file"),
        ("cases: [\n", "cases.yaml:"),
        ("version: 1\ncases: [{name: a, call: b, expect: deny, where: /x}]\n", "expected code in the case"),
        ("version: 1\ncases: [{name: a, call: b, expect: deny, address: home}]\n", "expected an IP address"),
        ("version: 1\ncases: [{name: a, call: b, expect: deny, code: 402}]\n", "cases[0].code"),
        ("version: 1\ncases: [{name: a, message: {method: b}, result: c, expect: deny}]\n", "that is answered"),
        ("version: 1\ncases: [{name: a, method: notifications/b, result: c, expect: deny}]\n", "that is answered"),
        ("version: 1\ncases: [&a {name: a, call: b, expect: deny}]\n", "not allowed in a file of cases"),
        ("version: 1\n#" + "x" * 1_100_000, "larger than 1 MiB; make several files of it"),
        ("version: 1\ncases:\n" + "".join(
            f"  - {{name: {number}a, call: b, times: 10000, expect: deny}}\n" for number in range(21)
        ), "expected at most 200000 messages of all cases, these send 210000"),
    ],
)  # fmt: skip
def test_a_file_of_cases_that_is_wrong_gets_one_clear_error(cases: str, told: str, tmp_path: Path) -> None:
    result = smcp("test", *_files(tmp_path, cases))
    assert (result.code, result.out) == (2, "")
    assert told in result.err and "Traceback" not in result.err
    assert len(result.err.strip().splitlines()) <= 2


def test_a_policy_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    _, cases = _files(tmp_path)
    result = smcp("test", str(tmp_path / "none.yaml"), cases)
    assert result.code == 2 and "none.yaml: no such file" in result.err


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_names_every_key_and_its_example_plays(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    for key in (*Case.model_fields, *Cases.model_fields, *CallerCase.model_fields):
        assert f"`{key}`" in page or f"`{key}: " in page, key
    example = page.partition("```yaml\n")[2].partition("```")[0]
    run = smcp("test", *_files(tmp_path, example), "--no-coverage")
    assert (run.code, run.out) == (0, "2 of 2 cases as expected\n")
