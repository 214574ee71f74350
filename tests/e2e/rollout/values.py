"""Values of the chart that are rehearsed."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.rollout.cluster import PUBLIC, PUBLIC_PORT

Values = Mapping[str, Mapping[str, Any]]

DEPLOYMENTS: Values = {
    "relay": {"advertise": f"{PUBLIC}:{PUBLIC_PORT}"},
    # Two cores are all that there is for the callers, the tiers, and what is being started.
    "transceiver": {"settings": {"max-load": 1}},
    "inference": {"engine": "echo", "maxSessions": 200},
    "log": {"format": "text"},
}

HAND_OVER: Values = {
    "relay": {"kind": "DaemonSet"},
    "transceiver": {"replicas": 1},
    "inference": {"replicas": 1},
    "networkPolicy": {"nodes": ["10.0.0.0/24"]},
}
"""Relays on their hosts' networks."""

QUICK: Values = {
    "relay": {"preStopSeconds": 3, "minReadySeconds": 1, "drainSeconds": 20},
    "transceiver": {"preStopSeconds": 2, "minReadySeconds": 1},
    "inference": {"preStopSeconds": 1, "minReadySeconds": 1},
}
"""Short waiting times, for load balancers that notice soon."""


def merged(*layers: Values) -> dict[str, Any]:
    """Later ones over earlier ones, a section of the values at a time."""
    values: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, settings in layer.items():
            values[section] = {**values.get(section, {}), **settings}
    return values
