"""What a simulation takes for granted: nobody should believe its figures without."""

from loadtest.simulation.simulation_result import SimulationResult


def assumptions(result: SimulationResult) -> tuple[str, ...]:
    """A sentence each."""
    sources = ", ".join(result.model_sources)
    return (
        f"What calls cost, a measured deployment said ({sources}); it is the same at any size.",
        "A pod that takes no more calls than that allows has every frame on schedule: packets and "
        "frames are not simulated, and of CPU only means are known.",
        "Of networks only round trips are known: nothing is lost, late or out of order.",
        "How long failures are felt, callers take to come back and pods to start is what the "
        "scenario says.",
    )
