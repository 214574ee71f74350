from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.sip import nonces as nonces_module
from transceiver.sip.nonces import LIFETIME_S, Nonces

HERE, ELSEWHERE = b"\xc6\x33\x64", b"\xc0\x00\x02"


@pytest.fixture
def nonces() -> Nonces:
    return Nonces(bytes(32), Random(1).randbytes)


@given(st.floats(0, 1e9), st.floats(0, 1e4))
def test_a_nonce_is_fresh_for_so_long_and_no_longer(issued: float, age: float) -> None:
    nonces = Nonces(bytes(32), Random(1).randbytes)
    nonce = nonces.issue(HERE, issued)
    if abs(age - LIFETIME_S) > 0.001:
        assert nonces.is_fresh(nonce, HERE, issued + age + 0.001) is (age < LIFETIME_S)


def test_it_is_of_no_use_from_another_network_nor_at_another_worker(nonces: Nonces) -> None:
    nonce = nonces.issue(HERE, 1.0)
    assert nonces.is_fresh(nonce, HERE, 2.0)
    assert not nonces.is_fresh(nonce, ELSEWHERE, 2.0)
    assert not Nonces(bytes([1]) * 32, Random(1).randbytes).is_fresh(nonce, HERE, 2.0)


@given(st.text(max_size=60) | st.from_regex(r"[\w-]{43}", fullmatch=True))
def test_what_was_not_issued_is_not_fresh(text: str) -> None:
    assert not Nonces(bytes(32), Random(1).randbytes).is_fresh(text, HERE, 1.0)


@given(st.integers(0, 42), st.characters(codec="ascii"))
def test_nor_is_what_was_changed_anywhere(place: int, char: str) -> None:
    nonces = Nonces(bytes(32), Random(1).randbytes)
    nonce = nonces.issue(HERE, 1.0)
    changed = nonce[:place] + char + nonce[place + 1 :]
    assert nonces.is_fresh(changed, HERE, 1.0) is (changed == nonce)


@given(st.lists(st.integers(0, 20), max_size=30))
def test_a_count_is_used_once_and_none_below_it_afterwards(counts: list[int]) -> None:
    nonces = Nonces(bytes(32), Random(1).randbytes)
    nonce, highest = nonces.issue(HERE, 1.0), 0
    for count in counts:
        assert nonces.spend(nonce, count) is (count > highest)
        highest = max(highest, count)


def test_a_count_that_was_forgotten_is_not_used_again(
    nonces: Nonces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonces_module, "MAX_ANSWERED", 3)
    issued = [nonces.issue(HERE, float(i)) for i in range(6)]
    for nonce in issued[1:]:
        assert nonces.is_fresh(nonce, HERE, 6.0)
        assert nonces.spend(nonce, 1)
    fresh = [nonces.is_fresh(nonce, HERE, 6.0) for nonce in issued]
    assert fresh == [False, False, False, True, True, True]
    assert nonces.is_fresh(nonces.issue(HERE, 6.0), HERE, 6.0)
