"""Numbers missing, late, twice; times; packets of others. The compiled loop, over real sockets."""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from loadtest.callers.relay.call_loop import CallLoop, finish, new_loop, run, speak, talk
from loadtest.callers.relay.call_rows import WINDOW_BITS, WINDOW_FULL
from loadtest.callers.relay.reflected_check import Sample, Tally
from loadtest.reflected_packet import ReflectedPacket

CALL = 1
SESSION, TAG = 7, -5
ON_SCHEDULE_NS = 20_000_000


class OneCall:
    """A call and the far end of its socket."""

    def __init__(self) -> None:
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.connect(self.far.getsockname())
        self.far.connect(self.near.getsockname())
        self.epoll = select.epoll()
        self.epoll.register(self.near.fileno(), select.EPOLLIN)
        self.loop: CallLoop = new_loop(2, 1024, time.monotonic_ns())
        self.loop.call_of[self.near.fileno()] = CALL
        row = self.loop.rows[CALL]
        row["descriptor"], row["session"], row["tag"] = self.near.fileno(), SESSION, TAG
        row["highest"], row["window"] = -1, WINDOW_FULL
        row["promptest_ns"], row["same_clock"] = np.iinfo(np.int64).max, 1
        row["gap_ns"] = 20_000_000

    def close(self) -> None:
        self.epoll.close()
        self.near.close()
        self.far.close()

    def speak(self, packets: int) -> list[ReflectedPacket]:
        """What the far end gets of so many packets."""
        for _ in range(packets):
            speak(self.loop, CALL)
        return [ReflectedPacket.decode(self.far.recv(2048)) for _ in range(packets)]

    def send_back(self, *packets: ReflectedPacket) -> None:
        for packet in packets:
            stamped = replace(packet, reflected_ns=packet.sent_ns + 1000)
            self.send(stamped.encode())

    def send(self, datagram: bytes) -> None:
        self.far.send(datagram)
        run(self.loop, self.epoll.fileno(), 1_000_000, ON_SCHEDULE_NS, 1000)

    def tally(self, what: Tally) -> int:
        return int(self.loop.findings.tallies[what])

    def samples(self, kind: Sample) -> list[float]:
        number = self.loop.findings.sampled[kind]
        values: list[float] = self.loop.findings.samples[kind, :number].tolist()
        return values


@pytest.fixture
def call() -> Iterator[OneCall]:
    one = OneCall()
    yield one
    one.close()


def test_packets_say_whose_they_are(call: OneCall) -> None:
    packets = call.speak(2)
    assert [(p.session, p.tag, p.number) for p in packets] == [(SESSION, TAG, 0), (SESSION, TAG, 1)]


def test_all_come_back(call: OneCall) -> None:
    call.send_back(*call.speak(40))
    assert (call.tally(Tally.SENT), call.tally(Tally.RECEIVED)) == (40, 40)
    assert finish(call.loop, CALL) == 0
    assert call.tally(Tally.LOST) == 0
    assert call.loop.first_count[0] == 1


def test_nothing_comes_back(call: OneCall) -> None:
    call.speak(5)
    assert finish(call.loop, CALL) == 5


@pytest.mark.parametrize("missing", [{0}, {3}, {0, 1, 2}, {39}, {5, 20, 38, 39}, set(range(3, 30))])
def test_what_is_missing_is_lost_once(call: OneCall, missing: set[int]) -> None:
    packets = call.speak(40)
    call.send_back(*(packet for packet in packets if packet.number not in missing))
    assert finish(call.loop, CALL) + call.tally(Tally.LOST) == len(missing)
    assert call.tally(Tally.RECEIVED) == 40 - len(missing)


def test_reordered_ones_are_not_lost(call: OneCall) -> None:
    packets = call.speak(4)
    call.send_back(packets[0], packets[2], packets[1], packets[3])
    assert (call.tally(Tally.REORDERED), call.tally(Tally.RECEIVED)) == (1, 4)
    assert finish(call.loop, CALL) + call.tally(Tally.LOST) == 0


def test_one_that_comes_after_it_was_given_up_stays_lost(call: OneCall) -> None:
    packets = call.speak(WINDOW_BITS + 1)
    call.send_back(*packets[1:], packets[0])
    assert (call.tally(Tally.LOST), call.tally(Tally.REORDERED)) == (1, 1)
    assert call.tally(Tally.RECEIVED) == WINDOW_BITS


