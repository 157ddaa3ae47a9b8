"""The faults: what is promised of each, and the tests that show what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """One fault. `tests` are files with the names of tests in them, as pytest takes them; the first says what was seen,
    and `seen` says it for one that does not."""

    fault: str
    promised: str
    tests: tuple[str, ...]
    seen: str = ""


def _test(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{file}.py::test_{name}" for name in names)


AUDIT: Final = (
    Row(
        "Disk full, `on_failure: deny`",
        "Nothing passes that is not recorded; what was taken is kept; it serves again by itself.",
        _test("faults/test_disks", "a_full_disk_denies_until_there_is_room_where_the_policy_says_so")
        + _test("real/audit/test_files", "a_full_disk_follows_the_policy_and_leaves_a_whole_chain"),
    ),
    Row(
        "Disk full, `on_failure: continue`",
        "Everything is served; records beyond the queue are lost, and their number stands in the audit.",
        _test("faults/test_disks", "a_full_disk_costs_records_and_no_call_where_the_policy_serves_on")
        + _test("real/audit/test_files", "a_full_disk_follows_the_policy_and_leaves_a_whole_chain"),
    ),
    Row(
        "The file rotated away",
        "The next record begins a new file that cites the last line of the old one.",
        _test("faults/test_disks", "a_file_that_is_rotated_away_is_followed_by_a_new_one_in_one_chain")
        + _test("real/audit/test_files", "a_file_renamed_from_outside_under_load_is_followed_in_one_chain"),
    ),
    Row(
        "`kill -9` a hundred times under load, `fsync: always`",
        "What was acknowledged is there, once; the chain verifies.",
        _test("real/audit/test_kills", "a_hundred_kills_lose_nothing_that_was_acknowledged"),
        "100 kills with one file, and 100 with segments: no acknowledged record lost or there twice, no fault found",
    ),
    Row(
        "A torn tail",
        "The fragment stays, is told of in the chain, and nothing before it is lost.",
        _test(
            "faults/test_disks",
            "a_last_line_that_is_torn_at_any_byte_is_recorded_and_nothing_before_it_is_lost",
        )
        + _test("audit/writing/test_journal", "a_file_cut_anywhere_goes_on_and_says_so"),
    ),
    Row(
        "Two processes on one file",
        "Every line whole, one chain over both, also where each rotates.",
        _test("real/audit/test_files", "two_processes_that_rotate_often_keep_one_chain")
        + _test("audit/writing/test_forks", "four_processes_append_without_tearing_a_line"),
        "every record of each there once; no fault found over all segments",
    ),
    Row(
        "The clock stepped back and forward",
        "Order and proof do not hang on the clock; rates are not given anew.",
        _test("faults/test_clocks", "a_clock_that_steps_back_and_forward_moves_times_and_nothing_else")
        + _test("faults/test_clocks", "a_clock_that_steps_forward_gives_nobody_a_new_allowance")
        + _test("audit/writing/test_rotation", "a_clock_that_jumps_ahead_removes_nothing"),
    ),
    Row(
        "A collector that hangs (`audit.ship`)",
        "No call waits for it; the lines wait in the file.",
        _test("faults/test_sinks", "a_collector_that_hangs_holds_up_no_call_and_no_end")
        + _test("audit/ship/test_sink", "a_destination_that_hangs_holds_up_no_record"),
    ),
    Row(
        "A disk that hangs",
        "No caller waits for it but with `fsync: always`; the queue is bounded.",
        _test("audit/writing/test_file_sink", "a_writer_that_hangs_never_holds_up_the_caller")
        + _test("audit/writing/test_file_sink", "closing_a_stuck_sink_gives_up_and_says_what_is_lost"),
        "records are taken while a write hangs; closing gives up after its time and says how many are lost",
    ),
    Row(
        "The keys of the audit missing at the start",
        "No start on an audit that has records: a new key would make the old ones unreadable.",
        _test("faults/test_keys", "a_guard_does_not_start_on_an_audit_whose_keys_are_missing"),
    ),
    Row(
        "The keys of the audit missing under a running guard",
        "No record without its key; `on_failure` decides what passes.",
        _test("faults/test_keys", "keys_that_go_away_under_a_running_guard_deny_until_they_are_back")
        + _test("audit/callers/test_people_faults", "a_file_that_is_gone_is_not_made_again_from_memory"),
    ),
    Row(
        "The key missing at `verify`",
        "No proof is claimed that was not made.",
        _test("faults/test_keys", "a_verification_without_the_key_proves_nothing_and_says_so"),
    ),
    Row(
        "Another key at `verify`",
        "It is not mistaken for tampering.",
        _test("faults/test_keys", "a_verification_with_another_key_is_no_proof_of_tampering"),
    ),
    Row(
        "Any byte changed, any record dropped, swapped or repeated",
        "It is noticed, and the first bad record is named.",
        _test(
            "audit/proving/test_tampering",
            "every_byte_that_is_changed_is_noticed_and_its_line_is_named",
            "every_record_that_is_dropped_is_noticed_where_it_is_gone",
            "every_two_records_that_are_swapped_are_noticed_at_the_first",
            "every_record_that_is_there_twice_is_noticed",
        ),
        "all of them, one by one, in a sample with each kind of record, with HMAC and with Ed25519",
    ),
    Row(
        "The end cut off",
        "It is noticed against a checkpoint kept elsewhere, and by no key on the same machine.",
        _test(
            "audit/proving/test_tampering",
            "every_end_that_is_cut_off_is_noticed_against_a_checkpoint_kept_elsewhere",
            "a_cut_end_alone_leaves_no_trace_and_the_report_proves_no_end",
        ),
        "every cut noticed with the checkpoint; none without, and the report says that it proves no end",
    ),
)

AROUND: Final = (
    Row(
        "The store frozen",
        "Who needs it is refused after `store.timeout_ms`, nobody else waits; the process lives and says so.",
        _test("real/health/test_frozen_stores", "a_server_whose_store_is_frozen_lives_and_is_unready_until_it_thaws")
        + _test("real/identity/test_slow_store", "a_limit_that_cannot_be_counted_yet_stalls_its_caller_alone")
        + _test("real/identity/test_workers", "a_store_that_freezes_under_load_stalls_nobody_for_good"),
        "uvicorn, gunicorn with Flask, both kinds of Django: live throughout, unready, and ready again once it thaws",
    ),
    Row(
        "The store killed",
        "Each process counts its share; it is found again without a restart.",
        _test("real/health/test_sources", "a_store_that_is_gone_degrades_a_server_that_only_counts_with_it")
        + _test("real/identity/test_workers", "a_store_that_was_killed_is_found_again_without_a_restart"),
        "degraded and serving; ready again with the store",
    ),
    Row(
        "The file of API keys removed, or writable by others",
        "Nobody gets in by it until it is put right.",
        _test(
            "real/health/test_sources",
            "a_key_file_that_is_removed_makes_a_server_unready_until_it_is_put_back",
            "a_key_file_that_others_may_write_makes_a_server_unready_until_they_may_not",
        ),
        "unready and refusing within a second of the look; ready again with the file",
    ),
    Row(
        "An issuer down",
        "Its keys count as long as `max_stale` says; without any, its tokens are refused.",
        _test(
            "real/health/test_sources",
            "an_issuer_that_goes_down_leaves_a_server_ready_that_has_its_keys",
            "an_issuer_that_never_answered_makes_a_server_unready_that_knows_no_other",
        ),
        "tokens pass with the keys that were fetched; unready where none were",
    ),
    Row(
        "The vault torn, changed or rolled back",
        "No secret is given out of it until it is mended; no damage is written over.",
        _test("real/vault/test_served_vault", "a_file_that_is_spoilt_stops_secrets_and_a_mended_one_gives_them_again")
        + _test(
            "vault/test_faults",
            "a_file_cut_off_at_any_byte_is_noticed",
            "a_byte_changed_anywhere_is_noticed",
            "an_older_copy_is_noticed_by_its_mark",
        )
        + _test("vault/test_faults_of_writers", "a_writer_killed_a_hundred_times_loses_nothing_that_it_acknowledged"),
        "every cut and every changed byte noticed; 100 killed writers lose nothing they acknowledged",
    ),
)

PARTS: Final = {"The audit": AUDIT, "What a guard relies on": AROUND}
