"""Three hops and no more: clients to relays, relays to transceivers, transceivers to inference."""

from itertools import product

import pytest

from tests.deploy.k8s.helm import NAMESPACE, RELEASE
from tests.deploy.k8s.network_policies import Party, admitted
from tests.deploy.k8s.release import TIERS, Release
from tests.deploy.k8s.rendered import Releases
from tests.deploy.k8s.test_containers import listens

MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
STRANGER = Party("stranger", NAMESPACE, {"app": "else"}, namespace_labels={"team": "x"})
PROMETHEUS = Party("prometheus", "monitoring", {"app": "prometheus"}, namespace_labels=MONITORING)
CLIENT = Party("client", address="198.18.0.9")

Hop = tuple[str, str, str, int]

HOPS_BETWEEN_TIERS: set[Hop] = {
    ("transceiver", "relay", "UDP", 40_000),
    ("relay", "transceiver", "UDP", 7000),
    ("transceiver", "transceiver", "TCP", 7000),
    ("transceiver", "inference", "TCP", 50_051),
}
API: Hop = ("", "transceiver", "TCP", 8080)
MEDIA: Hop = ("", "relay", "UDP", 3478)


def tiers(release: Release) -> list[Party]:
    return [
        Party(tier, NAMESPACE, release.tier(tier)["metadata"]["labels"], address="10.1.0.1")
        for tier in TIERS
    ]


def reached(release: Release, *sources: Party) -> set[Hop]:
    """What `sources` reach of all that the tiers listen at."""
    bound = listens(release)
    return {
        (source.name, target.name, protocol, port)
        for source, target in product(sources, tiers(release))
        for protocol, port in bound[target.name]
        if admitted(release, source, target, protocol, port)
    }


def from_anywhere(*hops: Hop, name: str) -> set[Hop]:
    return {(name, *hop[1:]) for hop in hops}


def test_tiers_reach_each_other_by_the_hops_alone(releases: Releases) -> None:
    """And what is open to everybody."""
    release = releases["defaults"]
    open_to_all = {(tier, *hop[1:]) for tier in TIERS for hop in (API, MEDIA)}
    may_send = {hop for hop in open_to_all if hop[0] == "transceiver" and hop[1] == "relay"}
    assert reached(release, *tiers(release)) - open_to_all == HOPS_BETWEEN_TIERS
    assert not may_send & reached(release, *tiers(release)), "not even of what is open to clients"


def test_tiers_may_connect_to_nothing_else(releases: Releases) -> None:
    """Of relays and inference no connection leaves the cluster; transceivers ask its API once."""
    release = releases["defaults"]
    for tier, (protocol, port) in product(
        tiers(release), [("TCP", 443), ("TCP", 22), ("UDP", 53), ("UDP", 40_000), ("TCP", 6443)]
    ):
        asks_kubernetes = tier.name == "transceiver" and (protocol, port) in (
            ("TCP", 443),
            ("TCP", 6443),
        )
        assert admitted(release, tier, CLIENT, protocol, port) == asks_kubernetes


def test_clients_reach_media_and_the_api(releases: Releases) -> None:
    for outsider in (CLIENT, STRANGER, PROMETHEUS):
        assert reached(releases["defaults"], outsider) == from_anywhere(
            API, MEDIA, name=outsider.name
        )


def test_the_dns_is_asked_where_it_is(releases: Releases) -> None:
    dns = Party(
        "dns",
        "kube-system",
        {"k8s-app": "kube-dns"},
        namespace_labels={"kubernetes.io/metadata.name": "kube-system"},
    )
    for tier in tiers(releases["defaults"]):
        for protocol in ("TCP", "UDP"):
            assert admitted(releases["defaults"], tier, dns, protocol, 53)


