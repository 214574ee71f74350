from transceiver.sip.guess_limiter import BURST, GUESSES_PER_SECOND, GuessLimiter


def test_a_network_has_so_many_guesses_and_gets_more_with_time() -> None:
    limiter = GuessLimiter()
    for _ in range(int(BURST)):
        assert limiter.allows(b"one", 1.0)
        limiter.failed(b"one", 1.0)
    assert not limiter.allows(b"one", 1.0 + 0.9 / GUESSES_PER_SECOND)
    assert limiter.allows(b"one", 1.0 + 1.1 / GUESSES_PER_SECOND)
