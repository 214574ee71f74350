"""What relays are told, by a virtual clock."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame
from antiphon_proto.tunnel_control import (
    Bind,
    ControlMessage,
    Reset,
    Unbind,
    UnbindReason,
    control_message,
)
from transceiver.announcer import (
    LATE_S,
    LIFETIME_S,
    MAX_SSRCS,
    REFRESH_S,
    REFRESH_STEP_S,
    REPEATS_S,
    Announcer,
)

HOME: Address = ("192.0.2.7", 4321)
MOBILE: Address = ("2001:db8::7", 4321)
TICK_S = 0.01
START = 1000.0


def told(frames: list[Frame]) -> list[tuple[Address, ControlMessage]]:
    return [(frame.client, control_message(frame)) for frame in frames]


def binding(*ssrcs: int, confirmed: bool = True) -> Bind:
    return Bind(LIFETIME_S, confirmed, ssrcs)


@pytest.fixture
def announcer() -> Announcer:
    return Announcer(7, START)


def crowd(size: int) -> Announcer:
    """Whose bindings are old enough at START to be repeated no more."""
    settling = max(REPEATS_S) + 1.0
    announcer = Announcer(7, START - settling)
    for port in range(size):
        announcer.bind(("192.0.2.1", port), ssrcs=(), confirmed=True)
    announcer.changes()
    refreshes(announcer, settling, START - settling)
    return announcer


def refreshes(announcer: Announcer, seconds: float, since: float = START) -> list[list[Frame]]:
    """What is due at each tick."""
    ticks = round(seconds / TICK_S)
    return [announcer.due(since + (i + 1) * TICK_S) for i in range(ticks)]


def test_a_change_is_told_once(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1, 2), confirmed=True)
    announcer.bind(MOBILE, ssrcs=(1, 2), confirmed=False)
    assert announcer.changed
    assert told(announcer.changes()) == [
        (HOME, binding(1, 2)),
        (MOBILE, binding(1, 2, confirmed=False)),
    ]
    assert not announcer.changed
    assert announcer.changes() == []


def test_a_binding_that_is_as_it_was_is_no_change(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.changes()
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.bind(HOME, ssrcs=(1,), confirmed=False)
    assert not announcer.changed
    assert len(announcer) == 1


@pytest.mark.parametrize(("ssrcs", "confirmed"), [((1,), True), ((1, 2), False)])
def test_a_binding_that_grew_is_a_change(
    announcer: Announcer, ssrcs: tuple[int, ...], confirmed: bool
) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=False)
    announcer.changes()
    announcer.bind(HOME, ssrcs=ssrcs, confirmed=confirmed)
    assert told(announcer.changes()) == [(HOME, binding(*ssrcs, confirmed=confirmed))]


def test_only_the_last_of_several_changes_is_told(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.unbind(HOME, UnbindReason.MOVED)
    announcer.bind(MOBILE, ssrcs=(1,), confirmed=True)
    announcer.unbind(MOBILE, UnbindReason.MOVED)
    announcer.bind(MOBILE, ssrcs=(2,), confirmed=True)
    assert told(announcer.changes()) == [(HOME, Unbind(UnbindReason.MOVED)), (MOBILE, binding(2))]


def test_giving_up_what_is_not_bound_is_harmless(announcer: Announcer) -> None:
    announcer.unbind(HOME, UnbindReason.CLOSED)
    assert announcer.changes() == []


def test_everything_begins_with_the_reset(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.bind(MOBILE, ssrcs=(2,), confirmed=True)
    announcer.unbind(HOME, UnbindReason.CLOSED)
    assert [message for _client, message in told(announcer.everything())] == [
        Reset(7),
        binding(2),
    ]


def test_the_sources_announced_are_bounded(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=tuple(range(1000)), confirmed=True)
    assert told(announcer.changes()) == [(HOME, binding(*range(MAX_SSRCS)))]


def test_each_binding_is_refreshed_as_it_stands(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=False)
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.bind(MOBILE, ssrcs=(2,), confirmed=False)
    refreshes(announcer, max(REPEATS_S) + 0.5)
    since = START + max(REPEATS_S) + 0.5
    frames = [frame for due in refreshes(announcer, REFRESH_S, since) for frame in due]
    assert sorted(told(frames), key=str) == [
        (HOME, binding(1)),
        (MOBILE, binding(2, confirmed=False)),
    ]


def test_a_change_is_repeated_soon_in_case_its_datagram_was_lost(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.changes()
    due = refreshes(announcer, 0.5 * REFRESH_S)
    assert all(told(frames) == [(HOME, binding(1))] for frames in due if frames)
    after = [(tick + 1) * TICK_S for tick, frames in enumerate(due) if frames]
    assert len(after) == len(REPEATS_S)
    for told_at, wanted_at in zip(after, REPEATS_S, strict=True):
        assert wanted_at <= told_at + TICK_S / 2 < wanted_at + REFRESH_STEP_S + 2 * TICK_S


def test_only_what_still_holds_is_repeated(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(1,), confirmed=False)
    announcer.bind(MOBILE, ssrcs=(1,), confirmed=False)
    announcer.bind(HOME, ssrcs=(1,), confirmed=True)
    announcer.unbind(MOBILE, UnbindReason.MOVED)
    due = refreshes(announcer, 0.5 * REFRESH_S)
    assert [told(frames) for frames in due if frames] == [[(HOME, binding(1))]] * len(REPEATS_S)


@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_refreshes_are_spread_evenly(size: int) -> None:
    announcer = crowd(size)
    due = refreshes(announcer, 3 * REFRESH_S)
    most = 1 + size * (REFRESH_STEP_S + 2 * TICK_S) / REFRESH_S
    assert max(map(len, due)) <= most
    counts = Counter(frame.client for frames in due for frame in frames)
    assert len(counts) == size
    assert set(counts.values()) <= {2, 3}


def test_refreshes_are_not_made_up_for_after_a_pause() -> None:
    announcer = crowd(1000)
    assert len(announcer.due(START + 0.5 * REFRESH_S)) == pytest.approx(500, abs=2)
    assert len(announcer.due(START + 20 * REFRESH_S)) == 1000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bind", "unbind", "wait", "wait_long"]),
            st.integers(min_value=0, max_value=40),
        ),
        max_size=150,
    )
)
def test_no_binding_is_ever_left_to_grow_old(steps: list[tuple[str, int]]) -> None:
    announcer = Announcer(7, START)
    now, last = START, dict[Address, float]()
    for step, number in steps:
        client = ("192.0.2.1", number)
        if step == "bind":
            announcer.bind(client, ssrcs=(), confirmed=True)
        elif step == "unbind":
            announcer.unbind(client, UnbindReason.CLOSED)
            last.pop(client, None)
        for frame in announcer.changes():
            if frame.client == client and step == "bind":
                last[client] = now
        for _ in range(number * {"wait": 1, "wait_long": 10}.get(step, 0)):
            now += 0.1
            for frame in announcer.due(now):
                last[frame.client] = now
        assert len(announcer) == len(last)
        assert all(now - announced < LATE_S + 0.2 for announced in last.values())


def test_what_signaling_named_is_told_as_such_until_it_is_confirmed(announcer: Announcer) -> None:
    announcer.bind(HOME, ssrcs=(), confirmed=False, signalled=True)
    announcer.bind(HOME, ssrcs=(), confirmed=False, signalled=True)
    assert told(announcer.changes()) == [(HOME, Bind(LIFETIME_S, False, (), True))]
    announcer.bind(HOME, ssrcs=(), confirmed=True)
    announcer.bind(HOME, ssrcs=(), confirmed=False, signalled=True)
    assert told(announcer.changes()) == [(HOME, Bind(LIFETIME_S, True, ()))]
