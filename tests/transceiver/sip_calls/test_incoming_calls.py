"""Calls by SIP, from the INVITE to what is left of them."""

import asyncio
import gc
import json
import weakref
from typing import Any

import pytest

from antiphon_proto import trunk
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.tunnel_control import Leased, UnbindReason
from tests.transceiver.call_table_driver import RELAY
from tests.transceiver.sip_calls.sip_call_driver import MEDIA, PHONE, TRUNK, Exchange, Phone
from transceiver.close_reason import CloseReason
from transceiver.sdp.direction import Direction
from transceiver.sdp.offer_error import OfferError
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    NotAnsweredError,
    NotRingingError,
    NotSipError,
)
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import EndedBy, Ending
from transceiver.sip_calls.failed_calls import KEPT_S
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.transport import Transport

ANSWERED = f"""{TRUNK}
[[dial-plan]]
number = "agent"
session = {{ instructions = "Be kind." }}
greeting = "Say hello."
"""


class Socket:
    """An application's end of a sideband."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.closed: CloseReason | None = None

    def send(self, event: bytes) -> None:
        self.events.append(json.loads(event))

    def close(self, reason: CloseReason) -> None:
        self.closed = reason

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type_]


def sideband(exchange: Exchange, call_id: str) -> Socket:
    socket = Socket()
    exchange.worker.factory.sideband(call_id).start(socket)
    return socket


async def talking(exchange: Exchange) -> tuple[str, Phone, Socket]:
    """A call that was accepted."""
    phone = await exchange.call()
    call_id = await exchange.accept()
    return call_id, phone, sideband(exchange, call_id)


async def test_a_call_rings_and_is_announced() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    [event] = exchange.worker.webhooks
    assert event["type"] == "realtime.call.incoming"
    assert event["data"]["sip_media_security"] == "rtp"
    assert event["data"]["call_id"].startswith("rtc_")
    names = [header["name"] for header in event["data"]["sip_headers"]]
    assert {"From", "To", "Call-ID"} <= set(names)
    assert ("ringing", 180) in phone.heard
    assert exchange.worker.inference.opened == []
    assert exchange.announced in exchange.worker.factory
    assert exchange.worker.factory.creator(exchange.announced) is None


async def test_an_accepted_call_is_a_conversation() -> None:
    exchange = Exchange()
    call_id, phone, socket = await talking(exchange)
    assert "established" in phone.heard
    assert socket.events[0]["type"] == "session.created"
    assert exchange.worker.announced()[0] == (MEDIA, False)
    pushed: list[bytes] = []
    exchange.engine.push_audio = lambda _at, pcm: pushed.append(pcm)  # type: ignore[method-assign]
    exchange.speak(phone)
    assert [len(pcm) for pcm in pushed] == [320]
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(640))
    await exchange.run(0.1)
    heard = exchange.heard_at()
    assert [len(packet) for packet in heard] == [172, 172]
    assert exchange.worker.counters.open == {Transport.SIP: 1}
    assert exchange.worker.counters.rang == {RingEnd.ACCEPTED: 1}
    assert call_id not in exchange.worker.sip


async def test_nothing_is_sent_before_the_answer_is_acknowledged() -> None:
    """Over UDP anybody may call in another's name, who would be sent the media."""
    exchange = Exchange()
    await exchange.call()
    exchange.network.loss = 1.0
    await exchange.accept()
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(6400))
    await exchange.run(1.0)
    assert exchange.worker.take_sent() == []


async def test_the_dial_plan_answers_and_greets() -> None:
    exchange = Exchange(ANSWERED)
    phone = await exchange.call()
    exchange.engine_ready()
    assert exchange.worker.webhooks == []
    assert "established" in phone.heard
    [respond] = [each for each in exchange.engine.commands if isinstance(each, trunk.Respond)]
    assert "Say hello." in str(respond)


