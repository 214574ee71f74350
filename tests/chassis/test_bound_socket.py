import socket

import pytest

from chassis.bound_socket import bind_tcp, bind_udp, bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError

ANY = HostPort("127.0.0.1", 0)


@pytest.mark.parametrize("bind", [bind_udp, bind_tcp])
class TestEitherKind:
    def test_a_bound_address_is_refused_to_the_next(self, bind) -> None:
        with bind("--here", ANY) as held:
            if held.type is socket.SOCK_STREAM:
                held.listen()
            taken = bound_address(held)
            with pytest.raises(SettingError, match=rf"--here {taken}: .*in use"):
                bind("--here", taken)

    def test_workers_have_the_ports_from_the_base_on(self, bind) -> None:
        with bind("--here", ANY) as probe:
            base = bound_address(probe)
        with bind("--here", HostPort(base.host, base.port - 2), worker=2) as third:
            assert bound_address(third) == base

    def test_a_worker_without_a_port_is_refused(self, bind) -> None:
        with pytest.raises(SettingError, match=r"--here 127.0.0.1:65535: no port for worker 1"):
            bind("--here", HostPort("127.0.0.1", 65535), worker=1)

    def test_a_host_that_is_not_here_is_refused(self, bind) -> None:
        with pytest.raises(SettingError, match=r"--here 192\.0\.2\.1:0"):
            bind("--here", HostPort("192.0.2.1", 0))


def test_a_shared_address_may_be_bound_again() -> None:
    with (
        bind_udp("--here", ANY, shared=True) as first,
        bind_udp("--here", bound_address(first), shared=True) as second,
    ):
        assert bound_address(first) == bound_address(second)
