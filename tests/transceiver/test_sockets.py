import socket

import pytest

from chassis.bound_socket import bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError
from transceiver.config import TransceiverConfig
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.sockets import open_sockets

ANY_PORT = HostPort("127.0.0.1", 0)


def config(sip: HostPort | None, **others: object) -> TransceiverConfig:
    return TransceiverConfig(
        http=ANY_PORT,
        admin=ANY_PORT,
        workers=3,
        advertise=HostPort("127.0.0.1", 3478),
        inference=ReplicaAddresses.parse("127.0.0.1:1"),
        cluster_keys="",
        sip=sip,
        **others,  # type: ignore[arg-type]
    )


def test_the_workers_have_one_sip_port_by_udp_and_tcp() -> None:
    sockets = open_sockets(config(ANY_PORT))
    assert sockets.sip_datagrams is not None
    assert sockets.sip_streams is not None
    address = bound_address(sockets.sip_datagrams)
    assert bound_address(sockets.sip_streams) == address
    assert sockets.sip_tls is None
    sockets.close()
    # Nothing holds the port any more.
    with socket.create_server(address):
        pass


def test_without_sip_there_are_no_such_sockets() -> None:
    sockets = open_sockets(config(None))
    assert (sockets.sip_datagrams, sockets.sip_streams, sockets.sip_tls) == (None, None, None)
    sockets.close()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = HostPort(*taken.getsockname())
        with pytest.raises(SettingError, match=f"--sip {address}"):
            open_sockets(config(address))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"sip_tls": ANY_PORT}, "--sip-tls needs"),
        ({"sip_config": "sip.toml"}, "--sip-config and --sip-credentials need"),
        ({"sip_credentials": "phones"}, "--sip-config and --sip-credentials need"),
    ],
)
def test_settings_that_need_one_another(others: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        config(None, **others)