@pytest.mark.parametrize(
    ("rule", "status"), [("reject = 486", 486), ('session = {}\nfrom = "phones"', None)]
)
async def test_the_dial_plan_refuses_or_leaves_it_to_the_application(
    rule: str, status: int | None
) -> None:
    exchange = Exchange(f'{TRUNK}\n[[dial-plan]]\nnumber = "agent"\n{rule}\n')
    phone = await exchange.call()
    if status is None:
        assert exchange.worker.webhooks
    else:
        assert phone.endings == [Ending(EndedBy.REFUSED, status)]
        assert exchange.worker.counters.rang == {RingEnd.REJECTED: 1}


async def test_a_call_is_rejected() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    exchange.worker.factory.reject(exchange.announced, 480)
    await exchange.run()
    assert phone.endings == [Ending(EndedBy.REFUSED, 480)]
    assert_nothing_left(exchange)


async def test_hanging_up_a_call_that_rings_declines_it() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    exchange.worker.factory.hang_up(exchange.announced)
    await exchange.run()
    assert phone.endings == [Ending(EndedBy.REFUSED, 603)]


async def test_nobody_rings_for_ever() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    await exchange.run(61)
    await exchange.run()
    assert phone.endings == [Ending(EndedBy.REFUSED, 480)]
    assert exchange.worker.counters.rang == {RingEnd.TIMED_OUT: 1}
    assert_nothing_left(exchange)


async def test_a_caller_who_gives_up_leaves_nothing() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    call_id = exchange.announced
    phone.call.hang_up()
    await exchange.run()
    assert exchange.worker.counters.rang == {RingEnd.ABANDONED: 1}
    with pytest.raises(CallNotFoundError):
        await exchange.worker.factory.accept(call_id, RealtimeSession())
    assert_nothing_left(exchange)


async def test_a_caller_who_gives_up_while_the_engine_opens_leaves_nothing() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    ready, exchange.worker.inference.answer = exchange.worker.inference.answer, None
    accepting = asyncio.create_task(exchange.accept())
    await exchange.run(0.1)
    phone.call.hang_up()
    await exchange.run()
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    exchange.worker.inference.answer = ready
    assert exchange.engine.closed
    assert_nothing_left(exchange)


async def test_what_can_be_told_to_which_call() -> None:
    exchange = Exchange()
    factory = exchange.worker.factory
    webrtc = (await exchange.worker.call()).call_id
    await exchange.call()
    with pytest.raises(NotAnsweredError):
        factory.refer(exchange.announced, "sip:b@c")
    call_id = await exchange.accept()
    for known, error in (
        (webrtc, NotSipError),
        (call_id, NotRingingError),
        ("rtc_no", CallNotFoundError),
    ):
        with pytest.raises(error):
            await factory.accept(known, RealtimeSession())
        with pytest.raises(error):
            factory.reject(known, 603)
    with pytest.raises(CallNotFoundError):
        factory.renegotiate(call_id, "v=0")


async def test_a_call_that_no_engine_takes_rings_on() -> None:
    exchange = Exchange()
    phone = await exchange.call()
    ready = exchange.worker.inference.answer
    exchange.worker.inference.answer = trunk.Error("at_capacity", "no", fatal=True)
    with pytest.raises(CallRefusedError):
        await exchange.accept()
    await exchange.run()
    assert phone.endings == []
    exchange.worker.inference.answer = ready
    await exchange.accept()
    assert "established" in phone.heard


async def test_there_is_no_room_for_more_than_there_is() -> None:
    exchange = Exchange(max_calls=1)
    await exchange.call()
    second = await exchange.call(Phone("second"))
    assert second.endings == [Ending(EndedBy.REFUSED, 503)]
    assert exchange.worker.counters.rang == {RingEnd.REFUSED: 1}


async def test_one_trunk_does_not_keep_others_from_ringing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transceiver.sip_calls.incoming_calls.MAX_RINGING_OF_ONE", 2)
    exchange = Exchange(TRUNK + '[[trunks]]\nname = "other"\nnetworks = ["192.0.2.128/25"]\n')
    phones = [await exchange.call(Phone(f"{number}")) for number in range(3)]
    assert [each.endings for each in phones] == [[], [], [Ending(EndedBy.REFUSED, 503)]]
    exchange.server.verdict = Caller("other", is_trunk=True)
    assert (await exchange.call(Phone("other"))).endings == []


