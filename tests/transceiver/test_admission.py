"""Which calls are taken, and what those are told that are not."""

from collections import Counter

import pytest

from transceiver.admission import RETRY_AFTER_S, Admission
from transceiver.load_meter import PRIOR_COST, SAMPLE_S, LoadMeter, ThreadTime
from transceiver.signaling.calls import CallRefusedError, RefusalReason


class Worker:
    def __init__(self, max_load: float = 0.5) -> None:
        self.connected = True
        self.refused: Counter[RefusalReason] = Counter()
        self.meter = LoadMeter(0.0, ThreadTime(0.0, 0.0))
        self.admission = Admission(
            self.meter,
            self.refused,
            max_load=max_load,
            max_calls=100,
            engine_connected=lambda: self.connected,
        )

    def refusal(self, open_calls: int = 0) -> RefusalReason | None:
        try:
            self.admission.check(open_calls)
        except CallRefusedError as error:
            return error.reason
        return None


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_calls_are_taken_up_to_their_number(worker: Worker) -> None:
    assert worker.refusal(99) is None
    assert worker.refused == {}
    assert worker.refusal(100) is RefusalReason.AT_CAPACITY
    assert worker.refused == {RefusalReason.AT_CAPACITY: 1}


def test_who_is_refused_is_told_when_to_come_again(worker: Worker) -> None:
    with pytest.raises(CallRefusedError) as refused:
        worker.admission.check(100)
    assert refused.value.retry_after_s == RETRY_AFTER_S


def test_a_busy_worker_refuses(worker: Worker) -> None:
    for sample in range(1, 81):
        now = sample * SAMPLE_S
        worker.meter.sample(now, ThreadTime(0.6 * now, 0.0), 10)
    assert worker.refusal(10) is RefusalReason.OVERLOADED


def test_a_burst_is_taken_as_far_as_its_expected_cost_fits(worker: Worker) -> None:
    taken = 0
    while worker.refusal(taken) is None:
        worker.admission.admitted(now=0.1)
        taken += 1
    assert taken == round(0.5 / PRIOR_COST)
    assert worker.refused == {RefusalReason.OVERLOADED: 1}


def test_the_load_may_be_ignored() -> None:
    worker = Worker(max_load=1.0)
    worker.meter.sample(60.0, ThreadTime(60.0, 0.0), 10)
    assert worker.refusal(10) is None


def test_without_an_engine_nothing_is_taken(worker: Worker) -> None:
    worker.connected = False
    assert worker.refusal() is RefusalReason.ENGINE_UNAVAILABLE


def test_a_worker_that_drains_says_so_first(worker: Worker) -> None:
    worker.connected = False
    worker.admission.draining = True
    assert worker.refusal(100) is RefusalReason.DRAINING
