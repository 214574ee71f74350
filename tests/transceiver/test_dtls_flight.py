import math

from transceiver.dtls_flight import RESENT_AFTER_S, DtlsFlight

FIRST, SECOND = RESENT_AFTER_S


def test_a_flight_is_due_again_at_each_pause_and_no_more() -> None:
    flight = DtlsFlight()
    flight.sent([b"hello"], 10.0)
    leaves = [step for step in range(200) if flight.due(10 + step / 100) == [b"hello"]]
    assert leaves == [round(100 * FIRST), round(100 * SECOND)]
    assert flight.due_at == math.inf


def test_only_the_latest_is() -> None:
    flight = DtlsFlight()
    flight.sent([b"hello"], 10.0)
    flight.sent([b"key", b"finished"], 10.1)
    assert flight.due(10.0 + FIRST) == ()
    assert flight.due(10.2 + FIRST) == [b"key", b"finished"]


def test_pauses_that_were_slept_through_count_once() -> None:
    flight = DtlsFlight()
    flight.sent([b"hello"], 10.0)
    assert flight.due(20.0) == [b"hello"]
    assert flight.due(30.0) == ()


def test_nothing_is_due_when_the_handshake_is_over() -> None:
    flight = DtlsFlight()
    assert flight.due(1e9) == ()
    flight.sent([b"hello"], 10.0)
    flight.done()
    assert flight.due(1e9) == ()
    assert flight.due_at == math.inf
