"""What the kernel says of this thread."""

import os
import subprocess
import sys
import time

import pytest

from transceiver.thread_clock import ThreadClock


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_running_counts_and_sleeping_does_not() -> None:
    clock = ThreadClock()
    before = clock.read()
    spin(0.1)
    ran = clock.read().ran_s - before.ran_s
    assert ran == pytest.approx(0.1, abs=0.02)
    time.sleep(0.2)
    assert clock.read().ran_s - before.ran_s - ran < 0.1
    clock.close()


def test_waiting_for_a_core_that_is_shared_counts() -> None:
    clock = ThreadClock()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    rival = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    try:
        before = clock.read()
        spin(0.2)
        assert clock.read().waited_s > before.waited_s
    finally:
        rival.kill()
        rival.wait()
        os.sched_setaffinity(0, allowed)
        clock.close()


def test_without_the_kernels_account_only_the_running_time_is_known() -> None:
    clock = ThreadClock()
    clock.close()
    clock.close()
    spin(0.01)
    assert clock.read() == pytest.approx((time.thread_time(), 0.0), abs=0.01)
