"""Admission by how long steps take."""

from inference.engines.native.step_budget import (
    BUDGET_S,
    WINDOW_STEPS,
    StepBudget,
    slots_within_budget,
)


def test_slots_are_halved_until_a_step_fits() -> None:
    measured: list[int] = []

    def step_seconds(slots: int) -> float:
        measured.append(slots)
        return 0.01 * slots

    assert slots_within_budget(20, step_seconds) == 5
    assert measured == [20, 10, 5]


def test_a_device_that_is_too_slow_for_one() -> None:
    assert slots_within_budget(8, lambda slots: 1.0) == 0


def test_a_pause_of_the_machine_is_no_overload() -> None:
    budget = StepBudget()
    for index in range(WINDOW_STEPS):
        budget.record(2 * BUDGET_S if index % 16 == 0 else BUDGET_S / 2)
    assert not budget.exceeded


def test_slow_steps_are_one_until_they_are_over() -> None:
    budget = StepBudget()
    for _ in range(WINDOW_STEPS // 8):
        budget.record(2 * BUDGET_S)
    assert budget.exceeded
    for _ in range(WINDOW_STEPS):
        budget.record(BUDGET_S / 2)
    assert not budget.exceeded
