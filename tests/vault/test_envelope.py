"""One sealed value: what opens it, and that nothing else does."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from functools import reduce
from hashlib import sha256
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import InvalidToken
from smcp_security.vault import envelope
from smcp_security.vault.envelope import OVERHEAD, bound, derived, seal, unseal
from tests.vault import plain

KEY = sha256(b"a key of the tests").digest()
OTHER = sha256(b"another key of the tests").digest()
BOUND = bound("smcp.vault/1", "value", "a1", "github", 1, "")
VALUE = b"what nobody but the tool may see"

Parts = list[str | int | bytes]
parts = st.lists(st.text(max_size=4) | st.integers(-300, 300) | st.binary(max_size=4), max_size=4)


def _refused(key: bytes, token: bytes, place: bytes = BOUND) -> bool:
    with pytest.raises(InvalidToken):
        unseal(key, token, place)
    return True


@given(plaintext=st.binary(max_size=300), place=parts)
def test_what_was_sealed_opens_again_at_its_place(plaintext: bytes, place: Parts) -> None:
    token = seal(KEY, plaintext, bound(*place))
    assert unseal(KEY, token, bound(*place)) == plaintext
    assert len(token) == len(plaintext) + OVERHEAD


def test_a_value_of_the_largest_size_opens_again() -> None:
    value = os.urandom(64 * 1024)
    assert unseal(KEY, seal(KEY, value, BOUND), BOUND) == value


def test_the_same_value_gives_another_token_each_time() -> None:
    tokens = {seal(KEY, VALUE, BOUND) for _ in range(50)}
    assert len(tokens) == 50
    assert len({token[:32] for token in tokens}) == 50
    assert all(VALUE not in token and KEY not in token for token in tokens)


def test_every_single_bit_of_a_token_counts() -> None:
    token = seal(KEY, b"key", BOUND)
    for bit in range(8 * len(token)):
        changed = bytearray(token)
        changed[bit // 8] ^= 1 << bit % 8
        assert _refused(KEY, bytes(changed))
    assert unseal(KEY, token, BOUND) == b"key"


def test_every_single_bit_of_the_key_counts() -> None:
    token = seal(KEY, VALUE, BOUND)
    for bit in range(256):
        changed = bytearray(KEY)
        changed[bit // 8] ^= 1 << bit % 8
        assert _refused(bytes(changed), token)


def test_a_token_that_was_cut_or_grew_does_not_open() -> None:
    token = seal(KEY, VALUE, BOUND)
    assert all(_refused(KEY, token[:length]) for length in range(len(token)))
    assert all(_refused(KEY, token[start:]) for start in range(1, len(token)))
    assert _refused(KEY, token + b"\x00")
    assert _refused(KEY, b"\x00" + token)
    assert unseal(KEY, token, BOUND) == VALUE


def test_parts_of_two_tokens_do_not_make_a_third_one() -> None:
    one, two = seal(KEY, VALUE, BOUND), seal(KEY, VALUE, BOUND)
    edges = [0, 32, 64, 76, len(one) - 16, len(one)]
    for start, end in pairwise(edges):
        assert _refused(KEY, one[:start] + two[start:end] + one[end:])
    assert unseal(KEY, one, BOUND) == unseal(KEY, two, BOUND) == VALUE


@given(mine=parts, others=parts)
def test_a_token_opens_nowhere_else(mine: Parts, others: Parts) -> None:
    token = seal(KEY, VALUE, bound(*mine))
    if _spelt(mine) == _spelt(others):
        assert unseal(KEY, token, bound(*others)) == VALUE
    else:
        assert _refused(KEY, token, bound(*others))


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_a_key_of_another_length_neither_seals_nor_opens(length: int) -> None:
    with pytest.raises(ValueError, match=f"expected a key of 32 bytes, not {length}"):
        seal(bytes(length), VALUE, BOUND)
    assert _refused(bytes(length), seal(KEY, VALUE, BOUND))
    assert _refused(bytes(length), plain.sealed(bytes(length), VALUE, BOUND, bytes(32), bytes(12)))


def _spelt(place: Parts) -> list[tuple[type, str | int | bytes]]:
    return [(type(part), part) for part in place]


@given(one=parts, other=parts)
def test_no_two_lists_of_parts_are_bound_alike(one: Parts, other: Parts) -> None:
    assert (bound(*one) == bound(*other)) is (_spelt(one) == _spelt(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["a", ""], ["a"]),
        (["1"], [1]),
        (["a"], [b"a"]),
        ([b"1"], [1]),
        ([1, 2], [12]),
        (["as\x00\x00\x00\x01b"], ["a", "b"]),
        (["\u00e9"], ["e\u0301"]),
    ],
)
def test_parts_that_look_alike_are_told_apart(one: Parts, other: Parts) -> None:
    assert bound(*one) != bound(*other)
    assert bound(*one) == bound(*list(one))


def test_a_truth_value_is_not_bound_as_the_number_that_it_equals() -> None:
    with pytest.raises(TypeError, match="not bool"):
        bound(True)
    assert bound(1) == b"i\x00\x00\x00\x011"


class _Counted:
    """AES-GCM that counts how often it is asked."""

    asked = 0

    def __init__(self, key: bytes) -> None:
        self._real = _REAL(key)

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        return self._real.encrypt(nonce, data, aad)

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        type(self).asked += 1
        return self._real.decrypt(nonce, data, aad)


_REAL = envelope.AESGCM


@pytest.fixture
def cipher(monkeypatch: pytest.MonkeyPatch) -> type[_Counted]:
    class Fresh(_Counted):
        pass

    monkeypatch.setattr(envelope, "AESGCM", Fresh)
    return Fresh


def test_a_key_that_is_not_committed_to_never_reaches_the_cipher(cipher: type[_Counted]) -> None:
    # What a sealer that knows two keys would have to make: its ciphertext may open under both, its commitment cannot.
    token = envelope._sealed(KEY, VALUE, BOUND, bytes(32), bytes(12))
    forged = token[:32] + envelope._keys(OTHER, bytes(32), BOUND)[1] + token[64:]
    for key, sent, place in [(OTHER, token, BOUND), (KEY, forged, BOUND), (KEY, token, bound("elsewhere"))]:
        assert _refused(key, sent, place)
    assert cipher.asked == 0
    assert unseal(OTHER, envelope._sealed(OTHER, VALUE, BOUND, bytes(32), bytes(12)), BOUND) == VALUE
    assert cipher.asked == 1


def test_a_ciphertext_that_opens_under_two_keys_of_plain_gcm_opens_under_one_here() -> None:
    keys = [envelope._keys(key, bytes(32), BOUND) for key in (KEY, OTHER)]
    both = _opens_under_both(keys[0][0], keys[1][0], bytes(12), BOUND)
    assert all(_REAL(sealing).decrypt(bytes(12), both, BOUND) is not None for sealing, _ in keys)
    tokens = [bytes(32) + commitment + bytes(12) + both for _, commitment in keys]
    assert [_opens(key, token) for token in tokens for key in (KEY, OTHER)] == [True, False, False, True]


def _opens_under_both(one: bytes, two: bytes, nonce: bytes, aad: bytes) -> bytes:
    """A block of ciphertext and a tag that AES-GCM takes under both keys: their tags are equal for one block alone."""
    tags = [int.from_bytes(plain.tag_of(key, nonce, bytes(16), aad), "big") for key in (one, two)]
    factors = [plain.times(plain.hash_key(key), plain.hash_key(key)) for key in (one, two)]
    block = plain.times(tags[0] ^ tags[1], _inverse(factors[0] ^ factors[1])).to_bytes(16, "big")
    return block + plain.tag_of(one, nonce, block, aad)


def _inverse(x: int) -> int:
    """`x` to the power of 2^128 - 2."""
    squares = accumulate(range(127), lambda square, _: plain.times(square, square), initial=x)
    return reduce(plain.times, list(squares)[1:])


def _opens(key: bytes, token: bytes) -> bool:
    try:
        return unseal(key, token, BOUND) is not None
    except InvalidToken:
        return False


def test_a_wrong_tag_is_found_by_the_cipher_alone(cipher: type[_Counted]) -> None:
    token = envelope._sealed(KEY, VALUE, BOUND, bytes(32), bytes(12))
    assert _refused(KEY, token[:-1] + bytes([token[-1] ^ 1]))
    assert cipher.asked == 1


def _wrong() -> list[Callable[[], bytes]]:
    token = seal(KEY, VALUE, BOUND)
    return [
        lambda: unseal(OTHER, token, BOUND),
        lambda: unseal(KEY, token, b"elsewhere"),
        lambda: unseal(KEY, token[:-1] + b"\x00\x00", BOUND),
        lambda: unseal(KEY, token[:64] + bytes(12) + token[76:], BOUND),
        lambda: unseal(KEY, b"", BOUND),
        lambda: unseal(b"short", token, BOUND),
    ]


def test_every_failure_is_the_same_bare_error() -> None:
    seen = set()
    for attempt in _wrong():
        with pytest.raises(InvalidToken) as caught:
            attempt()
        error = caught.value
        assert error.__cause__ is None
        assert error.__context__ is None
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        seen.add((type(error), error.args, str(error), repr(error), line))
    assert len(seen) == 1
    assert seen.pop()[1] == ()


def test_derived_keys_tell_purposes_keys_and_lengths_apart() -> None:
    made = [derived(KEY, bound("mac")), derived(KEY, bound("mark")), derived(OTHER, bound("mac")), derived(KEY, b"")]
    assert len(set(made)) == 4
    assert derived(KEY, bound("mac")) == made[0]
    assert len(derived(KEY, bound("mac"), 8)) == 8
    assert KEY not in made
