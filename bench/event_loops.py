"""`python -m bench.event_loops`: events a second of the simulation's core, and of simpy.

In both, calls come at random and last at random; the core places each on pods of three tiers
besides. simpy is no dependency: `pip install simpy==4.1.1` in an environment of its own, and name
its site-packages by PYTHONPATH. Docs: docs/decisions/0061.
"""

import random
import time
from importlib.util import find_spec
from typing import Any

from loadtest.capacity.cost_model import read
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.simulation.reading import parse_simulation
from loadtest.simulation.simulation import Simulation
from loadtest.simulation.sizing import size

CALL_SECONDS = 180.0
CALLS = (10_000, 100_000)
SCENARIO = """
name = "event loops"
seconds = {seconds}
sample_seconds = {seconds}
calls = {{ sessions = {calls}, seconds = {call_seconds} }}
regions = [{{ name = "one" }}]
"""


def core_calls_a_second(calls: int) -> float:
    """Of CPU time; two events are one call."""
    seconds = 1_000_000 / (2 * calls / CALL_SECONDS)
    text = SCENARIO.format(seconds=seconds, calls=calls, call_seconds=CALL_SECONDS)
    scenario, model = parse_simulation(text), read(SHIPPED)
    simulation = Simulation(scenario, size(scenario, model))
    began = time.process_time()
    simulation.run()
    return simulation.result(model).events / 2 / (time.process_time() - began)


def simpy_calls_a_second(calls: int) -> float:
    """The same, where a call only lasts, as a process of its own."""
    import simpy

    environment, chance = simpy.Environment(), random.Random(1)

    def call() -> Any:
        yield environment.timeout(chance.expovariate(1 / CALL_SECONDS))

    def arrivals() -> Any:
        while True:
            yield environment.timeout(chance.expovariate(calls / CALL_SECONDS))
            environment.process(call())
            came.append(None)

    came: list[None] = []
    for _ in range(calls):
        environment.process(call())
    environment.process(arrivals())
    environment.run(until=1e-9)
    began = time.process_time()
    environment.run(until=100_000 / (calls / CALL_SECONDS))
    return len(came) / (time.process_time() - began)


if __name__ == "__main__":
    core_calls_a_second(100)  # Compiles it.
    for calls in CALLS:
        print(
            f"{calls:>9,} calls at once: core {core_calls_a_second(calls):>12,.0f} calls/s", end=""
        )
        if find_spec("simpy"):
            print(f", simpy {simpy_calls_a_second(calls):>9,.0f} calls/s", end="")
        print()