def test_twice_is_counted_apart(call: OneCall) -> None:
    packets = call.speak(2)
    call.send_back(packets[0], packets[0], packets[1])
    assert (call.tally(Tally.DUPLICATED), call.tally(Tally.RECEIVED)) == (1, 2)


@pytest.mark.parametrize(("session", "tag"), [(SESSION, 6), (8, TAG)])
def test_packets_of_another_call_are_misrouted(call: OneCall, session: int, tag: int) -> None:
    [packet] = call.speak(1)
    call.send_back(replace(packet, session=session, tag=tag))
    assert (call.tally(Tally.MISROUTED), call.tally(Tally.RECEIVED)) == (1, 0)


def test_what_was_never_sent_is_not_believed(call: OneCall) -> None:
    [packet] = call.speak(1)
    call.send_back(replace(packet, number=9))
    call.send(b"\x80 something else")
    assert (call.tally(Tally.UNAUTHENTICATED), call.tally(Tally.RECEIVED)) == (2, 0)


def test_stun_is_left_to_python(call: OneCall) -> None:
    call.send(b"\x01\x01 a message")
    assert call.loop.punted[0] == 1
    assert call.loop.punts[0, :12].tobytes() == b"\x01\x01 a message"
    assert call.loop.punt_calls[0] == CALL


def test_times_are_told_by_the_senders_stamps(call: OneCall) -> None:
    [packet] = call.speak(1)
    late = replace(packet, sent_ns=packet.sent_ns - 30_000_000)
    call.send_back(packet)
    call.send_back(replace(call.speak(1)[0], sent_ns=late.sent_ns))
    first, second = call.samples(Sample.ROUND_TRIP)
    assert second >= 0.03
    assert call.samples(Sample.FRAME_LATENESS) == pytest.approx([0.0, second - first])
    assert call.samples(Sample.ONE_WAY_DELAY)[0] == pytest.approx(1e-6)
    assert call.tally(Tally.ON_SCHEDULE) == 1


def test_silence_is_measured_from_the_first_packet_without_an_answer(call: OneCall) -> None:
    call.send_back(*call.speak(1))
    call.speak(1)
    call.loop.rows[CALL]["unanswered_ns"] -= 300_000_000
    call.send_back(*call.speak(1))
    [healed] = call.samples(Sample.HEALING)
    assert healed >= 0.3


def test_a_pause_in_speech_is_no_silence(call: OneCall) -> None:
    call.speak(1)
    call.loop.rows[CALL]["unanswered_ns"] -= 300_000_000
    call.loop.rows[CALL]["silent_ns"] = 300_000_000
    [packet] = call.speak(1)
    call.send_back(replace(packet, sent_ns=time.monotonic_ns()))
    assert all(healed < 0.3 for healed in call.samples(Sample.HEALING))


@pytest.mark.parametrize("parked", [False, True], ids=["prompt", "parked"])
def test_silence_that_ended_in_a_pause_is_not_laid_to_what_came_since(
    call: OneCall, parked: bool
) -> None:
    call.send_back(*call.speak(1))
    [lost] = call.speak(1)
    call.loop.rows[CALL]["unanswered_ns"] -= 300_000_000
    [next_spurts] = call.speak(1)
    call.loop.rows[CALL]["resumed_ns"] = next_spurts.sent_ns
    call.send_back(lost if parked else next_spurts)

    assert [healed >= 0.3 for healed in call.samples(Sample.HEALING)] == [True] * parked


def test_a_standstill_of_the_harness_is_told_though_nothing_is_made_up_for(call: OneCall) -> None:
    row = call.loop.rows[CALL]
    row["spurt_ns"], row["random"] = 1e15, 1
    talk(call.loop, CALL)
    row["due_ns"] -= 1_000_000_000
    while not call.samples(Sample.SEND_LATENESS):
        run(call.loop, call.epoll.fileno(), 1_000_000, ON_SCHEDULE_NS, 0)
    assert call.samples(Sample.SEND_LATENESS)[0] >= 0.9
    assert row["due_ns"] > time.monotonic_ns() - 500_000_000
