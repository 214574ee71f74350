"""Tables of simulations are those of what was simulated."""

import msgspec

from bench.simulations import HEAD, table
from tests.loadtest.simulation.small_world import scenario, simulated


def test_a_row_has_what_all_regions_took_together() -> None:
    result = simulated(scenario(seconds=500.0))
    head, row = table([msgspec.structs.replace(result, wall_seconds=3.0)])
    cells = dict(zip(head, row, strict=True))
    assert head == HEAD
    assert (cells["simulation"], cells["calls at once"]) == ("`one region`", "45")
    assert cells["transceiver pods"] == "5 × 1"
    assert cells["over its levels"] == "500 s of 500 s"
    assert cells["simulated in"] == "3 s"
