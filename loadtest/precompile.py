"""Compiles all that is compiled, or loads what was: half a minute, which a first run spares."""

from msgspec.structs import replace

from loadtest.callers.relay import call_loop
from loadtest.capacity.cost_model import read
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.reflector import reflection
from loadtest.simulation.reading import read_simulation
from loadtest.simulation.scenario import Failure, FailureKind
from loadtest.simulation.simulation import Simulation
from loadtest.simulation.sizing import size

_NONE = -1


def precompile() -> None:
    """Of callers, reflectors and simulations."""
    call_loop.load_compiled(_NONE)
    reflection.load_compiled(_NONE)
    _simulate_a_little()


def _simulate_a_little() -> None:
    """With pods that come and die, as what is compiled is what is used."""
    crowd = read_simulation("crowd")
    dies = Failure(
        at_seconds=1.0,
        kind=FailureKind.PODS,
        region=crowd.regions[0].name,
        tier="transceiver",
        share=1.0,
        seconds=1.0,
    )
    few = replace(crowd.calls, sessions=10)
    scenario = replace(crowd, seconds=120.0, calls=few, failures=(dies,))
    Simulation(scenario, size(scenario, read(SHIPPED))).run()
