"""Calls from offer to end, with everything real but the socket, the clock and the replica."""

from pathlib import Path

import pytest
from aiortc import sdp
from prometheus_client import CollectorRegistry

from antiphon_proto import stun, trunk
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunClass
from antiphon_proto.ufrag import UfragReader
from chassis.host_port import HostPort
from transceiver.announcer import Announcer
from transceiver.call import SETUP_TIMEOUT_S
from transceiver.call_table import CallTable
from transceiver.close_reason import CloseReason
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters
from transceiver.data_channel import ChannelEnd
from transceiver.drop_reason import DropReason
from transceiver.ice import IceRejection
from transceiver.inference_client import EngineListener
from transceiver.media_transport import MediaTransport
from transceiver.metrics import TurnLatency
from transceiver.sdp import OfferError
from transceiver.signaling.calls import CallRefusedError, CreatedCall, RefusalReason

OFFER = (Path(__file__).parents[1] / "vectors/offer_chromium156_audio_dc.sdp").read_text()
KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
WORKER: Address = ("10.0.0.5", 4000)
RELAY: Address = ("10.0.0.9", 5000)
CLIENT: Address = ("192.0.2.7", 1234)
STRANGER: Address = ("198.51.100.66", 99)
UNIX_TIME = 1_800_000_000.0


class Endpoint:
    address = WORKER

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address, Address]] = []

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        self.sent.append((payload, client, relay))


class Session:
    def __init__(self, answer: trunk.Ready | trunk.Error) -> None:
        self.commands: list[trunk.Command] = []
        self.closed: str | None = None
        self._answer = answer

    async def opened(self) -> trunk.Ready | trunk.Error:
        return self._answer

    def push_audio(self, position: int, pcm: bytes) -> None: ...

    def command(self, command: trunk.Command) -> None:
        self.commands.append(command)

    def close(self, reason: str) -> None:
        self.closed = reason


class Inference:
    connected = True

    def __init__(self) -> None:
        self.opened: list[tuple[EngineListener, Session]] = []
        self.answer: trunk.Ready | trunk.Error = trunk.Ready("echo", 24_000, 24_000, True)

    def open(self, listener: EngineListener) -> Session:
        session = Session(self.answer)
        self.opened.append((listener, session))
        return session


