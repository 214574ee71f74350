"""Tables of simulations, and the model of what calls cost, are those of what was measured."""

import msgspec
import pytest

from bench.capacity import MissingFigureError
from bench.cost_model import BENCHMARKS, MODEL, SILENT_USERS, cost_model
from bench.fitted_costs import MADE_BY
from bench.simulations import HEAD, table
from loadtest.capacity.cost_model import read, write
from tests.loadtest.simulation.small_world import scenario, simulated


def test_the_model_that_is_shipped_is_of_the_benchmarks_or_of_runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Of the benchmarks by `python -m bench.cost_model`, which `bench.fitted_costs` replaces."""
    made = tmp_path_factory.mktemp("model") / "model.json"
    write(cost_model(BENCHMARKS.read_text(), SILENT_USERS.read_text()), made)
    shipped = read(MODEL)
    assert shipped == read(made) or shipped.made_by == MADE_BY


def test_a_page_without_a_figure_is_said_to_lack_it() -> None:
    with pytest.raises(MissingFigureError, match="a quiet room, worker"):
        cost_model(BENCHMARKS.read_text(), "")


def test_a_row_has_what_all_regions_took_together() -> None:
    result = simulated(scenario(seconds=500.0))
    head, row = table([msgspec.structs.replace(result, wall_seconds=3.0)])
    cells = dict(zip(head, row, strict=True))
    assert head == HEAD
    assert (cells["simulation"], cells["calls at once"]) == ("`one region`", "45")
    assert cells["transceiver pods"] == "5 × 1"
    assert cells["over its levels"] == "500 s of 500 s"
    assert cells["simulated in"] == "3 s"
