"""Routes of the Gateway API: to whom they belong and where they lead."""

from tests.deploy.k8s.rendered import Releases


def test_https_ends_at_the_gateway(releases: Releases) -> None:
    route = releases["chart-gateway"].one("HTTPRoute", "-transceiver")["spec"]
    assert route["hostnames"] == ["voice.example.com"]
    assert route["parentRefs"][0]["sectionName"] == "https"
    (rule,) = route["rules"]
    assert rule["backendRefs"] == [{"name": "talk-antiphon-transceiver", "port": 80}]
    assert rule["timeouts"] == {"request": "0s"}


def test_media_comes_by_a_udp_route(releases: Releases) -> None:
    release = releases["chart-gateway"]
    (rule,) = release.one("UDPRoute", "-relay")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "talk-antiphon-relay", "port": 3478}]
    assert release.one("Service", "-relay")["spec"]["type"] == "ClusterIP"


def test_tls_may_end_at_transceivers(releases: Releases) -> None:
    release = releases["host-ports"]
    (rule,) = release.one("TCPRoute", "-transceiver")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "talk-antiphon-transceiver", "port": 443}]
    assert not release.of("HTTPRoute")
