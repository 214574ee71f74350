"""The relay as it is run: real processes, real sockets, a tunnel's real other end."""

import contextlib
import http.client
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType
from tests.free_ports import free_port
from tests.relay.announcing_owner import AnnouncingOwner

pytestmark = pytest.mark.e2e

PATIENCE_S = 10.0
RTP = b"\x80\x6f" + bytes(150)
DTLS = b"\x16\xfe\xfd" + bytes(60)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_nothing_received(client: socket.socket) -> None:
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(2048)
    client.settimeout(PATIENCE_S)


def test_carries_a_call_both_ways(relay, owner, client) -> None:
    for packet in (owner.check, DTLS, RTP):
        client.sendto(packet, relay.public)
        frame, relay_worker = owner.receive()
        assert frame == Frame(FrameType.DATA, client.getsockname(), packet)
        assert relay_worker in relay.tunnels

        owner.send(packet[::-1], client.getsockname(), relay_worker)
        assert client.recvfrom(2048) == (packet[::-1], relay.public)


def test_delivers_through_a_worker_that_the_client_never_met(relay, owner, client) -> None:
    for tunnel in relay.tunnels:
        owner.send(RTP, client.getsockname(), tunnel)
        assert client.recvfrom(2048) == (RTP, relay.public)


def test_both_workers_serve_and_every_client_stays_with_one(relay, owner, new_client) -> None:
    met: dict[int, set] = {}
    for client in [new_client() for _ in range(16)]:
        for packet in (owner.check, RTP, RTP):
            client.sendto(packet, relay.public)
            frame, relay_worker = owner.receive()
            met.setdefault(frame.client[1], set()).add(relay_worker)

    assert all(len(workers) == 1 for workers in met.values())
    assert set.union(*met.values()) == set(relay.tunnels)


def test_never_answers_and_counts_what_it_drops(relay, owner, client) -> None:
    junk = {
        "not_webrtc": [b"", b"\x00", b"\x80", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1200],
        "malformed_stun": [owner.check[:size] for size in range(2, len(owner.check))],
        "no_flow": [RTP, DTLS, DTLS[:2], RTP[:2]],
        "oversized": [RTP + bytes(2048), bytes(9000)],
    }
    before = Counter(relay.drops())
    for datagrams in junk.values():
        for datagram in datagrams:
            client.sendto(datagram, relay.public)
    # The same worker takes them in order, so what it did with the junk is done by now.
    client.sendto(owner.check, relay.public)
    assert owner.receive()[0].payload == owner.check

    assert_nothing_received(client)
    expected = {reason: len(datagrams) for reason, datagrams in junk.items()}

    wait_until(lambda: relay.drops_since(before) == expected)
    assert_nothing_received(client)
    assert relay.drops_since(before) == expected


def test_ignores_strangers_on_the_tunnel_port(relay, owner, client) -> None:
    before = Counter(relay.drops())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x10" + bytes(200), relay.tunnels[0])
    owner.send(RTP, client.getsockname(), relay.tunnels[0])

    assert client.recv(2048) == RTP
    assert_nothing_received(client)
    wait_until(lambda: relay.drops_since(before) == {"tunnel_tag": 1})


def test_survives_what_the_kernel_refuses_to_send(relay, owner, client, cluster) -> None:
    before = Counter(relay.drops())
    client.sendto(cluster.check(cluster.ufrag(("127.0.0.1", 0))), relay.public)
    client.sendto(owner.check, relay.public)
    _frame, relay_worker = owner.receive()
    to_nobody = Frame(FrameType.DATA, ("127.0.0.1", 0), RTP)
    to_client = Frame(FrameType.DATA, client.getsockname(), RTP)
    owner.send_frames([to_nobody, to_client], relay_worker)

    assert client.recv(2048) == RTP
    expected = {"owner_send_failed": 1, "client_send_failed": 1}
    wait_until(lambda: relay.drops_since(before) == expected)


def test_survives_an_owner_and_a_client_that_are_gone(relay, owner, client, cluster) -> None:
    """Loopback answers each of these with an ICMP error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = gone.getsockname()
    for _ in range(5):
        client.sendto(cluster.check(cluster.ufrag(nobody)), relay.public)
        owner.send(RTP, nobody, relay.tunnels[0])

    client.sendto(owner.check, relay.public)
    _frame, relay_worker = owner.receive()
    owner.send(RTP, client.getsockname(), relay_worker)
    assert client.recv(2048) == RTP


def test_metrics_and_health(relay, owner, client) -> None:
    client.sendto(owner.check, relay.public)
    _frame, relay_worker = owner.receive()
    labels = {"direction": "to_client", "kind": "rtp"}
    packets = relay.metric("forwarded_packets_total", **labels)
    volume = relay.metric("forwarded_bytes_total", **labels)

    owner.send(RTP, client.getsockname(), relay_worker)
    client.recv(2048)

    wait_until(lambda: relay.metric("forwarded_packets_total", **labels) == packets + 1)
    assert relay.metric("forwarded_bytes_total", **labels) == volume + len(RTP)
    wait_until(lambda: relay.metric("flows", state="provisional") >= 1)
    assert relay.metric("workers") == 2
    assert relay.fetch("/healthz") == "ok\n"
    assert relay.fetch("/readyz") == "ready\n"


def everyone_is_heard(clients, relay, owner) -> set[Address]:
    """Every client's media arrives; by these relay workers."""
    came_by = {}
    for client in clients:
        client.sendto(RTP, relay.public)
    for _ in clients:
        frame, relay_worker = owner.hear()
        assert frame.payload == RTP
        came_by[frame.client] = relay_worker
    assert came_by.keys() == {client.getsockname() for client in clients}
    return set(came_by.values())