def test_the_scraper_reaches_admin_ports(releases: Releases) -> None:
    """Of every worker, and nobody else does."""
    release = releases["everything"]
    admin = {("relay", 8081), ("inference", 8082)} | {("transceiver", 8083 + n) for n in range(3)}
    found = reached(release, PROMETHEUS)
    assert {hop for hop in found if hop[3] in range(8081, 8090)} == {
        ("prometheus", tier, "TCP", port) for tier, port in admin
    }
    others = (*tiers(release), STRANGER, CLIENT)
    assert not [hop for hop in reached(release, *others) if hop[3] in range(8081, 8090)]


def test_an_api_behind_a_gateway_is_closed_to_others(releases: Releases) -> None:
    release = releases["everything"]
    gateway = Party(
        "gateway", "gateways", {}, namespace_labels={"kubernetes.io/metadata.name": "gateways"}
    )
    assert ("gateway", *API[1:]) in reached(release, gateway)
    assert not [hop for hop in reached(release, STRANGER, CLIENT) if hop[1:] == API[1:]]


def test_every_worker_of_a_tier_has_its_tunnel(releases: Releases) -> None:
    found = reached(releases["everything"], *tiers(releases["everything"]))
    for source, target, protocol, ports in (
        ("transceiver", "relay", "UDP", {40_000, 40_001}),
        ("relay", "transceiver", "UDP", {7000, 7001, 7002}),
        ("transceiver", "transceiver", "TCP", {7000, 7001, 7002}),
    ):
        assert ports <= {hop[3] for hop in found if hop[:3] == (source, target, protocol)}


def test_sip_is_open_where_it_is_on(releases: Releases) -> None:
    sip = {("UDP", 5060), ("TCP", 5060), ("TCP", 5061)}
    found = {hop[2:] for hop in reached(releases["everything"], CLIENT) if hop[1] == "transceiver"}
    assert found == sip


def test_another_clusters_relays_reach_the_tunnel(releases: Releases) -> None:
    there = Party("there", address="198.51.100.8")
    assert ("there", "relay", "UDP", 40_000) in reached(releases["everything"], there)
    assert ("client", "relay", "UDP", 40_000) not in reached(releases["everything"], CLIENT)


def test_vllm_is_asked_by_inference_alone(releases: Releases) -> None:
    release = releases["everything"]
    model = Party("vllm", NAMESPACE, release.tier("vllm")["metadata"]["labels"])
    asking = [
        party.name
        for party in (*tiers(release), STRANGER, CLIENT)
        if admitted(release, party, model, "TCP", 8000)
    ]
    assert asking == ["inference"]


def test_relays_of_other_releases_are_strangers(releases: Releases) -> None:
    release = releases["defaults"]
    labels = release.tier("relay")["metadata"]["labels"]
    other = Party("other", NAMESPACE, labels | {"app.kubernetes.io/instance": f"not-{RELEASE}"})
    assert reached(release, other) == from_anywhere(API, MEDIA, name="other")


def other_component(release: Release) -> Party:
    """A pod of the release that is no tier, which no policy closes in any direction."""
    labels = release.tier("relay")["metadata"]["labels"] | {"app.kubernetes.io/component": "job"}
    return Party("job", NAMESPACE, labels)


def test_other_pods_of_the_release_are_strangers(releases: Releases) -> None:
    release = releases["defaults"]
    job = other_component(release)
    assert reached(release, job) == from_anywhere(API, MEDIA, name="job")
    ports = {hop for bound in listens(release).values() for hop in bound}
    asked = [
        (tier.name, protocol, port)
        for tier, (protocol, port) in product(tiers(release), ports)
        if admitted(release, tier, job, protocol, port)
    ]
    assert asked == []


def test_a_model_server_reaches_no_tier(releases: Releases) -> None:
    """Though it may reach the world, for its model."""
    release = releases["everything"]
    model = Party("vllm", NAMESPACE, release.tier("vllm")["metadata"]["labels"])
    assert {hop[3] for hop in reached(release, model)} <= {MEDIA[3], 5060, 5061}


@pytest.mark.parametrize("name", ["by-itself"])
def test_without_policies_all_is_open(releases: Releases, name: str) -> None:
    assert not releases[name].of("NetworkPolicy")
