import pytest

from tests.transceiver.sip.agents import Agent, Network, RawPeer


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def alice(network: Network) -> Agent:
    return network.agent("alice", "192.0.2.1")


@pytest.fixture
def bob(network: Network) -> Agent:
    return network.agent("bob", "192.0.2.2")


@pytest.fixture
def peer(network: Network) -> RawPeer:
    return RawPeer(network)