@pytest.fixture
def bound_calls(start_relay, cluster, new_client) -> Iterator[Callable[..., tuple]]:
    """Starts a relay with that many workers, and 16 clients that their owner bound."""
    with contextlib.ExitStack() as stack:

        def start(workers: int) -> tuple:
            relay = start_relay("--workers", str(workers))
            owner = stack.enter_context(AnnouncingOwner(cluster, relay.tunnels))
            clients = [new_client() for _ in range(16)]
            for client in clients:
                client.sendto(owner.check, relay.public)
                assert owner.hear()[0].payload == owner.check
                owner.bind(client.getsockname())
            bound = workers * len(clients)
            wait_until(lambda: relay.metric("flows", state="bound") == bound)
            return relay, owner, clients

        yield start


def test_clients_of_a_killed_worker_go_on_by_its_sibling_until_it_is_back(bound_calls) -> None:
    relay, owner, clients = bound_calls(2)
    assert everyone_is_heard(clients, relay, owner) == set(relay.tunnels)

    relay.workers()[0].kill()
    wait_until(lambda: relay.metric("worker_restarts_total") == 1)
    everyone_is_heard(clients, relay, owner)

    wait_until(lambda: relay.ready() is None)
    assert everyone_is_heard(clients, relay, owner) == set(relay.tunnels)
    assert sorted(map(len, owner.epochs.values())) == [1, 2]
    assert relay.drops().get("no_flow", 0) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_clients_send_waits_while_no_worker_is_alive(bound_calls, workers) -> None:
    relay, owner, clients = bound_calls(workers)

    for worker in relay.workers():
        worker.kill()
    everyone_is_heard(clients, relay, owner)

    wait_until(lambda: relay.ready() is None)
    everyone_is_heard(clients, relay, owner)
    assert relay.metric("worker_restarts_total") == workers
    assert relay.drops().get("no_flow", 0) == 0


def test_serves_both_families_on_one_worker(start_relay, owner, cluster) -> None:
    relay = start_relay("--public", "127.0.0.1:0,[::1]:0")
    for public in relay.publics:
        family = socket.AF_INET6 if ":" in public[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE_S)
            client.bind((public[0], 0))
            client.sendto(owner.check, public)
            frame, relay_worker = owner.receive()
            assert frame.client == client.getsockname()[:2]
            owner.send(RTP, frame.client, relay_worker)
            answer, source = client.recvfrom(2048)
            assert (answer, source[:2]) == (RTP, public)


def test_sigterm_leaves_nothing(start_relay) -> None:
    relay = start_relay("--workers", "2")
    descendants = relay.descendants()
    scraper = http.client.HTTPConnection(*relay.admin, timeout=PATIENCE_S)
    scraper.request("GET", "/metrics")
    assert scraper.getresponse().read()  # And it keeps its connection.

    assert relay.stop() == 0

    _gone, alive = psutil.wait_procs(descendants, timeout=PATIENCE_S)
    assert not alive
    for address in (relay.public, *relay.tunnels):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(address)


def test_workers_do_not_outlive_their_supervisor(start_relay) -> None:
    relay = start_relay("--workers", "2")
    descendants = relay.descendants()

    relay.process.send_signal(signal.SIGKILL)

    _gone, alive = psutil.wait_procs(descendants, timeout=PATIENCE_S)
    assert not alive


def refusal(command: list[str]) -> str:
    """The one line with which a relay refuses to start."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    return line


def test_refuses_another_relay_s_addresses(relay, relay_command) -> None:
    for flag, (host, port) in (("--public", relay.public), ("--admin", relay.admin)):
        line = refusal(relay_command(flag, f"{host}:{port}"))
        assert line.startswith(f"relay: {flag} {host}:{port}: ")
        assert "in use" in line


def test_refuses_a_key_file_without_quoting_it(relay_command, tmp_path) -> None:
    bad = tmp_path / "keys"
    bad.write_text("0 ipv4 secret-but-no-hex\n")

    for path, reason in ((bad, "line 1"), (tmp_path / "none", "No such file")):
        line = refusal(relay_command("--cluster-keys", str(path)))
        assert line.startswith(f"relay: --cluster-keys {path}: ")
        assert reason in line
        assert "secret-but-no-hex" not in line


def test_the_operator_is_served_while_workers_take_long_to_come_up(relay_command) -> None:
    program = (
        "import sys, relay.supervisor, relay.workers, relay.__main__\n"
        "relay.supervisor.FORWARD_FIRST_S, relay.workers.WARM_UP_S = 0.1, 60.0\n"
        "sys.exit(relay.__main__.main())"
    )
    port = free_port()
    python, _module, _name, *flags = relay_command("--workers", "2", "--admin", f"127.0.0.1:{port}")
    with subprocess.Popen([python, "-c", program, *flags]) as process:
        try:
            wait_until(lambda: fetched(port, "/healthz") == "ok")
            assert fetched(port, "/readyz") == "0 of 2 workers forward"
        finally:
            process.kill()


def fetched(port: int, path: str) -> str | None:
    """What the operator's port says; None where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode().strip()
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def test_refuses_to_do_without_a_fast_path_that_is_demanded(relay_command) -> None:
    program = (
        "import sys, relay.fast, relay.__main__\n"
        "relay.fast.available = False\n"
        "sys.exit(relay.__main__.main())"
    )
    python, _module, _name, *flags = relay_command("--fast-path", "on")

    line = refusal([python, "-c", program, *flags])

    assert line.startswith("relay: --fast-path on: ")