class Worker:
    """A call table and all that it leans on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.endpoint = Endpoint()
        self.inference = Inference()
        self.announcer = Announcer(7, self.now)
        self.counters = CallCounters()
        self.calls = CallTable(
            TransceiverConfig(
                advertise=HostPort("203.0.113.1", 3478),
                inference=HostPort("127.0.0.1", 1),
                cluster_keys="",
                api_keys="",
                max_calls=2,
                max_call_seconds=60,
            ),
            KEYS,
            incarnation=7,
            endpoint=self.endpoint,
            announcer=self.announcer,
            inference=self.inference,
            counters=self.counters,
            turn_latency=TurnLatency(CollectorRegistry()),
            clock=lambda: self.now,
            unix_time=lambda: UNIX_TIME,
        )

    async def call(self) -> CreatedCall:
        return await self.calls.create_call(OFFER, RealtimeSession())

    def receive(self, datagram: bytes, client: Address = CLIENT) -> None:
        self.calls.receive(datagram, client, RELAY, self.now)

    def sent_kinds(self) -> list[PacketKind]:
        return [packet_kind(payload) for payload, _client, _relay in self.endpoint.sent]


@pytest.fixture
def worker() -> Worker:
    return Worker()


def credentials(call: CreatedCall) -> tuple[bytes, bytes]:
    media = sdp.SessionDescription.parse(call.answer_sdp).media[0]
    return media.ice.usernameFragment.encode(), media.ice.password.encode()


def check(call: CreatedCall, *, password: bytes | None = None) -> bytes:
    ufrag, right = credentials(call)
    return stun.binding_request(
        b"transaction1",
        username=ufrag + b":SYYG",
        password=right if password is None else password,
        priority=1,
        tie_breaker=2,
        controlling=True,
    )


async def test_the_answer_names_the_relay_and_the_ufrag_names_the_worker(worker: Worker) -> None:
    call = await worker.call()
    media = sdp.SessionDescription.parse(call.answer_sdp).media[0]
    [candidate] = media.ice_candidates
    assert (candidate.ip, candidate.port) == ("203.0.113.1", 3478)
    ufrag, password = credentials(call)
    owner = UfragReader(KEYS).read(ufrag, UNIX_TIME)
    assert (owner.address, owner.port) == WORKER
    assert owner.not_after > UNIX_TIME + 60
    assert UfragReader(KEYS).password(ufrag) == password


async def test_the_engine_is_opened_with_the_call(worker: Worker) -> None:
    call = await worker.call()
    [(_listener, session)] = worker.inference.opened
    [command] = session.commands
    assert isinstance(command, trunk.Open)
    assert command.call_id == call.call_id


async def test_a_bad_offer_leaves_no_call(worker: Worker) -> None:
    with pytest.raises(OfferError):
        await worker.calls.create_call("v=0\r\n", RealtimeSession())
    assert len(worker.calls) == 0
    assert worker.inference.opened == []


async def test_a_full_worker_refuses(worker: Worker) -> None:
    await worker.call()
    await worker.call()
    with pytest.raises(CallRefusedError) as refused:
        await worker.call()
    assert refused.value.reason is RefusalReason.AT_CAPACITY
    assert worker.counters.refused == 1


async def test_without_a_trunk_there_is_no_call(worker: Worker) -> None:
    worker.inference.connected = False
    with pytest.raises(CallRefusedError) as refused:
        await worker.call()
    assert refused.value.reason is RefusalReason.ENGINE_UNAVAILABLE


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("at_capacity", RefusalReason.AT_CAPACITY),
        ("draining", RefusalReason.DRAINING),
        ("engine_timeout", RefusalReason.ENGINE_UNAVAILABLE),
    ],
)
async def test_a_replica_that_refuses_the_session_refuses_the_call(
    worker: Worker, code: str, reason: RefusalReason
) -> None:
    worker.inference.answer = trunk.Error(code, "no", fatal=True)
    with pytest.raises(CallRefusedError) as refused:
        await worker.call()
    assert refused.value.reason is reason
    assert len(worker.calls) == 0
    [(_listener, session)] = worker.inference.opened
    assert session.closed == "engine_failed"
    assert (worker.counters.opened, worker.counters.refused) == (0, 1)


async def test_the_first_check_is_answered_and_dtls_starts_with_it(worker: Worker) -> None:
    worker.receive(check(await worker.call()))
    assert {(client, relay) for _payload, client, relay in worker.endpoint.sent} == {
        (CLIENT, RELAY)
    }
    answer = stun.parse(worker.endpoint.sent[0][0])
    assert answer.message_class is StunClass.SUCCESS
    assert answer.mapped_address == CLIENT
    assert PacketKind.DTLS in worker.sent_kinds()


async def test_a_forged_check_is_not_answered(worker: Worker) -> None:
    worker.receive(check(await worker.call(), password=b"a guess"), STRANGER)
    assert worker.endpoint.sent == []
    assert worker.counters.ice_rejections == {IceRejection.UNAUTHENTICATED: 1}


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"\x80\x6f" + bytes(30), DropReason.NO_CALL),
        (b"\x16\xfe\xfd" + bytes(30), DropReason.NO_CALL),
        (b"\x00\x01\x00\x00" + bytes(4), DropReason.STUN_MALFORMED),
    ],
)
async def test_a_strangers_datagram_is_counted_and_not_answered(
    worker: Worker, datagram: bytes, reason: DropReason
) -> None:
    await worker.call()
    worker.receive(datagram, STRANGER)
    assert worker.counters.drops == {reason: 1}
    assert worker.endpoint.sent == []


async def test_media_before_the_handshake_is_counted(worker: Worker) -> None:
    worker.receive(check(await worker.call()))
    worker.receive(b"\x80\x6f" + bytes(30))
    worker.receive(b"\xff" + bytes(30))
    assert worker.counters.drops == {
        DropReason.EARLY_MEDIA: 1,
        DropReason.OTHER_PROTOCOL: 1,
    }


async def test_a_call_that_hung_up_is_forgotten(worker: Worker) -> None:
    call = await worker.call()
    worker.receive(check(call))
    assert await worker.calls.hang_up(call.call_id)
    assert not await worker.calls.hang_up(call.call_id)
    assert len(worker.calls) == 0
    [(_listener, session)] = worker.inference.opened
    assert session.closed == "client_hangup"
    worker.receive(check(call))
    worker.receive(b"\x80\x6f" + bytes(30))
    assert worker.counters.drops == {DropReason.NO_CALL: 2}


async def test_a_client_that_never_comes_is_given_up(worker: Worker) -> None:
    await worker.call()
    worker.now += SETUP_TIMEOUT_S - 1
    worker.calls.tick(worker.now)
    assert len(worker.calls) == 1
    worker.now += 2
    worker.calls.tick(worker.now)
    assert len(worker.calls) == 0
    assert worker.counters.closed == {CloseReason.SETUP_TIMEOUT: 1}


async def test_a_lost_replica_ends_its_calls(worker: Worker) -> None:
    await worker.call()
    [(listener, _session)] = worker.inference.opened
    listener.engine_lost()
    worker.calls.tick(worker.now)
    assert worker.counters.closed == {CloseReason.ENGINE_FAILED: 1}


async def test_a_defect_in_one_call_ends_it_and_no_other(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await worker.call()
    await worker.call()
    (broken, _), (sound, _) = worker.inference.opened

    def defect(*_args: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(broken._conversation, "engine_event", defect)
    for listener in (broken, sound):
        listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    worker.calls.tick(worker.now)
    assert len(worker.calls) == 1
    assert worker.counters.closed == {CloseReason.INTERNAL_ERROR: 1}
    assert "a defect" in caplog.text


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (ChannelEnd.PEER, CloseReason.CLIENT_HANGUP),
        (ChannelEnd.OVERFLOW, CloseReason.CHANNEL_BROKEN),
        (ChannelEnd.VIOLATION, CloseReason.CHANNEL_BROKEN),
    ],
)
async def test_only_a_client_that_closes_its_channel_hangs_up(
    worker: Worker, end: ChannelEnd, reason: CloseReason
) -> None:
    await worker.call()
    [(call, _session)] = worker.inference.opened
    call.channel_closed(end)
    assert worker.counters.closed == {reason: 1}


async def test_nothing_plays_after_the_end(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    await worker.call()
    monkeypatch.setattr(MediaTransport, "connected", True)
    [(listener, _session)] = worker.inference.opened
    listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    listener.engine_audio(trunk.UNSOLICITED, 0, bytes(24_000))
    worker.now += 61
    worker.calls.tick(worker.now)
    assert worker.counters.closed == {CloseReason.MAX_DURATION: 1}
    assert worker.counters.frames_out == 0


async def test_stopping_ends_every_call(worker: Worker) -> None:
    await worker.call()
    await worker.call()
    worker.calls.close_all()
    assert len(worker.calls) == 0
    assert worker.counters.closed == {CloseReason.SHUTDOWN: 2}


@pytest.mark.parametrize(("direction", "listens"), [("sendrecv", True), ("sendonly", False)])
async def test_a_client_that_only_sends_is_sent_no_media(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, direction: str, listens: bool
) -> None:
    offer = OFFER.replace("a=sendrecv", f"a={direction}")
    await worker.calls.create_call(offer, RealtimeSession())
    [(call, _session)] = worker.inference.opened
    sent: list[bytes] = []
    monkeypatch.setattr(MediaTransport, "connected", True)
    monkeypatch.setattr(call.transport, "send_rtp", sent.append)
    call.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    call.engine_audio(trunk.UNSOLICITED, 0, bytes(4800))
    worker.calls.tick(worker.now)
    assert bool(sent) is listens
