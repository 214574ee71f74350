import pytest

from transceiver.close_reason import CloseReason
from transceiver.signaling.calls import CallNotFoundError
from transceiver.sip_calls.failed_calls import KEPT_S, MAX_KEPT, FailedCalls


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_calls_are_kept_for_a_while_and_only_so_many() -> None:
    clock = Clock()
    failed = FailedCalls(clock)
    for number in range(MAX_KEPT + 1):
        failed.keep(f"rtc_{number}", CloseReason.REFUSED, (b"{}",))
        clock.now += KEPT_S / (2 * MAX_KEPT)
    assert len(failed) == MAX_KEPT
    assert "rtc_0" not in failed
    assert "rtc_1" in failed
    clock.now = 50.0 + KEPT_S
    assert "rtc_1" in failed
    clock.now += KEPT_S / (2 * MAX_KEPT)
    assert "rtc_1" not in failed
    assert "rtc_2" in failed
    clock.now += KEPT_S
    assert len(failed) == 0
    with pytest.raises(CallNotFoundError):
        failed.sideband("rtc_2")


def test_a_sideband_that_is_never_started_may_be_closed() -> None:
    failed = FailedCalls(Clock())
    failed.keep("rtc_1", CloseReason.UNANSWERED, (b"{}",))
    sideband = failed.sideband("rtc_1")
    sideband.receive(b"{}")
    sideband.close(CloseReason.CANCELLED)
    assert sideband.closed is CloseReason.CANCELLED
