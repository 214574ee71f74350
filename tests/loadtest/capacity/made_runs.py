"""Runs as if they had been measured, of tiers whose costs are known."""

import random
from collections.abc import Mapping, Sequence

import msgspec

from loadtest.measures.names import Count
from loadtest.result import LevelRecord, RunResult, Second
from loadtest.scenario.scenario import CallerProfile, Expect, Load, Scenario, Talk, TalkModel

PACKET, SET_UP, SPEAKING, SILENT, TURN = 3e-6, 0.002, 0.02, 0.008, 0.04
IDLE_CORES = 0.01
PACKETS_A_SECOND = 100
MACHINE: Mapping[str, str | float] = {"processor": "made", "cores": 2.0}


def made_run(
    sessions: int,
    talk: Talk,
    *,
    name: str = "made",
    set_ups_a_second: int = 0,
    seconds: int = 30,
    noise: float = 0.0,
    levels: Sequence[LevelRecord] = (),
) -> RunResult:
    """Sessions ramp up for 10 s, and are then held; `noise` is relative, of each second's CPU."""
    chance = random.Random(sessions)
    scenario = Scenario(
        name=name,
        load=Load(sessions=sessions, ramp_seconds=10.0, hold_seconds=seconds - 10.0),
        callers=(CallerProfile(talk=talk),),
    )
    series = [
        _second(number, sessions, talk, set_ups_a_second, 1.0 + noise * chance.uniform(-1, 1))
        for number in range(seconds)
    ]
    return RunResult(
        name=name,
        started_at="2026-01-01T00:00:00+00:00",
        seconds=float(seconds),
        scenario=msgspec.to_builtins(scenario),
        machine=dict(MACHINE),
        workers=1,
        totals={},
        peak_sessions=sessions,
        latencies={},
        series=series,
        levels=list(levels),
    )


def _second(number: int, sessions: int, talk: Talk, more: int, factor: float) -> Second:
    there = sessions * min(10, number + 1) // 10
    before = sessions * min(10, number) // 10
    speaks = speaking_share(talk)
    set_ups, turns = there - before + more, round(there * turns_a_second(talk))
    packets = PACKETS_A_SECOND * there
    cpu = {
        "relay": IDLE_CORES + PACKET * packets,
        "transceiver": IDLE_CORES
        + SET_UP * set_ups
        + there * (SPEAKING * speaks + SILENT * (1 - speaks)),
        "inference": IDLE_CORES + TURN * turns + 0.003 * there,
    }
    return Second(
        second=number,
        sessions=there,
        counts={
            Count.CALLS_SET_UP: set_ups,
            Count.FRAMES_SENT: packets // 2,
            Count.FRAMES_RECEIVED: packets - packets // 2,
            Count.TURNS: turns,
        },
        latencies={},
        workers_cpu=0.001 * there,
        tiers_cpu={tier: factor * used for tier, used in cpu.items()},
        tiers_memory=dict.fromkeys(cpu, 50_000_000 + 100_000 * there),
    )


def speaking_share(talk: Talk) -> float:
    return 1.0 if talk.model is TalkModel.CONTINUOUS else 0.25


def turns_a_second(talk: Talk) -> float:
    return 0.0 if talk.model is TalkModel.CONTINUOUS else 0.25


CONTINUOUS = Talk(model=TalkModel.CONTINUOUS)
ON_OFF = Talk(model=TalkModel.ON_OFF, expect=Expect.ANSWER, spurt_seconds=1.0, pause_seconds=3.0)
"""A quarter of the time is speech, in a spurt every 4 s."""