async def test_a_trunk_has_its_limits() -> None:
    exchange = Exchange(TRUNK + "sessions = 1\n")
    first = await exchange.call()
    second = await exchange.call(Phone("second"))
    assert second.endings == [Ending(EndedBy.REFUSED, 486)]
    first.call.hang_up()
    await exchange.run()
    assert (await exchange.call(Phone("third"))).endings == []


async def test_an_offer_of_nothing_is_not_acceptable(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    exchange = Exchange()
    phone = Phone("odd")
    phone.make_offer = lambda: "v=0\r\n"  # type: ignore[method-assign]
    await exchange.call(phone)
    assert phone.endings == [Ending(EndedBy.REFUSED, 488)]
    assert exchange.worker.counters.rang == {RingEnd.NOT_ACCEPTABLE: 1}
    assert b'\r\nWarning: 399 antiphon "the SDP has no audio over RTP"\r\n' in refusal(exchange)
    assert "an offer was refused: the SDP has no audio over RTP" in caplog.text
    assert PHONE not in caplog.text


async def test_a_caller_is_told_why_its_media_cannot_be_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    exchange = Exchange()
    phone = await exchange.call(Phone("here", ("127.0.0.1", 4000)))
    with pytest.raises(OfferError):
        await exchange.accept()
    await exchange.run()
    assert phone.endings == [Ending(EndedBy.REFUSED, 488)]
    why = "the address of the peer's media is of the server's own host"
    assert f'\r\nWarning: 399 antiphon "{why}"\r\n'.encode() in refusal(exchange)
    assert f"an offer was refused: {why}" in caplog.text
    assert "127.0.0.1" not in caplog.text


def refusal(exchange: Exchange) -> bytes:
    return next(each for each in exchange.network.sent if each.startswith(b"SIP/2.0 488 "))


async def test_who_hangs_up_in_the_middle_of_an_answer_leaves_nothing() -> None:
    exchange = Exchange()
    call_id, phone, socket = await talking(exchange)
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(64_000))
    await exchange.run(0.1)
    [call] = exchange.worker.inference.calls
    gone = weakref.ref(call)
    exchange.worker.announced()
    phone.call.hang_up()
    await exchange.run()
    assert socket.closed is CloseReason.CLIENT_HANGUP
    assert exchange.engine.closed == "client_hangup"
    assert exchange.worker.announced() == [(MEDIA, UnbindReason.CLOSED)]
    assert call_id not in exchange.worker.factory
    assert_nothing_left(exchange)
    await exchange.run(40)
    del call
    exchange.worker.inference.opened.clear()
    gc.collect()
    assert gone() is None


async def test_the_application_hangs_up() -> None:
    exchange = Exchange()
    call_id, phone, _socket = await talking(exchange)
    exchange.worker.factory.hang_up(call_id)
    await exchange.run()
    assert phone.endings == [Ending(EndedBy.PEER)]
    assert_nothing_left(exchange)


async def test_keys_reach_the_application_by_either_way() -> None:
    exchange = Exchange()
    _call_id, phone, socket = await talking(exchange)
    event = phone.agreed.format.telephone_event_payload_type
    for duration in (160, 320):
        packet = phone.voice(bytes([5, 10]) + duration.to_bytes(2, "big"), event)
        exchange.worker.receive(packet[:4] + bytes(4) + packet[8:], MEDIA)
    [pressed] = socket.of("input_audio_buffer.dtmf_event_received")
    assert pressed == {
        "type": "input_audio_buffer.dtmf_event_received",
        "event": "5",
        "received_at": 1_800_000_000,
    }


