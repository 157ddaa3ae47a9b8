"""Where master keys come from: what is taken, and that everything else is one line that shows nothing."""

from __future__ import annotations

import base64
import os
import socket
import stat
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import VaultDamaged, VaultError
from smcp_security.vault import passphrase, private_file
from smcp_security.vault.key_text import key_of, new_key
from smcp_security.vault.providers import Derivation, from_callable, from_references

MATERIAL = sha256(b"a provided key of the tests").digest()
OTHER = sha256(b"another provided key of the tests").digest()
TEXT = base64.urlsafe_b64encode(MATERIAL).decode()
WORDS = "glider mocha trunk velvet oxide"
SMALL = Derivation(salt=b"salt of the test", memory=19 * 1024, passes=2, lanes=1)


def _read(reference: str, environ: Mapping[str, str] | None = None, derivation: Derivation | None = None) -> bytes:
    return from_references([reference], environ or {})(derivation).first.material


def _refusal(reference: str, environ: Mapping[str, str] | None = None, derivation: Derivation | None = None) -> str:
    with pytest.raises(VaultError) as caught:
        from_references([reference], environ or {})(derivation)
    return _told(caught)


def _told(caught: pytest.ExceptionInfo[VaultError]) -> str:
    """The one line of an error, which carries no other error along."""
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return str(caught.value)


class TestEnvironment:
    @pytest.mark.parametrize(
        "text",
        [
            TEXT, TEXT.rstrip("="), base64.b64encode(MATERIAL).decode(), base64.b64encode(MATERIAL).decode() + "\n",
            MATERIAL.hex(), MATERIAL.hex().upper(), f" {TEXT}\r\n",
        ],
    )  # fmt: skip
    def test_a_key_is_taken_in_each_of_its_spellings(self, text: str) -> None:
        assert _read("env:K", {"K": text}) == MATERIAL

    @given(st.binary(min_size=32, max_size=32).map(lambda seed: sha256(seed).digest()))
    def test_every_random_key_is_taken_in_each_of_its_spellings(self, key: bytes) -> None:
        spelt = base64.b64encode(key), base64.urlsafe_b64encode(key), key.hex().encode()
        assert [key_of(text.decode(), "env:K") for text in spelt] == [key] * 3

    def test_a_new_key_is_another_one_each_time_and_is_taken(self) -> None:
        made = {new_key() for _ in range(100)}
        assert len(made) == 100
        assert all(len(key_of(text, "env:K")) == 32 for text in made)

    @pytest.mark.parametrize(
        "text",
        [
            TEXT[:-2], TEXT + "=", TEXT[:-1] + "A", TEXT[:20] + " " + TEXT[20:], TEXT[:20] + "\n" + TEXT[20:],
            MATERIAL.hex()[:-1], MATERIAL.hex() + "0", MATERIAL.hex()[:-1] + "g", f"0x{MATERIAL.hex()}", f'"{TEXT}"',
            base64.b64encode(MATERIAL[:16]).decode(), base64.b64encode(MATERIAL + b"1").decode(), f"K={TEXT}",
            base64.b32encode(MATERIAL).decode(), "\u0661" * 64, TEXT[:-2] + "\udcff=", f"\u00a0{TEXT}",
        ],
    )  # fmt: skip
    def test_what_is_not_32_bytes_in_base64_or_hexadecimal_is_refused_and_not_shown(self, text: str) -> None:
        told = _refusal("env:K", {"K": text})
        assert told.startswith("env:K: expected 32 random bytes in base64")
        assert told.endswith("make one with: openssl rand -base64 32")
        assert text[:12] not in told

    def test_a_key_whose_last_character_was_mistyped_is_refused(self) -> None:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.index(TEXT[42])
        assert last % 4 == 0
        for wrong in alphabet[last + 1 : last + 4]:
            assert "expected 32 random bytes" in _refusal("env:K", {"K": TEXT[:42] + wrong})
        assert _read("env:K", {"K": TEXT[:43]}) == MATERIAL

    @pytest.mark.parametrize(
        ("key", "why"),
        [
            (bytes(32), "too uniform"),
            (b"\xff" * 32, "too uniform"),
            (bytes(range(32)), "sequence"),
            (bytes(range(255, 223, -1)), "sequence"),
            (bytes(range(0, 224, 7)), "sequence"),
            (bytes(n * 37 % 256 for n in range(32)), "sequence"),
            (MATERIAL[:16] * 2, "repetition"),
            (MATERIAL[:11] * 2 + MATERIAL[:10], "repetition"),
            (b"this is a text, of thirty two ch", "is text and no random bytes"),
            (MATERIAL.hex()[:32].encode(), "is text and no random bytes"),
            (b"changeme-changeme-secret-secret-", "made of the words"),
            (bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), "everybody knows"),
            (sha256(b"").digest(), "everybody knows"),
            (sha256(b"password").digest(), "everybody knows"),
            (sha256(b"secret\n").digest(), "everybody knows"),
        ],
    )
    def test_a_weak_or_well_known_key_is_refused_whatever_gives_it(self, key: bytes, why: str, tmp_path: Path) -> None:
        path = _file(tmp_path / "key", key.hex())
        with pytest.raises(VaultError) as caught:
            from_callable(lambda: key)(None)
        spelt = base64.b64encode(key).decode()
        for told in (_refusal("env:K", {"K": spelt}), _refusal(f"file:{path}"), _told(caught)):
            assert why in told
            assert "python" not in told
            assert told.endswith("; make one with: openssl rand -base64 32")
            assert spelt not in told
            assert key.hex() not in told

    @pytest.mark.parametrize(("environ", "what"), [({}, "not set"), ({"K": ""}, "empty"), ({"K": " \n"}, "empty")])
    @pytest.mark.parametrize("reference", ["env:K", "passphrase:env:K"])
    def test_a_variable_without_a_key_is_named_with_what_to_do(
        self, reference: str, environ: Mapping[str, str], what: str
    ) -> None:
        told = _refusal(reference, environ, SMALL)
        assert f"{reference}: the environment variable K is {what}; set it to the " in told

    def test_the_environment_is_read_when_the_keys_are_asked_for(self) -> None:
        environ: dict[str, str] = {}
        source = from_references(["env:K"], environ)
        environ["K"] = TEXT
        assert source(None).first.material == MATERIAL
        environ["K"] = OTHER.hex()
        assert source(None).first.material == OTHER


