"""A flood of hostile datagrams while 100 calls speak."""

import pytest

from tests.e2e.relay_flood import flood_calls
from tests.relay.conftest import Cluster

pytestmark = pytest.mark.alone

CALLS = 100
LOST_AT_MOST = 0.001
GROWTH_AT_MOST = 32 << 20
"""Bytes. What the relay remembers of a flood is bounded; buffers that were never full before
may be now."""


@pytest.mark.parametrize(
    ("fast_path", "datagrams", "rate"),
    [("on", 1_000_000, 100_000.0), ("off", 50_000, 10_000.0)],
    ids=["fast", "plain"],
)
def test_calls_go_on_in_a_flood(fast_path: str, datagrams: int, rate: float) -> None:
    flood = flood_calls(Cluster(), CALLS, datagrams, rate, f"--fast-path={fast_path}")
    print(flood)
    assert flood.result.sent == datagrams
    assert flood.result.answered_bytes == 0
    assert flood.account.lost_share < LOST_AT_MOST, str(flood)
    assert flood.growth_bytes < GROWTH_AT_MOST
    assert flood.account.duplicates == flood.moved == flood.crashes == 0