async def test_a_held_call_is_neither_heard_nor_spoken_to() -> None:
    exchange = Exchange()
    _call_id, phone, _socket = await talking(exchange)
    pushed: list[bytes] = []
    exchange.engine.push_audio = lambda _at, pcm: pushed.append(pcm)  # type: ignore[method-assign]

    def offer(direction: Direction) -> str:
        return normal().replace("a=sendrecv", f"a={direction.value}")

    normal = phone.make_offer
    phone.make_offer = lambda: offer(Direction.SENDONLY)  # type: ignore[method-assign]
    phone.call.reinvite()
    await exchange.run()
    exchange.worker.take_sent()
    exchange.speak(phone)
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(640))
    await exchange.run()
    assert (exchange.rtp_to(), any(any(pcm) for pcm in pushed)) == ([], False)
    phone.make_offer = normal  # type: ignore[method-assign]
    phone.call.reinvite()
    await exchange.run()
    exchange.speak(phone)
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(640))
    await exchange.run()
    assert len(exchange.heard_at()) == 2
    assert any(any(pcm) for pcm in pushed)


async def test_a_transfer_ends_the_call_once_it_succeeded() -> None:
    exchange = Exchange()
    call_id, _phone, socket = await talking(exchange)
    exchange.worker.factory.refer(call_id, "sip:colleague@192.0.2.77")
    await exchange.run()
    call = exchange.worker.calls.find(call_id).call
    call.transferred(486)
    assert socket.of("error")[0]["error"]["code"] == "transfer_failed"
    call.transferred(200)
    call.ended(Ending(EndedBy.US))
    await exchange.run()
    assert exchange.worker.counters.closed == {CloseReason.TRANSFERRED: 1}


async def test_a_worker_that_stops_ends_what_rings_and_what_talks() -> None:
    exchange = Exchange()
    _call_id, talker, socket = await talking(exchange)
    ringer = await exchange.call(Phone("second"))
    exchange.worker.factory.close_sip()
    await exchange.run()
    assert talker.endings == [Ending(EndedBy.PEER)]
    assert ringer.endings == [Ending(EndedBy.REFUSED, 503)]
    assert socket.closed is CloseReason.SHUTDOWN
    assert_nothing_left(exchange)


async def test_an_exchange_changes_the_codec_in_the_middle() -> None:
    exchange = Exchange()
    _call_id, phone, _socket = await talking(exchange)
    normal = phone.make_offer

    def other() -> str:
        offer = normal().replace("RTP/AVP 0 ", "RTP/AVP 8 ")
        return offer.replace("a=rtpmap:0 PCMU", "a=rtpmap:8 PCMA")

    phone.make_offer = other  # type: ignore[method-assign]
    phone.answered = phone.heard.append  # type: ignore[method-assign]
    phone.call.reinvite()
    await exchange.run()
    exchange.worker.take_sent()
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(640))
    await exchange.run()
    assert {packet[1] & 0x7F for packet in exchange.heard_at()} == {8}


AT_HOME = "192.168.1.5", 4000
"""Where a phone behind NAT says that it is, and where it is seen."""
OUTSIDE = PHONE, 61_000
LEASED = 30_000


def behind_nat(exchange: Exchange) -> Phone:
    exchange.server.verdict = Caller("desk", is_trunk=False)
    return Phone("desk", AT_HOME)


async def test_a_phone_behind_nat_talks_by_a_port_of_its_own() -> None:
    exchange = Exchange()
    leases = exchange.worker.endpoint.leases
    phone = await exchange.call(behind_nat(exchange))
    accepting = asyncio.create_task(exchange.accept())
    await asyncio.sleep(0)
    now = exchange.worker.now
    leases.answered(RELAY, Leased(1, ("0.0.0.0", LEASED)), now)
    call_id = await accepting
    assert phone.agreed.remote == ("203.0.113.1", LEASED)
    assert exchange.worker.announced() == []
    leases.receive(RELAY, LEASED, phone.voice(), OUTSIDE, exchange.worker.now)
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(640))
    await exchange.run()
    assert exchange.worker.take_sent() == []
    sent = [(frame.client, relay) for frame, relay in exchange.worker.endpoint.leased]
    assert set(sent) == {(OUTSIDE, RELAY)}
    exchange.worker.factory.hang_up(call_id)
    assert len(leases) == 0


async def test_without_a_free_port_it_talks_by_the_public_one() -> None:
    exchange = Exchange()
    phone = await exchange.call(behind_nat(exchange))
    accepting = asyncio.create_task(exchange.accept())
    await asyncio.sleep(0)
    leases = exchange.worker.endpoint.leases
    leases.answered(RELAY, Leased(1, ("0.0.0.0", 0)), exchange.worker.now)
    await accepting
    assert phone.agreed.remote == ("203.0.113.1", 3478)
    assert len(leases) == 0