class TestReferences:
    def test_several_references_are_one_ring_in_their_order(self, tmp_path: Path) -> None:
        path = _file(tmp_path / "key", OTHER.hex())
        ring = from_references(["env:K", f"file:{path}", "passphrase:env:P"], {"K": TEXT, "P": WORDS})(SMALL)
        assert [key.label for key in ring.keys] == ["env:K", f"file:{path}", "passphrase:env:P"]
        assert [key.material for key in ring.keys[:2]] == [MATERIAL, OTHER]

    @pytest.mark.parametrize(
        "reference",
        ["", TEXT, MATERIAL.hex(), "env:", "env:A B", "file:", "ENV:K", "passphrase:" + WORDS, "prompt", "kms:x"],
    )
    def test_what_names_no_key_is_refused_and_not_shown(self, reference: str) -> None:
        with pytest.raises(VaultError, match=r"^expected env:NAME or file:PATH of the master key") as caught:
            from_references([reference], {})
        assert len(reference) < 6 or reference not in str(caught.value)

    def test_no_reference_at_all_gives_no_key(self) -> None:
        with pytest.raises(VaultError, match="no master key is given"):
            from_references([], {"SMCP_VAULT_KEY": TEXT})(None)

    def test_the_same_key_by_two_references_is_refused(self) -> None:
        with pytest.raises(VaultError, match="env:B: is the same key as env:A"):
            from_references(["env:A", "env:B"], {"A": TEXT, "B": MATERIAL.hex()})(None)


