"""Calls from replica to replica: killed, drained, full, wrong, silent."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon_proto import trunk as engine
from antiphon_proto.trunk import DoneStatus
from chassis.host_port import HostPort
from tests.transceiver.conversation_driver import RATE
from tests.transceiver.handed_off_call import READY, A, B, HandedOffCall, Replicas
from transceiver import engine_link, engine_move
from transceiver.engine_link import EngineLink
from transceiver.hand_off import HandOffOutcome, HandOffReason

SAID = "The quick brown fox"


@pytest.fixture
def call() -> HandedOffCall:
    return HandedOffCall()


class TestLost:
    def test_what_was_interrupted_goes_on_where_it_was_heard(self, call: HandedOffCall) -> None:
        item = call.turn(call.first, "tell me")
        call.say(call.first, 1, f"{SAID} jumps over the dog", 1200)
        call.play(1000)
        call.kill(A)
        assert call.latest.replica == B
        assert call.latest.order[:3] == ["Open", "Respond", "audio"]
        assert call.contents(call.latest) == ["tell me"]
        assert call.latest.sent(engine.Open)[0].history[0].id == item
        [request] = call.latest.sent(engine.Respond)
        assert request.response == 1
        assert SAID.startswith(request.said)
        call.latest.tell(READY)
        rest = f"{SAID} jumps over the dog"[len(request.said) :]
        call.say(call.latest, 1, rest, 1000)
        call.latest.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.play(2000)
        assert call.transcripts() == [f"{SAID} jumps over the dog"]
        assert call.deltas() == f"{SAID} jumps over the dog"
        assert call.playout.played_ms(1) == 2200
        assert call.last("response.done")["response"]["status"] == "completed"
        assert call.counters.ended == {(HandOffReason.LOST, HandOffOutcome.RESUMED): 1}

    def test_answers_beside_the_conversation_go_on_too(self, call: HandedOffCall) -> None:
        aside = {"conversation": "none", "output_modalities": ["text"], "input": []}
        call.client("response.create", response=aside)
        call.turn(call.first, "tell me")
        call.say(call.first, 1, "calm", 0)
        call.say(call.first, 2, SAID, 1000)
        call.client("response.create", response=aside)
        call.first.tell(engine.Done(3, DoneStatus.COMPLETED))
        call.kill(A)
        requests = call.latest.sent(engine.Respond)
        assert [(each.response, each.out_of_band) for each in requests] == [(1, True), (2, False)]
        assert (requests[0].context, requests[0].said) == ((), "calm")
        call.latest.tell(READY)
        call.say(call.latest, 2, " jumps", 1000)
        call.latest.tell(engine.Done(2, DoneStatus.COMPLETED))
        call.say(call.latest, 1, ", and glad", 0)
        call.latest.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.play(3000)
        call.rules.settle()
        written = [
            event["text"] for event in call.events if event["type"] == "response.output_text.done"
        ]
        assert written == ["calm, and glad"]
        link = call.link
        assert link is not None
        link.command(engine.PlaybackCredit(3, 40))
        assert [each.response for each in call.latest.sent(engine.PlaybackCredit)] == []

    def test_playback_counts_from_where_the_next_engine_began(self, call: HandedOffCall) -> None:
        call.turn(call.first, "tell me")
        call.say(call.first, 1, SAID, 1000)
        call.kill(A)
        call.latest.tell(READY)
        link = call.link
        assert link is not None
        for played_ms in (600, 1400):
            link.command(engine.PlaybackCredit(1, played_ms))
        assert [each.played_ms for each in call.latest.sent(engine.PlaybackCredit)] == [0, 400]
        call.say(call.latest, 1, " jumps", 1000)
        call.play(1500)
        call.latest.tell(engine.SpeechStarted(call.position_ms))
        assert call.latest.sent(engine.Cancel) == [engine.Cancel(1, 500)]

    def test_speech_that_is_going_on_is_heard_again(self, call: HandedOffCall) -> None:
        call.input(4000)
        start = call.position_ms
        call.first.tell(engine.SpeechStarted(start))
        call.input(2000)
        call.kill(A)
        call.latest.tell(READY)
        heard = call.latest.heard
        assert heard[0][0] * 1000 // RATE <= start
        assert heard[-1][1] * 1000 // RATE == call.position_ms
        mark = call.mark()
        call.latest.tell(engine.SpeechStarted(start))
        assert call.types(mark) == []
        call.input(500)
        call.latest.tell(
            engine.SpeechStopped(call.position_ms), engine.TurnEnded(call.position_ms - 300)
        )
        assert len(call.latest.sent(engine.Commit)) == 1
        assert call.types(mark)[:2] == [
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        ]

    @pytest.mark.parametrize("meant", [True, False])
    def test_an_answer_that_is_held_waits_for_the_next_engines_verdict(
        self, call: HandedOffCall, meant: bool
    ) -> None:
        judges = replace(READY, judges_interruptions=True)
        call.first.tell(judges)
        call.turn(call.first, "tell me")
        call.say(call.first, 1, SAID, 2000)
        call.play(500)
        call.first.tell(engine.SpeechStarted(call.position_ms))
        call.input(200)
        call.kill(A)
        call.latest.tell(judges)
        call.play(200)
        assert call.playout.played_ms(1) == 500
        call.latest.tell(engine.SpeechStarted(call.position_ms - 200))
        if meant:
            call.latest.tell(engine.FloorTaken())
            assert [each.response for each in call.latest.sent(engine.Cancel)] == [1]
            assert call.last("response.done")["response"]["status"] == "cancelled"
        else:
            call.latest.tell(engine.SpeechDismissed(call.position_ms))
            call.play(1000)
            assert call.playout.played_ms(1) > 1000
            assert call.latest.sent(engine.Commit) == []

    def test_a_turn_whose_words_were_not_known_is_committed_again(
        self, call: HandedOffCall
    ) -> None:
        item = call.turn(call.first)
        start, end = 0, call.position_ms
        call.kill(A)
        assert call.contents(call.latest) == []
        assert call.latest.sent(engine.Commit) == [engine.Commit(item)]
        order = call.latest.order
        assert order.index("audio") < order.index("Commit") < order.index("Respond")
        mark = call.mark()
        call.latest.tell(
            READY,
            engine.SpeechStarted(start),
            engine.InputTranscript("", "tell", final=False),
            engine.SpeechStopped(end),
            engine.TurnEnded(end - 500),
        )
        assert call.types(mark) == []
        call.latest.tell(engine.InputTranscript(item, "tell me", final=True))
        call.kill(B)
        call.replicas.up = [A]
        call.pass_time(0.2)
        assert call.contents(call.latest) == ["tell me"]

    def test_an_answer_that_called_a_tool_is_over(self, call: HandedOffCall) -> None:
        call.turn(call.first, "tell me")
        call.first.tell(engine.ToolCall(1, engine.FunctionCall("c1", "look", "{}")))
        call.kill(A)
        assert call.latest.sent(engine.Respond) == []
        assert call.contents(call.latest)[-1] == engine.FunctionCall("c1", "look", "{}")
        assert call.last("response.done")["response"]["status"] == "completed"

    def test_what_the_client_asks_meanwhile_is_not_lost(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        call.kill(A)
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
        call.client("conversation.item.create", item=item)
        call.client("session.update", session={"type": "realtime", "instructions": "be kind"})
        call.client("response.create")
        call.replicas.up = [B]
        call.pass_time(0.2)
        [opening] = call.latest.sent(engine.Open)
        assert opening.config.instructions == "be kind"
        assert call.contents(call.latest) == ["a"]
        assert [each.response for each in call.latest.sent(engine.Respond)] == [1]

    def test_an_answer_that_is_whole_and_was_not_heard_yet_is_told(
        self, call: HandedOffCall
    ) -> None:
        call.turn(call.first, "tell me")
        call.say(call.first, 1, SAID, 1000)
        call.first.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.kill(A)
        assert call.contents(call.latest) == ["tell me", SAID]
        assert call.latest.sent(engine.Respond) == []
        call.play(1200)
        assert call.last("response.done")["response"]["status"] == "completed"

    def test_a_turn_that_waited_for_an_answer_with_a_tool_is_answered(
        self, call: HandedOffCall
    ) -> None:
        call.client(
            "session.update",
            session={
                "type": "realtime",
                "audio": {
                    "input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}
                },
            },
        )
        call.turn(call.first, "tell me")
        call.first.tell(engine.ToolCall(1, engine.FunctionCall("c1", "look", "{}")))
        call.turn(call.first, "and that")
        call.kill(A)
        assert [each.response for each in call.latest.sent(engine.Respond)] == [2]

    def test_speech_of_a_client_that_commits_by_itself_is_heard_again(
        self, call: HandedOffCall
    ) -> None:
        audio = {"input": {"turn_detection": None}}
        call.client("session.update", session={"type": "realtime", "audio": audio})
        call.input(4000)
        call.kill(A)
        assert call.latest.heard[0][0] == 0

    def test_without_another_replica_the_call_waits_and_ends(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        call.kill(A)
        call.pass_time(engine_link.ADRIFT_S - 0.2)
        assert call.closed == []
        call.pass_time(0.4)
        assert len(call.closed) == 1
        assert call.error()["code"] == "engine_lost"
        assert call.counters.ended == {(HandOffReason.LOST, HandOffOutcome.ABANDONED): 1}

    def test_it_comes_back_in_time(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        call.kill(A)
        call.pass_time(2.0)
        call.replicas.up = [A]
        call.pass_time(0.2)
        call.latest.tell(READY)
        call.pass_time(5.0)
        assert call.closed == []

    @pytest.mark.parametrize("code", ["at_capacity", "draining", "engine_failed"])
    def test_one_that_refuses_is_followed_by_another(self, call: HandedOffCall, code: str) -> None:
        call.replicas.up = [A, B]
        other = call.replicas.up.pop()
        third = type(A)("10.0.0.3", 1)
        call.replicas.up = [other, third]
        call.first.listener.engine_lost()
        call.latest.tell(engine.Error(code, "no", fatal=True))
        assert call.latest.replica == third
        call.latest.tell(READY)
        assert call.closed == []

    def test_one_that_never_says_ready_is_followed_by_another(self, call: HandedOffCall) -> None:
        call.replicas.up = [B, A]
        call.first.listener.engine_lost()
        assert call.latest.replica == B
        call.pass_time(engine_link.REOPEN_TIMEOUT_S + 0.2)
        assert call.latest.replica == A
        assert B in call.replicas.failures

    def test_one_that_refuses_is_asked_again_only_after_a_while(self, call: HandedOffCall) -> None:
        call.kill(A)
        refused = engine.Error("at_capacity", "full", fatal=True)
        call.latest.tell(refused)
        for _ in range(9):
            call.pass_time(0.1)
            call.latest.tell(refused)
        assert 3 <= len(call.replicas.sessions) <= 4
        third = type(A)("10.0.0.3", 1)
        call.replicas.up.append(third)
        call.pass_time(0.1)
        assert call.latest.replica == third

    def test_one_with_other_sample_rates_is_of_no_use(self, call: HandedOffCall) -> None:
        call.replicas.up = [B, A]
        call.first.listener.engine_lost()
        call.latest.tell(engine.Ready("test", 8000, 8000, full_duplex=False))
        assert call.latest.replica == A
        assert call.replicas.sessions[1].closed == "handed_off"

    def test_a_call_that_fails_every_engine_ends(self, call: HandedOffCall) -> None:
        for _ in range(engine_link.MAX_LOSSES):
            call.latest.tell(engine.Error("engine_failed", "a bug", fatal=True))
            call.pass_time(0.1)
            call.latest.tell(READY)
        assert len(call.closed) == 1
        assert call.error()["code"] == "engine_failed"


class TestDraining:
    def test_the_next_one_is_warm_before_it_takes_over_in_a_pause(
        self, call: HandedOffCall
    ) -> None:
        call.turn(call.first, "tell me")
        call.say(call.first, 1, SAID, 1000)
        call.drain(A)
        warm = call.latest
        assert (warm.replica, warm.sent(engine.Respond)) == (B, [])
        warm.tell(READY)
        call.pass_time(1.0)
        assert call.first.closed is None
        call.first.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.play(1200)
        call.pass_time(0.1)
        assert call.first.closed == "handed_off"
        [create] = warm.sent(engine.ItemCreate)
        assert create.item.content == SAID
        call.input(200)
        assert warm.heard[-1][1] * 1000 // RATE == call.position_ms
        assert call.playout.played_ms(1) == 1000
        call.turn(warm, "and now")
        assert [each.response for each in warm.sent(engine.Respond)] == [2]
        assert call.counters.ended == {(HandOffReason.DRAINING, HandOffOutcome.IN_PAUSE): 1}

    def test_what_changes_while_it_warms_is_told_at_last(self, call: HandedOffCall) -> None:
        call.drain(A)
        warm = call.latest
        call.client("session.update", session={"type": "realtime", "instructions": "be kind"})
        call.turn(call.first, "good bye")
        call.say(call.first, 1, "Bye.", 200)
        call.first.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.play(600)
        warm.tell(READY)
        call.pass_time(0.1)
        assert [each.item.content for each in warm.sent(engine.ItemCreate)] == ["good bye", "Bye."]
        assert warm.sent(engine.Update)[-1].config.instructions == "be kind"

    def test_without_a_pause_it_leaves_before_the_deadline(self, call: HandedOffCall) -> None:
        call.turn(call.first, "tell me")
        call.say(call.first, 1, SAID, 30_000)
        call.drain(A, seconds=5)
        call.latest.tell(READY)
        call.pass_time(3.8)
        assert call.first.closed is None
        call.pass_time(0.4)
        assert call.first.closed == "handed_off"
        assert [each.response for each in call.latest.sent(engine.Respond)] == [1]

    def test_it_waits_for_another_replica(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        call.drain(A)
        call.pass_time(2)
        assert call.first.closed is None
        call.replicas.up = [A, B]
        call.pass_time(0.1)
        call.latest.tell(READY)
        call.pass_time(0.1)
        assert call.first.closed == "handed_off"

    def test_the_warm_one_may_die_too(self, call: HandedOffCall) -> None:
        call.drain(A)
        call.kill(B)
        call.pass_time(1)
        assert call.first.closed is None
        assert call.closed == []

    def test_the_warm_one_may_drain_too(self, call: HandedOffCall) -> None:
        third = type(A)("10.0.0.3", 1)
        call.replicas.up.append(third)
        call.turn(call.first, "tell me")
        call.drain(A)
        warm = call.latest
        warm.tell(READY)
        call.drain(B)
        assert warm.closed == "handed_off"
        assert B not in call.replicas.failures
        call.pass_time(engine_move.RETRY_S + 0.1)
        assert call.latest.replica == third

    def test_one_that_was_full_is_asked_again(self, call: HandedOffCall) -> None:
        call.drain(A)
        for _ in range(3):
            call.latest.tell(engine.Error("at_capacity", "full", fatal=True))
            asked = len(call.replicas.sessions)
            call.pass_time(engine_move.RETRY_S + 0.2)
            assert len(call.replicas.sessions) == asked + 1
            assert call.latest.replica == B

    def test_the_one_that_drains_may_die(self, call: HandedOffCall) -> None:
        call.turn(call.first, "tell me")
        call.drain(A)
        call.kill(A)
        assert [each.response for each in call.latest.sent(engine.Respond)] == [1]
        call.latest.tell(READY)
        assert call.closed == []

    def test_audio_of_the_warm_one_is_not_heard(self, call: HandedOffCall) -> None:
        call.drain(A)
        call.say(call.latest, 1, "too soon", 100)
        assert call.playout.buffered_ms == 0

    def test_an_old_answer_that_is_cut_is_told_as_text(self, call: HandedOffCall) -> None:
        call.turn(call.first, "tell me")
        call.say(call.first, 1, "one two three four five six seven eight nine ten", 3000)
        call.first.tell(engine.Done(1, DoneStatus.COMPLETED))
        call.play(1000)
        call.kill(A)
        call.latest.tell(READY)
        call.latest.tell(engine.SpeechStarted(call.position_ms))
        assert call.latest.sent(engine.Cancel) == []
        [cut] = call.latest.sent(engine.ItemCreate)
        assert str(cut.item.content).startswith("one two")
        assert "ten" not in str(cut.item.content)


class TestContext:
    def test_an_engine_whose_context_is_full_gets_a_compact_history(
        self, call: HandedOffCall
    ) -> None:
        for number in range(60):
            item = {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": f"word {number}"}],
            }
            call.client("conversation.item.create", item=item)
        call.first.tell(engine.Draining(60_000))
        told = call.contents(call.latest)
        assert told == [f"word {number}" for number in range(20, 60)]
        call.latest.tell(READY)
        call.pass_time(0.1)
        assert call.latest.sent(engine.ItemCreate) == []
        assert call.counters.ended == {(HandOffReason.CONTEXT, HandOffOutcome.IN_PAUSE): 1}

    def test_without_a_pause_it_gets_one_too(self, call: HandedOffCall) -> None:
        for _ in range(60):
            call.turn(call.first, "word")
            response = call.first.sent(engine.Respond)[-1].response
            call.first.tell(engine.Done(response, DoneStatus.COMPLETED))
        call.turn(call.first, "tell me")
        call.say(call.first, 61, SAID, 30_000)
        call.first.tell(engine.Draining(5_000))
        call.pass_time(4.2)
        assert call.first.closed == "handed_off"
        assert len(call.contents(call.latest)) == 40
        assert [each.response for each in call.latest.sent(engine.Respond)] == [61]

    def test_it_does_not_move_again_and_again(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        for _ in range(5):
            call.latest.tell(engine.Draining(60_000))
            call.latest.tell(READY)
            call.pass_time(0.1)
        assert len(call.replicas.sessions) == 2
        call.pass_time(engine_link.MIN_STAY_S)
        call.latest.tell(engine.Draining(60_000))
        assert len(call.replicas.sessions) == 3

    def test_it_may_stay_at_its_replica(self, call: HandedOffCall) -> None:
        call.replicas.up = [A]
        call.first.tell(engine.Draining(60_000))
        assert call.latest is not call.first
        assert call.latest.replica == A

    def test_a_long_call_is_compacted(
        self, call: HandedOffCall, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_link, "TOLD_ITEMS", 6)
        for _ in range(4):
            call.turn(call.latest, "word")
            response = call.latest.sent(engine.Respond)[-1].response
            call.say(call.latest, response, "Yes.", 100)
            call.latest.tell(engine.Done(response, DoneStatus.COMPLETED))
            call.play(300)
            call.pass_time(0.1)
            if call.latest is not call.first:
                call.latest.tell(READY)
                call.pass_time(0.1)
        assert call.first.closed == "handed_off"
        assert call.contents(call.latest)[:2] == ["word", "Yes."]


async def test_a_call_that_begins_tries_other_replicas() -> None:
    call = HandedOffCall()
    link = call.link
    assert link is not None
    call.first.answer = engine.Error("at_capacity", "full", fatal=True)
    assert await link.opened() == READY
    assert (call.first.closed, call.latest.replica) == ("engine_failed", B)
    assert len(call.latest.sent(engine.Open)) == 1


@pytest.mark.parametrize("rates", [(0, 4_000_000_000), (16_000, 24_001)])
async def test_a_call_begins_at_no_replica_whose_rates_are_nonsense(rates: tuple[int, int]) -> None:
    call, replicas = HandedOffCall(), Replicas()
    link = EngineLink(replicas, call, clock=lambda: 0.0, counters=call.counters)
    [first] = replicas.sessions
    link.command(call.engine_opening())
    first.answer = engine.Ready("test", *rates, full_duplex=False)
    first.tell(first.answer)
    assert await link.opened() == READY
    assert replicas.sessions[-1].replica == B


async def test_a_call_that_every_replica_refuses_is_told_why() -> None:
    call = HandedOffCall()
    link = call.link
    assert link is not None
    refused = engine.Error("at_capacity", "full", fatal=True)
    call.first.answer = refused
    call.replicas.up = [A]
    assert await link.opened() == refused
    assert call.first.closed == "engine_failed"


class Course(RuleBasedStateMachine):
    """Replicas and users in any order: one session serves, and the client is told once."""

    def __init__(self) -> None:
        super().__init__()
        self.call = HandedOffCall()

    @rule(replica=st.sampled_from([A, B]))
    def kill(self, replica: HostPort) -> None:
        self.call.kill(replica)

    @rule(replica=st.sampled_from([A, B]))
    def drain(self, replica: HostPort) -> None:
        self.call.drain(replica)

    @rule(replica=st.sampled_from([A, B]))
    def come(self, replica: HostPort) -> None:
        self.call.replicas.draining_ones.discard(replica)
        if replica not in self.call.replicas.up:
            self.call.replicas.up.append(replica)

    @rule(index=st.integers(0, 3))
    def be_ready(self, index: int) -> None:
        self.call.replicas.sessions[-1 - index % len(self.call.replicas.sessions)].tell(READY)

    @rule(code=st.sampled_from(["at_capacity", "engine_failed"]))
    def refuse(self, code: str) -> None:
        self.call.latest.tell(engine.Error(code, "no", fatal=True))

    @rule()
    def speak(self) -> None:
        self.call.latest.tell(engine.SpeechStarted(self.call.position_ms))
        self.call.input(100)

    @rule()
    def end_turn(self) -> None:
        end = self.call.position_ms
        self.call.latest.tell(engine.SpeechStopped(end), engine.TurnEnded(end))

    @rule()
    def be_asked(self) -> None:
        if self.call.conversation.engine_pauses:
            self.call.client("response.create")

    @rule(done=st.booleans())
    def answer(self, done: bool) -> None:
        for request in self.call.latest.sent(engine.Respond)[-1:]:
            self.call.say(self.call.latest, request.response, "word ", 100)
            if done:
                self.call.latest.tell(engine.Done(request.response, DoneStatus.COMPLETED))

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0]))
    def pass_time(self, seconds: float) -> None:
        self.call.play(int(seconds * 1000))
        self.call.pass_time(seconds)

    @invariant()
    def one_session_serves_and_one_may_be_warm(self) -> None:
        still = [each for each in self.call.replicas.sessions if each.closed is None]
        assert len(still) <= 2

    @invariant()
    def a_session_is_asked_for_growing_responses_after_one_open(self) -> None:
        for session in self.call.replicas.sessions:
            asked = [request.response for request in session.sent(engine.Respond)]
            assert asked == sorted(set(asked))
            assert len(session.sent(engine.Open)) <= 1
            told = [*session.sent(engine.Cancel), *session.sent(engine.PlaybackCredit)]
            assert {each.response for each in told} <= set(asked)

    @invariant()
    def input_is_heard_in_order(self) -> None:
        for session in self.call.replicas.sessions:
            assert session.heard == sorted(session.heard)


TestCourse = Course.TestCase
