import pytest

from transceiver.sip import guess_limiter
from transceiver.sip.guess_limiter import BURST, GUESSES_PER_SECOND, GuessLimiter
from transceiver.sip.source_network import source_network


def used_up(limiter: GuessLimiter, network: bytes) -> None:
    for _ in range(int(BURST)):
        assert limiter.allows(network, 1.0)
        limiter.failed(network, 1.0)


def test_a_network_has_so_many_guesses_and_gets_more_with_time() -> None:
    limiter = GuessLimiter()
    used_up(limiter, b"one")
    assert not limiter.allows(b"one", 1.0)
    assert limiter.allows(b"two", 1.0)
    assert not limiter.allows(b"one", 1.0 + 0.9 / GUESSES_PER_SECOND)
    assert limiter.allows(b"one", 1.0 + 1.1 / GUESSES_PER_SECOND)


def test_so_many_networks_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guess_limiter, "NETWORKS", 2)
    limiter = GuessLimiter()
    for network in (b"one", b"two", b"three"):
        used_up(limiter, network)
    assert [limiter.allows(network, 1.0) for network in (b"one", b"two", b"three")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:0:1ff::1", "2001:db8:0:100::2", True),
        ("2001:db8:0:1ff::1", "2001:db8:0:200::1", False),
    ],
)
def test_neighbours_are_one_network(one: str, other: str, same: bool) -> None:
    assert (source_network(one) == source_network(other)) is same
