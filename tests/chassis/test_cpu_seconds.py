import os
import resource

import pytest

from chassis.cpu_seconds import cpu_seconds


def test_is_what_the_kernel_counts_of_the_process() -> None:
    while cpu_seconds(os.getpid()) < 0.05:
        sum(range(100_000))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    assert cpu_seconds(os.getpid()) == pytest.approx(used, abs=0.2)


def test_a_process_that_is_gone_has_used_nothing() -> None:
    assert cpu_seconds(2**22 + 1) == 0