def _file(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


class TestFile:
    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_a_file_for_its_owner_alone_gives_its_key(self, tmp_path: Path, mode: int, end: str) -> None:
        assert _read(f"file:{_file(tmp_path / 'key', TEXT + end, mode)}") == MATERIAL

    @pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
    def test_one_right_of_others_is_refused_with_the_command_that_takes_it_away(self, tmp_path: Path, bit: int) -> None:
        path = _file(tmp_path / "the key", TEXT, 0o600 | bit)
        told = _refusal(f"file:{path}")
        assert f"mode {0o600 | bit:04o} lets others read the key" in told
        assert f"run: chmod 600 '{path}'" in told
        path.chmod(0o600)
        assert _read(f"file:{path}") == MATERIAL

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        assert _refusal(f"file:{tmp_path}/none") == (
            f"{tmp_path}/none: no such file with the key of the vault; a relative name counts from the current"
            " directory"
        )

    def test_a_name_that_a_terminal_would_obey_is_shown_in_escapes(self, tmp_path: Path) -> None:
        assert _refusal(f"file:{tmp_path}/a\nb\x1b[2J").startswith(f"'{tmp_path}/a\\nb\\x1b[2J': no such file")
        path = _file(tmp_path / "a\nb", TEXT)
        assert _read(f"file:{path}") == MATERIAL

    @pytest.mark.parametrize("text", ["", "\n", "  \r\n"])
    def test_an_empty_file_is_refused(self, tmp_path: Path, text: str) -> None:
        assert "is empty; put the key into it" in _refusal(f"file:{_file(tmp_path / 'key', text)}")

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (MATERIAL, "not text; put the key into it in base64"),
            (TEXT.encode() + b"#" * 4096, "larger than 4096 bytes"),
            (TEXT.encode() * 2, "expected 32 random bytes"),
            (f"key: {TEXT}\n".encode(), "expected 32 random bytes"),
            (f"# a key\n{TEXT}\n".encode(), "expected 32 random bytes"),
            (b"\xef\xbb\xbf" + TEXT.encode(), "expected 32 random bytes"),
        ],
    )
    def test_a_file_with_something_else_in_it_is_refused_and_not_shown(
        self, tmp_path: Path, content: bytes, what: str
    ) -> None:
        told = _refusal(f"file:{_file(tmp_path / 'key', content)}")
        assert what in told
        assert TEXT[:12] not in told

    def test_a_pipe_a_folder_and_a_device_are_refused_without_waiting_for_them(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)
        (tmp_path / "folder").mkdir(mode=0o700)
        for path in (tmp_path / "pipe", tmp_path / "folder", Path("/dev/zero"), Path("/dev/null")):
            assert _refusal(f"file:{path}") == f"{path}: not a regular file; name the file that holds the key"

    def test_a_socket_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s")
            assert "s: cannot be read (" in _refusal("file:s")

    def test_a_link_to_a_key_of_ones_own_is_followed_as_orchestrators_make_them(self, tmp_path: Path) -> None:
        (tmp_path / "..2026").mkdir()
        _file(tmp_path / "..2026" / "key", TEXT, 0o400)
        (tmp_path / "..data").symlink_to("..2026")
        (tmp_path / "key").symlink_to("..data/key")
        assert _read(f"file:{tmp_path}/key") == MATERIAL

    def test_a_link_is_judged_by_what_it_leads_to(self, tmp_path: Path) -> None:
        target = _file(tmp_path / "target", TEXT, 0o644)
        (tmp_path / "key").symlink_to(target)
        (tmp_path / "loop").symlink_to("loop")
        assert "mode 0644 lets others read the key" in _refusal(f"file:{tmp_path}/key")
        assert "cannot be read" in _refusal(f"file:{tmp_path}/loop")

    @pytest.mark.parametrize(("owner", "taken"), [(0, True), (1000, True), (1001, False)])
    def test_a_file_of_another_user_than_this_one_and_root_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, taken: bool
    ) -> None:
        path = _file(tmp_path / "key", TEXT)
        monkeypatch.setattr(private_file.os, "geteuid", lambda: 1000)
        real = os.fstat

        def owned(file: int) -> os.stat_result:
            status = list(real(file))
            status[stat.ST_UID] = owner
            return os.stat_result(status)

        monkeypatch.setattr(private_file.os, "fstat", owned)
        if taken:
            assert _read(f"file:{path}") == MATERIAL
        else:
            assert "belongs to user 1001, who could exchange the key" in _refusal(f"file:{path}")

    def test_a_file_that_this_process_may_not_read_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Root may read everything, so the refusal of the system is played.
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        path = _file(tmp_path / "key", TEXT)
        assert _read(f"file:{path}") == MATERIAL
        monkeypatch.setattr(private_file.os, "open", refuse)
        assert f"{path}: this process may not read it" in _refusal(f"file:{path}")


