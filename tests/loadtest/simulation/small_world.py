"""Simulations of one region, whose transceivers alone are scarce."""

import msgspec

from loadtest.capacity.cost_model import CostModel, Source, TierCost
from loadtest.simulation.reading import parse_simulation
from loadtest.simulation.scenario import SimulationScenario
from loadtest.simulation.simulation import Simulation
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.simulation.sizing import size

MODEL = CostModel(
    machine={"cpu": "made"},
    made_by="a test",
    sources=(Source(name="made"),),
    tiers={
        "relay": TierCost(cpu_seconds={"packet": 4e-6}),
        "transceiver": TierCost(
            cpu_seconds={"webrtc.set_up": 0.002, "webrtc.speaking": 0.02, "webrtc.silent": 0.01}
        ),
        "inference": TierCost(cpu_seconds={"webrtc.speaking": 0.003, "turn": 0.02}),
    },
    packets_a_second={"webrtc.speaking": 100.0, "webrtc.silent": 100.0},
)

ONE_REGION = """
name = "one region"
seconds = 20_000
sample_seconds = 500
[calls]
sessions = 45
seconds = 10
[[regions]]
name = "here"
[tiers.relay]
sessions_a_pod = 1_000_000
[tiers.transceiver]
sessions_a_pod = 10
pods = 5
[tiers.inference]
sessions_a_pod = 1_000_000
"""


def scenario(text: str = ONE_REGION, **changes: object) -> SimulationScenario:
    return msgspec.structs.replace(parse_simulation(text), **changes)


def simulated(scenario: SimulationScenario) -> SimulationResult:
    simulation = Simulation(scenario, size(scenario, MODEL))
    simulation.run()
    return simulation.result(MODEL)
