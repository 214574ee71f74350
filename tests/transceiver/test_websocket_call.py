"""A session whose audio is in events, with everything real but the socket and the replica."""

import base64
import copy
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from antiphon_proto import trunk
from antiphon_proto.realtime import RealtimeSession
from tests.transceiver import official_shapes
from tests.transceiver.call_table_driver import Inference
from tests.transceiver.event_rules import EventRules
from tests.transceiver.resumption.continuities import ORIGIN, continuities
from transceiver.appended_audio import MAX_AHEAD_S
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.counters import CallCounters
from transceiver.metrics import TurnLatency
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.conversation_record import restored_session
from transceiver.websocket_call import (
    CONGESTED_BYTES,
    MAX_CONGESTED_S,
    MAX_UNSENT_BYTES,
    WebSocketCall,
)

INPUT_RATE, OUTPUT_RATE = 16_000, 22_050
READY = trunk.Ready("test", INPUT_RATE, OUTPUT_RATE, full_duplex=False)
IDLE_S, MAX_S = 60, 600
A_SECOND = 48_000


class Socket:
    def __init__(self, rules: EventRules | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.unsent_bytes = 0
        self.closed: CloseReason | None = None
        self.rules = rules or EventRules()
        self.rules.greeted = False

    def send(self, event: bytes) -> None:
        assert self.closed is None
        decoded = json.loads(event)
        official_shapes.check(decoded)
        self.rules.take(decoded)
        self.events.append(decoded)

    def close(self, reason: CloseReason) -> None:
        self.closed = reason

    def last(self, type_: str) -> dict[str, Any]:
        return next(event for event in reversed(self.events) if event["type"] == type_)

    def audio(self) -> bytes:
        deltas = [e["delta"] for e in self.events if e["type"] == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


class Driver:
    def __init__(
        self,
        session: dict[str, Any] | None = None,
        *,
        start: bool = True,
        taken_up: TakenUp | None = None,
    ) -> None:
        self.now = 1000.0
        self.inference = Inference()
        self.counters = CallCounters()
        self.socket = Socket()
        self.call = WebSocketCall(
            "ws_test",
            session=restored_session(taken_up.snapshot)
            if taken_up
            else RealtimeSession().merged(json.dumps(session or {})),
            environment=CallEnvironment(
                replicas=self.inference,
                counters=self.counters,
                turn_latency=TurnLatency(CollectorRegistry()),
                clock=lambda: self.now,
                unix_time=lambda: 1_800_000_000.0,
                max_seconds=MAX_S,
                max_idle_seconds=IDLE_S,
            ),
            continuity=continuities().of(ORIGIN, taken_up),
        )
        self.pushed: list[tuple[int, bytes]] = []
        self.listener, self.session = self.inference.opened[0]
        self.session.push_audio = lambda position, pcm: self.pushed.append((position, pcm))
        self.listener.engine_event(READY)
        if start:
            self.call.start(self.socket)

    def client(self, type_: str, **members: Any) -> None:
        self.message(json.dumps({"type": type_, **members}).encode())

    def message(self, message: bytes) -> None:
        self.call.receive(message)
        while wait_s := self.call.forward():
            self.now += wait_s

    def append(self, audio: bytes, **members: Any) -> None:
        encoded = base64.b64encode(audio).decode()
        self.client("input_audio_buffer.append", audio=encoded, **members)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.call.tick(self.now)

    def respond(self) -> None:
        self.client("response.create")

    def speech(self, milliseconds: int, response: int = 1) -> None:
        pcm = bytes(OUTPUT_RATE * milliseconds // 1000 * 2)
        self.listener.engine_audio(response, 0, pcm)

    def commands(self, kind: type) -> list[Any]:
        return [command for command in self.session.commands if isinstance(command, kind)]

    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.socket.last("error")["error"]
        return error


def test_session_created_comes_first_and_names_the_formats() -> None:
    driver = Driver(start=False)
    driver.listener.engine_event(trunk.SpeechStarted(0))
    driver.call.start(driver.socket)
    created, _conversation, spoke = driver.socket.events
    assert created["type"] == "session.created"
    assert created["session"]["expires_at"] == 1_800_000_000 + MAX_S
    for side in ("input", "output"):
        expected = {"type": "audio/pcm", "rate": 24000}
        assert created["session"]["audio"][side]["format"] == expected
    assert spoke["type"] == "input_audio_buffer.speech_started"


@pytest.mark.parametrize(
    ("audio_format", "a_second"), [("audio/pcm", 48_000), ("audio/pcmu", 8_000)]
)
def test_audio_goes_both_ways_in_the_clients_format(audio_format: str, a_second: int) -> None:
    side = {"format": {"type": audio_format}}
    driver = Driver({"audio": {"input": side, "output": side}})
    driver.append(bytes(a_second))
    driver.append(bytes(a_second // 2))
    assert sum(len(pcm) for _position, pcm in driver.pushed) == INPUT_RATE * 3
    ends = [position + len(pcm) // 2 for position, pcm in driver.pushed]
    assert [position for position, _pcm in driver.pushed] == [0, *ends[:-1]]
    driver.respond()
    driver.speech(400)
    assert len(driver.socket.audio()) == pytest.approx(0.4 * a_second, abs=2)


def test_a_response_may_have_a_format_of_its_own() -> None:
    driver = Driver()
    output = {"audio": {"output": {"format": {"type": "audio/pcma"}}}}
    driver.client("response.create", response=output)
    driver.speech(400)
    assert len(driver.socket.audio()) == pytest.approx(0.4 * 8_000, abs=2)


def test_a_commit_comes_behind_the_audio_before_it() -> None:
    driver = Driver({"audio": {"input": {"turn_detection": None}}})
    driver.append(bytes(30 * A_SECOND))
    driver.client("input_audio_buffer.commit")
    assert sum(len(pcm) for _position, pcm in driver.pushed) == 30 * INPUT_RATE * 2
    assert len(driver.commands(trunk.Commit)) == 1
    assert driver.socket.last("conversation.item.added")


def test_the_engine_has_credit_for_what_the_socket_took() -> None:
    driver = Driver()
    driver.respond()
    driver.speech(200)
    driver.speech(200)
    assert driver.commands(trunk.PlaybackCredit) == [
        trunk.PlaybackCredit(1, 200),
        trunk.PlaybackCredit(1, 400),
    ]


def test_credit_is_given_in_steps_and_for_the_rest_when_the_answer_ends() -> None:
    driver = Driver()
    driver.respond()
    for _ in range(3):
        driver.speech(60)
        driver.tick(0.1)
    assert driver.commands(trunk.PlaybackCredit) == [trunk.PlaybackCredit(1, 180)]
    driver.speech(60)
    driver.listener.engine_event(trunk.Done(1, trunk.DoneStatus.COMPLETED))
    assert driver.commands(trunk.PlaybackCredit)[1:] == [trunk.PlaybackCredit(1, 240)]


def test_a_client_that_does_not_read_stops_its_engine_and_then_its_connection() -> None:
    driver = Driver()
    driver.respond()
    driver.socket.unsent_bytes = CONGESTED_BYTES + 1
    driver.speech(200)
    driver.tick(0.1)
    assert driver.commands(trunk.PlaybackCredit) == []
    driver.socket.unsent_bytes = 0
    driver.tick(0.1)
    assert driver.commands(trunk.PlaybackCredit) == [trunk.PlaybackCredit(1, 200)]
    driver.socket.unsent_bytes = CONGESTED_BYTES + 1
    driver.tick(0.1)
    driver.tick(MAX_CONGESTED_S - 0.1)
    assert driver.socket.closed is None
    driver.tick(0.2)
    assert driver.socket.closed is CloseReason.CHANNEL_BROKEN
    assert driver.call.deserted
    driver.tick(30.0)
    assert driver.call.closed is None
    again = Socket()
    driver.call.resume(again, None)
    assert again.events[0]["type"] == "session.created"
    assert again.audio()
    assert driver.call.closed is None


def test_a_client_that_leaves_too_much_unread_is_closed_at_once() -> None:
    driver = Driver()
    driver.socket.unsent_bytes = MAX_UNSENT_BYTES + 1
    driver.client("input_audio_buffer.clear")
    assert driver.socket.closed is CloseReason.CHANNEL_BROKEN


def test_barge_in_cancels_at_once_and_late_audio_is_dropped() -> None:
    driver = Driver()
    driver.respond()
    driver.speech(200)
    driver.listener.engine_event(trunk.SpeechStarted(0))
    done = driver.socket.last("response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert driver.commands(trunk.Cancel) == [trunk.Cancel(1, 200)]
    sent = driver.socket.audio()
    driver.speech(200)
    assert driver.socket.audio() == sent
    item_id = driver.socket.last("response.output_item.done")["item"]["id"]
    driver.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=120)
    assert driver.commands(trunk.ItemTruncate) == [trunk.ItemTruncate(item_id, 120)]


BAD = {
    b"{": "invalid_json",
    b"\xff\xfe": "invalid_json",
    b"[]": "invalid_value",
    b'{"type": "no.such.event"}': "invalid_value",
    b'{"type": "input_audio_buffer.append", "audio": "not base64!"}': "invalid_value",
    b'{"type": "input_audio_buffer.append", "audio": 7}': "invalid_value",
    b'{"type": "input_audio_buffer.append"}': "missing_required_parameter",
    b'{"type": "session.update", "session": ' + b'{"x": ' * 30_000: "invalid_json",
    b'{"type": "session.update", "session": {"x": "' + b"y" * 300_000: "invalid_json",
    b'{"type": "response.cancel", "response_id": "%s"}' % (b"y" * 300_000): "event_too_large",
}


@pytest.mark.parametrize("message", BAD, ids=lambda message: message[:60].decode(errors="ignore"))
def test_a_message_that_is_refused_leaves_the_session_as_it_was(message: bytes) -> None:
    driver = Driver()
    driver.message(message)
    assert driver.error()["code"] == BAD[message]
    driver.client("input_audio_buffer.clear")
    assert driver.socket.events[-1]["type"] == "input_audio_buffer.cleared"
    assert driver.socket.closed is None


def test_an_event_has_room_for_fifteen_mebibytes_of_audio_and_no_more() -> None:
    driver = Driver()
    driver.append(bytes(15 << 20))
    assert "error" not in [event["type"] for event in driver.socket.events]
    assert sum(len(pcm) for _position, pcm in driver.pushed) == pytest.approx(
        (15 << 20) * INPUT_RATE / 24_000, abs=4
    )
    driver.append(bytes(16 << 20), event_id="mine")
    assert driver.error()["code"] == "event_too_large"


def test_audio_that_comes_too_fast_is_refused_by_its_event() -> None:
    driver = Driver({"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    driver.append(bytes(8_000 * int(MAX_AHEAD_S + 1)), event_id="mine")
    assert (driver.error()["code"], driver.error()["event_id"]) == ("rate_limit_exceeded", "mine")
    assert driver.pushed == []
    driver.append(bytes(8_000))
    assert len(driver.pushed) == 10


def test_silence_is_no_activity_and_events_are() -> None:
    driver = Driver()
    for _ in range(IDLE_S):
        driver.append(bytes(A_SECOND // 10))
        driver.tick(0.9)
    driver.client("input_audio_buffer.clear")
    for _ in range(IDLE_S):
        driver.append(bytes(A_SECOND // 10))
        driver.tick(0.9)
    assert driver.socket.closed is None
    driver.tick(IDLE_S)
    assert driver.socket.closed is CloseReason.IDLE
    assert driver.error()["code"] == "session_idle"


def test_a_session_is_as_long_as_calls_may_be() -> None:
    driver = Driver()
    for _ in range(MAX_S):
        driver.client("input_audio_buffer.clear")
        driver.tick(1)
    driver.tick(1)
    assert driver.socket.closed is CloseReason.MAX_DURATION
    assert driver.error()["code"] == "session_expired"


def test_live_audio_that_belongs_to_no_response_is_not_sent() -> None:
    driver = Driver()
    driver.listener.engine_audio(trunk.UNSOLICITED, 0, bytes(960))
    assert driver.socket.audio() == b""
    assert driver.commands(trunk.PlaybackCredit) == []


def test_a_defect_ends_the_session_that_met_it(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    monkeypatch.setattr(driver.call, "_append", None)
    driver.append(bytes(960))
    assert driver.socket.closed is CloseReason.INTERNAL_ERROR
    driver.append(bytes(960))
    assert driver.counters.closed == {CloseReason.INTERNAL_ERROR: 1}


def test_a_lost_client_hears_the_rest_when_it_comes_again() -> None:
    driver = Driver()
    driver.respond()
    driver.speech(100)
    last = driver.socket.events[-1]["event_id"]
    driver.call.lose(driver.socket, CloseReason.CLIENT_LOST)
    credited = len(driver.commands(trunk.PlaybackCredit))
    driver.speech(100)
    assert len(driver.commands(trunk.PlaybackCredit)) == credited
    again = Socket(driver.socket.rules)
    driver.call.resume(again, last)
    created, *missed = again.events
    assert created["session"]["id"] == driver.socket.events[0]["session"]["id"]
    assert created["session"]["resume"]["resumed"] == "replayed"
    assert created["session"]["resume"]["complete"]
    assert [event["type"] for event in missed] == ["response.output_audio.delta"]
    assert len(driver.commands(trunk.PlaybackCredit)) == credited + 1
    assert driver.call.closed is None


def test_a_lost_client_is_waited_for_as_long_as_it_was_told() -> None:
    driver = Driver()
    seconds = driver.socket.events[0]["session"]["resume"]["seconds"]
    driver.call.lose(driver.socket, CloseReason.CLIENT_LOST)
    driver.tick(seconds / 2)
    driver.client("input_audio_buffer.clear")  # It is not idle meanwhile.
    driver.tick(seconds / 2)
    assert driver.call.closed is None
    driver.tick(0.1)
    assert driver.call.closed is CloseReason.CLIENT_LOST


def test_a_later_connection_replaces_one_that_seems_to_live() -> None:
    driver = Driver()
    again = Socket(driver.socket.rules)
    driver.call.resume(again, None)
    assert driver.socket.closed is CloseReason.RESUMED
    driver.call.lose(driver.socket, CloseReason.CLIENT_LOST)
    assert not driver.call.deserted


def test_what_is_taken_elsewhere_goes_on_there() -> None:
    driver = Driver({"instructions": "Be brief."})
    part = {"type": "input_text", "text": "hello"}
    item = {"id": "item_1", "type": "message", "role": "user", "content": [part]}
    driver.client("conversation.item.create", item=item)
    driver.respond()
    driver.listener.engine_event(trunk.TextDelta(1, "Good day"))
    snapshot = driver.call.record.snapshot()
    rules = copy.deepcopy(driver.socket.rules)
    assert driver.call.take(None).snapshot.unfinished == ()
    assert driver.call.closed is CloseReason.RESUMED

    restored = Driver(start=False, taken_up=TakenUp(snapshot))
    restored.socket = Socket(rules)
    restored.call.start(restored.socket)
    [opening] = restored.commands(trunk.Open)
    assert opening.history[0].id == "item_1"
    assert opening.config.instructions == "Be brief."
    types = [event["type"] for event in restored.socket.events]
    assert types[:7] == [
        "session.created",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    done = restored.socket.events[6]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "server_lost")
    [said] = done["output"]
    assert said["content"][0]["transcript"] == "Good day"
    assert "response.created" in types  # The user waits for an answer.
