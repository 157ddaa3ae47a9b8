"""The key file of an audit that is missing: at the start, under a running guard, and when it is verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.errors import PolicyError
from tests.cli.terminal import smcp
from tests.faults.guard import Seen, decided, guard, whole

pytestmark = pytest.mark.real


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An audit with three decisions in it."""
    file = tmp_path / "audit.jsonl"
    with guard(file) as judging:
        assert judging.passes(3) == 3
    return file


@pytest.fixture
def keys(file: Path) -> Path:
    return file.with_name("audit.jsonl.keys")


def test_a_guard_does_not_start_on_an_audit_whose_keys_are_missing(
    file: Path, keys: Path, record_property: Seen
) -> None:
    before, aside = file.read_bytes(), keys.rename(keys.with_suffix(".aside"))
    with pytest.raises(PolicyError, match=r"audit\.jsonl\.keys") as refused, guard(file):
        pass
    assert "\n" not in str(refused.value)
    assert file.read_bytes() == before and not keys.exists()
    aside.rename(keys)
    with guard(file) as judging:
        assert judging.passes() == 1
    assert decided(file) == 4
    whole(file)
    record_property("seen", "no start, one line that names the file, and no key made anew; it starts once it is back")


def test_keys_that_go_away_under_a_running_guard_deny_until_they_are_back(
    file: Path, keys: Path, record_property: Seen
) -> None:
    with guard(file) as judging:
        assert judging.passes() == 1 and judging.framework.flush()
        aside = keys.rename(keys.with_suffix(".aside"))
        assert judging.status() == "unready"
        judging.passes()
        assert not judging.framework.flush(1.0)
        assert judging.passes(5) == 0
        aside.rename(keys)
        assert judging.framework.flush() and judging.status() == "ready"
        assert judging.passes() == 1
    whole(file)
    record_property("seen", "unready before the first record failed; 5 of 5 calls denied; ready again with the file")


def test_a_verification_without_the_key_proves_nothing_and_says_so(
    file: Path, keys: Path, record_property: Seen
) -> None:
    keys.rename(keys.with_suffix(".aside"))
    refused = smcp("audit", "verify", str(file))
    assert refused.code == 2 and "audit.jsonl.keys" in refused.err and "--no-key" in refused.err
    hashes = smcp("audit", "verify", str(file), "--no-key")
    assert hashes.code == 0, hashes.err
    record_property("seen", "exit code 2 and a line that names the file; --no-key checks the hashes alone, and says so")


def test_a_verification_with_another_key_is_no_proof_of_tampering(
    file: Path, tmp_path: Path, record_property: Seen
) -> None:
    other = tmp_path / "other.jsonl"
    with guard(other) as judging:
        judging.passes()
    refused = smcp("audit", "verify", str(file), "--callers", f"{other}.keys")
    assert refused.code == 2, refused.err
    record_property("seen", "exit code 2: another key, told apart from a record that was changed")
