"""A model without weights: notes what it is asked and gives numbered tokens."""

import numpy as np

from inference.engines.native.step import STEP_SAMPLES, SlotStep, StepPlan


class ScriptedModel:
    context_steps = 40

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.plans: list[StepPlan] = []
        self.pieces: dict[int, str] = {}
        """By slot: what it says in every step."""

    def run(self, plan: StepPlan) -> dict[int, SlotStep]:
        self.plans.append(plan)
        number = len(self.plans)
        return {
            slot: SlotStep(
                self.pieces.get(slot, ""),
                np.zeros(STEP_SAMPLES, np.float32),
                np.array([number, slot], np.int64),
            )
            for slot in plan.heard
        }
