import pytest

from chassis.worker_ports import WorkerPorts


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:8081",
        "10.0.0.1:8083-8086",
        "[2001:db8::1]:8083-8084",
        "dns:antiphon-relay-tunnel:8081",
        "dns:relays.eu-west.example:8083-8090",
        "relay-1:8081",
    ],
)
def test_ports_are_written_as_they_are_read(text: str) -> None:
    assert str(WorkerPorts.parse(text)) == text


def test_a_range_is_a_port_for_each_worker() -> None:
    ports = WorkerPorts.parse("dns:voice-transceivers:8083-8085")
    assert (ports.host, list(ports.ports), ports.is_name) == (
        "voice-transceivers",
        [8083, 8084, 8085],
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "relay",
        "relay:0",
        "relay:8083-",
        "relay:8083-x",
        "relay:8083-8082",
        "relay:1-70000",
        "relay:65535-65536",
        "relay:1-257",
        "dns:relay",
        "2001:db8::1:8081",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|port must|needs brackets"):
        WorkerPorts.parse(text)