class TestPassphrase:
    def test_the_same_passphrase_gives_the_same_key_and_each_salt_another_one(self, tmp_path: Path) -> None:
        path = _file(tmp_path / "words", WORDS + "\n")
        one = _read("passphrase:env:P", {"P": WORDS}, SMALL)
        assert _read(f"passphrase:file:{path}", {}, SMALL) == one
        other = Derivation(b"another salt....", SMALL.memory, SMALL.passes, SMALL.lanes)
        assert _read("passphrase:env:P", {"P": WORDS}, other) != one
        assert len(one) == 32

    def test_two_spellings_of_one_letter_are_the_same_passphrase(self) -> None:
        composed, taken_apart = ("gl\u00efder mocha trunk velvet", "gli\u0308der mocha trunk velvet")
        keys = {_read("passphrase:env:P", {"P": text}, SMALL) for text in (composed, taken_apart)}
        assert len(keys) == 1

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("fifteen letters", "found 15"),
            ("x" * 1025, "found 1025"),
            ("correct horse battery staple", "everybody knows"),
            ("CorrectHorseBatteryStaple1!", "everybody knows"),
            ("The quick brown fox jumps over the lazy dog", "everybody knows"),
            ("the secret passphrase 12345", "made of the words"),
            ("change-me-please-change-me", "made of the words"),
            ("aaaaaaaaaaaaaaaaaaaa", "too uniform"),
            ("abcdefghijklmnopqrstuvwxyz", "sequence"),
            ("zebra violin zebra violin zebra violin", "repetition"),
            (f"{WORDS}\nmore", "one line"),
            (f"{WORDS}\x07", "one line"),
            (f"{WORDS}\udcff", "UTF-8"),
            (f" {WORDS}", "begins or ends with a blank"),
            (f"{WORDS} \n", "begins or ends with a blank"),
        ],
    )
    def test_a_passphrase_that_is_tried_first_is_refused_and_not_shown(self, text: str, why: str) -> None:
        told = _refusal("passphrase:env:P", {"P": text}, SMALL)
        assert why in told
        assert told.startswith("passphrase:env:P: ")
        assert "python" not in told
        assert told.endswith("; take five or more random words, or what this prints: openssl rand -base64 24")
        assert text[:10] not in told

    @pytest.mark.parametrize(
        "text",
        [
            "xK9-vb_Qw3.pL7zR",
            "aR7keyVb2Qw9Lp4z",
            WORDS,
            "\u043a\u043b\u044e\u0447 \u0438 \u0437\u0430\u043c\u043e\u043a \u0434\u0432\u0435\u0440\u0438",
        ],
    )
    def test_random_text_and_random_words_are_passphrases(self, text: str) -> None:
        passphrase.check_passphrase(text, "P")

    def test_a_vault_that_knows_no_passphrase_says_so(self) -> None:
        told = _refusal("passphrase:env:P", {"P": WORDS}, None)
        assert "this vault was made without a passphrase" in told
        assert _read("env:K", {"K": TEXT}, SMALL) == MATERIAL

    @pytest.mark.parametrize(
        "changes",
        [
            {"salt": b"short"}, {"salt": bytes(65)}, {"salt": b""}, {"memory": 8}, {"memory": 19 * 1024 - 1},
            {"memory": 2**21}, {"memory": 2**32}, {"memory": -1}, {"passes": 1}, {"passes": 0}, {"passes": 33},
            {"lanes": 0}, {"lanes": 17}, {"memory": 2**20, "passes": 3},
        ],
    )  # fmt: skip
    def test_a_header_can_neither_weaken_the_derivation_nor_stall_a_start(
        self, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def derive(**_: object) -> None:
            raise AssertionError("asked all the same")

        monkeypatch.setattr(passphrase, "Argon2id", derive)
        values = {"salt": SMALL.salt, "memory": SMALL.memory, "passes": SMALL.passes, "lanes": SMALL.lanes, **changes}
        with pytest.raises(VaultDamaged) as caught:
            _read("passphrase:env:P", {"P": WORDS}, Derivation(**values))
        told = _told(caught)
        assert told.startswith("Argon2id: ")
        assert "the header of the vault is not as it was written" in told

    def test_what_a_new_vault_uses_is_within_the_bounds(self) -> None:
        passphrase.check_derivation(Derivation(salt=bytes(16)))
        passphrase.check_derivation(SMALL)

    @pytest.mark.parametrize(
        ("error", "what"),
        [(MemoryError(), "needs 19 MiB of memory"), (passphrase.UnsupportedAlgorithm(""), "has no Argon2id")],
    )
    def test_a_machine_that_cannot_derive_it_says_why(
        self, error: Exception, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: object) -> None:
            raise error

        monkeypatch.setattr(passphrase, "Argon2id", fail)
        assert what in _refusal("passphrase:env:P", {"P": WORDS}, SMALL)


async def _later() -> bytes:
    return MATERIAL


def _raising(error: BaseException) -> Callable[[], bytes]:
    def provide() -> bytes:
        raise error

    return provide


class TestCallable:
    def test_a_callable_gives_one_key_or_several(self) -> None:
        ring = from_callable(lambda: MATERIAL)(None)
        assert [(key.material, key.label) for key in ring.keys] == [(MATERIAL, "vault_key")]
        for several in ([MATERIAL, OTHER], (MATERIAL, OTHER)):
            given = from_callable(lambda several=several: several)(SMALL).keys
            assert [(key.material, key.label) for key in given] == [
                (MATERIAL, "vault_key[0]"),
                (OTHER, "vault_key[1]"),
            ]

    def test_a_callable_is_asked_each_time_the_keys_are(self) -> None:
        keys = iter([MATERIAL, OTHER])
        source = from_callable(lambda: next(keys))
        assert [source(None).first.material for _ in range(2)] == [MATERIAL, OTHER]

    @pytest.mark.parametrize(
        ("given", "what"),
        [
            (None, "not NoneType"),
            (TEXT, "not str"),
            (bytearray(MATERIAL), "not bytearray"),
            ({MATERIAL}, "not set"),
            ((), "expected 1 to 64 keys"),
            ([MATERIAL] * 65, "expected 1 to 64 keys"),
            (b"", "expected a key of 32 bytes, found 0"),
            (TEXT.encode(), "expected a key of 32 bytes, found 44"),
            ([MATERIAL, TEXT], r"vault_key[1]: expected a key of 32 bytes, found str"),
            ([MATERIAL, MATERIAL], "vault_key[1]: is the same key as vault_key[0]"),
            ([MATERIAL, bytes(32)], "vault_key[1]: too uniform"),
        ],
    )
    def test_what_is_no_key_is_refused_and_not_shown(self, given: Any, what: str) -> None:
        with pytest.raises(VaultError) as caught:
            from_callable(lambda: given)(None)
        told = _told(caught)
        assert told.startswith("vault_key")
        assert what in told
        assert TEXT[:12] not in told

    def test_a_coroutine_is_refused_and_leaves_no_warning(self) -> None:
        with pytest.raises(VaultError, match="not coroutine"):
            from_callable(_later)(None)  # type: ignore[arg-type]

    @pytest.mark.parametrize("error", [ValueError(TEXT), KeyError(TEXT), VaultError(TEXT), StopIteration(TEXT)])
    def test_an_error_of_the_callable_is_named_and_its_text_is_kept_back(self, error: Exception) -> None:
        with pytest.raises(VaultError) as caught:
            from_callable(_raising(error))(None)
        told = _told(caught)
        assert f"it raised {type(error).__name__}" in told
        assert TEXT not in told
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_what_ends_the_process_is_not_held_up(self, error: type[BaseException]) -> None:
        with pytest.raises(error):
            from_callable(_raising(error()))(None)
