"""A sample of what `make fuzz` does at length."""

import pytest

pytest.importorskip("numba")

from antiphon_proto.address import Address
from relay.flow_table import FlowTable
from tests.fuzz.relay_differential import DifferenceError, run, too_rare

PACKETS = 20_000


def test_the_compiled_code_decides_as_the_reference_does() -> None:
    assert too_rare(run(PACKETS, seed=0), PACKETS) == {}


def test_a_difference_is_found_and_its_step_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(flows: FlowTable, client: Address, size: int) -> None:
        """A reference that credits a provisional address with nothing."""

    monkeypatch.setattr(FlowTable, "received", forgetful)
    with pytest.raises(DifferenceError, match=r"--seed \d+: step \d+: "):
        run(PACKETS, seed=0)
