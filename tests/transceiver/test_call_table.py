"""Calls from offer to end, with everything real but the socket, the clock and the replica."""

import asyncio
import functools

import pytest
from aiortc import sdp

from antiphon_proto import stun, trunk
from antiphon_proto.demux import PacketKind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunClass
from antiphon_proto.ufrag import UfragReader
from tests.transceiver.call_table_driver import (
    CLIENT,
    INCARNATION,
    KEYS,
    OFFER,
    RELAY,
    STRANGER,
    UNIX_TIME,
    WORKER,
    Worker,
)
from transceiver.call_deadlines import SETUP_TIMEOUT_S
from transceiver.close_reason import CloseReason
from transceiver.data_channel import ChannelEnd
from transceiver.drop_reason import DropReason
from transceiver.engine_link import ADRIFT_S
from transceiver.ice import IceRejection
from transceiver.load_meter import PRIOR_COST
from transceiver.media_transport import MediaTransport
from transceiver.sdp import OfferError
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    CreatedCall,
    RefusalReason,
)


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
    assert owner.incarnation == INCARNATION
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
        await worker.webrtc.create_call("v=0\r\n", RealtimeSession())
    assert len(worker.calls) == 0
    assert worker.inference.opened == []


async def test_a_full_worker_refuses() -> None:
    worker = Worker(max_calls=2)
    await worker.call()
    await worker.call()
    with pytest.raises(CallRefusedError) as refused:
        await worker.call()
    assert refused.value.reason is RefusalReason.AT_CAPACITY
    assert worker.counters.refused == {RefusalReason.AT_CAPACITY: 1}


async def test_of_a_burst_as_many_get_in_as_are_expected_to_fit() -> None:
    worker = Worker(max_calls=100, max_load=0.3)
    offers = [asyncio.create_task(worker.call()) for _ in range(50)]
    await asyncio.wait(offers)
    assert len(worker.calls) == round(0.3 / PRIOR_COST)
    assert worker.counters.refused == {RefusalReason.OVERLOADED: 50 - len(worker.calls)}


async def test_offers_are_not_even_read_by_a_worker_without_room() -> None:
    worker = Worker(max_calls=0)
    with pytest.raises(CallRefusedError):
        await worker.webrtc.create_call("v=0\r\n", RealtimeSession())


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
    assert worker.counters.opened == 0
    assert worker.counters.refused == {reason: 1}
    assert worker.counters.closed == {CloseReason.ENGINE_FAILED: 1}


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
    worker.calls.hang_up(call.call_id)
    with pytest.raises(CallNotFoundError):
        worker.calls.hang_up(call.call_id)
    assert len(worker.calls) == 0
    [(_listener, session)] = worker.inference.opened
    assert session.closed == "client_hangup"
    worker.receive(check(call))
    worker.receive(b"\x80\x6f" + bytes(30))
    assert worker.counters.drops == {DropReason.NO_CALL: 2}


async def test_who_asked_for_it_hears_once_of_the_end_of_a_call(worker: Worker) -> None:
    ended: list[str] = []
    for name in ("hung up", "never came"):
        on_end = functools.partial(ended.append, name)
        call = await worker.webrtc.create_call(OFFER, RealtimeSession(), None, on_end)
        if not ended:
            worker.calls.hang_up(call.call_id)
    assert ended == ["hung up"]
    worker.now += SETUP_TIMEOUT_S + 1
    worker.serve()
    worker.calls.close_all()
    assert ended == ["hung up", "never came"]


async def test_a_client_that_never_comes_is_given_up(worker: Worker) -> None:
    await worker.call()
    worker.now += SETUP_TIMEOUT_S - 1
    worker.serve()
    assert len(worker.calls) == 1
    worker.now += 2
    worker.serve()
    assert len(worker.calls) == 0
    assert worker.counters.closed == {CloseReason.SETUP_TIMEOUT: 1}


async def test_a_lost_replica_without_another_ends_its_calls(worker: Worker) -> None:
    await worker.call()
    [(listener, _session)] = worker.inference.opened
    listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    worker.inference.answer = None
    worker.inference.takes_sessions = False
    listener.engine_lost()
    worker.tick(ADRIFT_S - 0.5)
    assert worker.counters.closed == {}
    worker.tick(1.0)
    assert worker.counters.closed == {CloseReason.ENGINE_FAILED: 1}


async def test_a_defect_in_one_call_ends_it_and_no_other(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await worker.call()
    await worker.call()
    broken, _sound = worker.inference.calls

    def defect(*_args: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(broken._conversation, "engine_event", defect)
    for listener, _session in worker.inference.opened:
        listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    worker.serve()
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
    [call] = worker.inference.calls
    call.channel_closed(end)
    assert worker.counters.closed == {reason: 1}


async def test_nothing_plays_after_the_end(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    await worker.call()
    monkeypatch.setattr(MediaTransport, "connected", True)
    [(listener, _session)] = worker.inference.opened
    listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    listener.engine_audio(trunk.UNSOLICITED, 0, bytes(24_000))
    worker.now += 61
    worker.serve()
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
    await worker.webrtc.create_call(offer, RealtimeSession())
    [call] = worker.inference.calls
    sent: list[bytes] = []
    monkeypatch.setattr(MediaTransport, "connected", True)
    monkeypatch.setattr(call.transport, "send_rtp", sent.append)
    call.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
    call.engine_audio(trunk.UNSOLICITED, 0, bytes(4800))
    worker.serve()
    assert bool(sent) is listens