# ---- calls that go out -----------------------------------------------------


async def test_a_call_goes_out_by_the_trunk() -> None:
    exchange = Exchange()
    call_id, phone = await exchange.place(greeting="Say why you call.")
    [invite] = exchange.phones.requests
    assert str(invite.uri) == f"sip:+15550199@{PHONE}"
    assert invite.from_address.uri.user == "+15550100"
    assert "established" in phone.heard
    assert sideband(exchange, call_id).events[0]["type"] == "session.created"
    assert [each for each in exchange.engine.commands if isinstance(each, trunk.Respond)]
    phone.call.hang_up()
    await exchange.run()
    assert exchange.ended == [None]
    assert_nothing_left(exchange)


async def test_who_is_called_and_rings_hears_nothing_yet() -> None:
    exchange = Exchange()
    exchange.phones.answer = lambda session: session.ring()
    call_id, _phone = await exchange.place()
    exchange.worker.inference.opened[-1][0].engine_audio(trunk.UNSOLICITED, 0, bytes(6400))
    await exchange.run(5)
    assert exchange.worker.take_sent() == []
    exchange.worker.factory.hang_up(call_id)
    await exchange.run()
    assert "CANCEL" in exchange.network.methods()
    assert_nothing_left(exchange)


async def test_who_does_not_take_the_call_ends_it() -> None:
    exchange = Exchange()
    exchange.phones.answer = lambda session: session.ring()
    call_id, phone = await exchange.place()
    socket = sideband(exchange, call_id)
    phone.call.reject(486)
    await exchange.run()
    assert socket.of("error")[0]["error"]["code"] == "call_refused"
    assert "486" in socket.of("error")[0]["error"]["message"]
    assert socket.closed is CloseReason.REFUSED
    assert exchange.worker.counters.closed == {CloseReason.REFUSED: 1}
    assert_nothing_left(exchange)


async def test_an_application_that_comes_late_hears_why_its_call_was_not_taken() -> None:
    exchange = Exchange()
    exchange.phones.answer = lambda session: session.reject(486)
    call_id, _phone = await exchange.place()
    assert_nothing_left(exchange)
    assert exchange.worker.factory.creator(call_id) is None
    for _ in range(2):
        socket = sideband(exchange, call_id)
        assert [event["error"]["code"] for event in socket.of("error")] == ["call_refused"]
        assert "486" in socket.events[0]["error"]["message"]
        assert socket.closed is CloseReason.REFUSED
    with pytest.raises(CallNotFoundError):
        exchange.worker.factory.hang_up(call_id)
    await exchange.run(KEPT_S)
    with pytest.raises(CallNotFoundError):
        exchange.worker.factory.creator(call_id)
    with pytest.raises(CallNotFoundError):
        sideband(exchange, call_id)


async def test_a_call_that_was_cancelled_is_not_kept() -> None:
    exchange = Exchange()
    exchange.phones.answer = lambda session: session.ring()
    call_id, _phone = await exchange.place()
    exchange.worker.factory.hang_up(call_id)
    await exchange.run()
    with pytest.raises(CallNotFoundError):
        sideband(exchange, call_id)


async def test_who_never_answers_is_no_longer_called() -> None:
    exchange = Exchange()
    exchange.phones.answer = lambda session: session.ring()
    await exchange.place(ring_s=10.0)
    await exchange.run(50)
    assert exchange.worker.counters.closed == {CloseReason.UNANSWERED: 1}
    assert_nothing_left(exchange)


def assert_nothing_left(exchange: Exchange) -> None:
    """Of calls, but for transactions that answer what is repeated."""
    worker = exchange.worker
    assert len(worker.calls) == len(worker.sip) == 0
    assert worker.counters.open.total() == 0
    assert worker.tasks == set()
    assert worker.factory.outgoing._usage._sessions.total() == 0
    assert all(session.closed for _listener, session in worker.inference.opened)
