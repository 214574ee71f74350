from tests.e2e.regions.delay_line import DelayLine


def test_packets_arrive_in_order_and_as_much_later() -> None:
    line = DelayLine(0.04)
    assert line.wait_s(1.0) is None
    line.enter(b"one", 1.0)
    line.enter(b"two", 1.01)
    assert line.leave(1.039) is None
    assert line.wait_s(1.03) == 1.04 - 1.03
    assert line.leave(1.04) == b"one"
    assert line.leave(1.04) is None
    assert (line.leave(1.06), line.wait_s(1.06)) == (b"two", None)
