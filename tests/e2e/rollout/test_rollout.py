"""The chart's pods replaced under live calls: real processes in namespaces with addresses of
their own, behind a load balancer, as `cluster` draws it."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.deploy.k8s.helm import render, why_not
from tests.e2e.namespaces import why_no_namespaces
from tests.e2e.rollout.cluster import Delays
from tests.e2e.rollout.rehearsal import (
    Rehearsal,
    rehearsal,
    rehearse,
    rehearse_hand_over,
)
from tests.e2e.rollout.values import DEPLOYMENTS, HAND_OVER, QUICK, merged

PROMPT = Delays(endpoints_s=0.3, health_check_s=0.5, dns_cache_s=2.0)
CALLS = 50
HANDED_OVER_CALLS = 20
FRAME_S = 0.02
RELAY_GAP_S, REPLICA_GAP_S = 0.1, 1.0
DEAD_S = 2.0
"""A call that was dropped is silent for longer; AFTER_S passes before it is asked."""

_MISSING = why_no_namespaces("nft", "conntrack") or why_not()
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(_MISSING is not None, reason=f"no rollout was rehearsed: {_MISSING}"),
]
# What loads nothing starts sooner than the whole inference tier, and serves and drains as it does.
ECHO = {"inference": "tests.e2e.echo_inference"}


@pytest.fixture
def deployments() -> Iterator[Rehearsal]:
    objects = asyncio.run(render(merged(DEPLOYMENTS, QUICK)))
    with rehearsal(objects, PROMPT, modules=ECHO) as running:
        yield running


@pytest.fixture
def hosts() -> Iterator[Rehearsal]:
    objects = asyncio.run(render(merged(DEPLOYMENTS, QUICK, HAND_OVER)))
    with rehearsal(objects, PROMPT, nodes=1, modules=ECHO) as running:
        yield running


def test_updates_of_every_tier_drop_no_call(deployments: Rehearsal) -> None:
    undisturbed, relays, transceivers, replicas = steps = rehearse(deployments, CALLS)
    for step in steps:
        print(step)
        assert len(step.reports) == CALLS
        assert max(each.silent_s for each in step.reports) < DEAD_S

    # By what was lost, as the time between arrivals is the machine's, too: the benchmark has it.
    assert transceivers.lost == 0
    assert relays.longest_loss * FRAME_S <= RELAY_GAP_S
    assert replicas.longest_gap_s <= REPLICA_GAP_S + undisturbed.longest_gap_s


def test_a_relay_that_hands_over_loses_nothing(hosts: Rehearsal) -> None:
    step = rehearse_hand_over(hosts, HANDED_OVER_CALLS)
    print(step)
    assert len(step.reports) == HANDED_OVER_CALLS
    assert step.lost == 0
