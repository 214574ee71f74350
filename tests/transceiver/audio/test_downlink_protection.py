import itertools
import random

import pytest

from transceiver.audio.downlink_protection import (
    HALF_LIFE_S,
    NO_PROTECTION,
    PROTECT_DOWN_TO,
    PROTECT_FROM,
    TRUSTED_S,
    DownlinkProtection,
    Protection,
)
from transceiver.rtp.reports import ReceptionReport

INTERVAL_S = 2.5
PACKETS = 125
"""Of a talking agent in that time."""


class Receiver:
    """Reports to a protection as time passes."""

    def __init__(self, *, red: bool = True, fec: bool = True) -> None:
        self.protection = DownlinkProtection(red=red, fec=fec)
        self.now = 100.0

    def report(self, loss: float, packets: int = PACKETS) -> Protection:
        self.now += INTERVAL_S
        report = ReceptionReport(loss, 0, packets, 0.0, None)
        self.protection.receive(report, self.now)
        return self.protection.at(self.now)

    def settle(self, loss: float) -> Protection:
        """What so much loss for a minute leads to."""
        return [self.report(loss) for _ in range(24)][-1]


def test_a_clean_path_is_not_protected() -> None:
    receiver = Receiver()
    assert receiver.protection.at(0.0) is NO_PROTECTION
    assert receiver.settle(0.0) is NO_PROTECTION


@pytest.mark.parametrize(
    ("loss", "redundancy"), [(0.004, 0), (0.012, 1), (0.04, 1), (0.06, 2), (0.5, 2)]
)
def test_the_loss_decides_how_often_frames_are_repeated(loss: float, redundancy: int) -> None:
    assert Receiver().settle(loss) == Protection(redundancy=redundancy)


def test_trouble_is_answered_at_its_first_report_and_trusted_to_be_over_only_later() -> None:
    receiver = Receiver()
    assert receiver.report(0.05).redundancy == 1
    receiver.settle(0.05)
    protected_for = 0
    while receiver.report(0.0).redundancy:
        protected_for += 1
    assert 4 <= protected_for <= 24


def test_without_red_in_band_fec_is_for_the_loss_there_is() -> None:
    protection = Receiver(red=False).settle(0.08)
    assert protection.redundancy == 0
    assert protection.expected_loss == pytest.approx(0.08, rel=0.05)


def test_a_receiver_that_takes_neither_gets_neither() -> None:
    assert Receiver(red=False, fec=False).settle(0.2) is NO_PROTECTION


@pytest.mark.parametrize("level", range(len(PROTECT_FROM)))
def test_a_loss_between_the_limits_changes_nothing(level: int) -> None:
    between = (PROTECT_FROM[level] + PROTECT_DOWN_TO[level]) / 2
    assert Receiver().settle(between).redundancy == level
    receiver = Receiver()
    receiver.settle(0.5)
    receiver.settle(between)
    assert receiver.settle(between).redundancy == level + 1


def test_scattered_loss_at_a_limit_does_not_flap() -> None:
    """Each report is a sample of 125 packets: at 1 % most of them are far from 1 %."""
    draw = random.Random(1)
    receiver = Receiver()
    levels = [
        receiver.report(sum(draw.random() < 0.01 for _ in range(PACKETS)) / PACKETS).redundancy
        for _ in range(400)
    ]
    changes = sum(now != before for before, now in itertools.pairwise(levels))
    assert set(levels) <= {0, 1}
    assert changes < 20


def test_a_few_packets_say_little() -> None:
    receiver = Receiver()
    assert receiver.report(0.2, packets=5).redundancy == 0
    receiver.settle(0.1)
    assert receiver.report(0.0, packets=5).redundancy == 2


def test_reports_of_a_silent_agent_say_nothing() -> None:
    receiver = Receiver()
    level = receiver.report(0.05).redundancy
    for _ in range(4):
        assert receiver.report(0.0, packets=0).redundancy == level


def test_what_was_reported_long_ago_fades() -> None:
    receiver = Receiver()
    receiver.settle(0.08)
    last = receiver.now
    assert receiver.protection.at(last + TRUSTED_S).redundancy == 2
    assert receiver.protection.at(last + TRUSTED_S + 2 * HALF_LIFE_S).redundancy == 1
    assert receiver.protection.at(last + TRUSTED_S + 5 * HALF_LIFE_S) is NO_PROTECTION
