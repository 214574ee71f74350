"""What a scenario cannot mean, though each member by itself is one that there may be."""

import re
from collections.abc import Iterator

from loadtest.measures.names import Latency
from loadtest.scenario.scenario import (
    CallerProfile,
    Expect,
    Fault,
    FaultAction,
    Kind,
    Network,
    Scenario,
    TalkModel,
)
from loadtest.tiers import TIERS

_NAME = re.compile(r"\w[\w .-]{0,79}")
_NAME_BYTES = 200
"""Of files' names there may be 255, with what comes around this one."""
_FRAMES_PER_SECOND = 50


def contradictions(scenario: Scenario) -> Iterator[str]:
    """One line each, with the member first."""
    yield from of_name(scenario.name)
    if not scenario.load.seconds:
        yield "load.hold_seconds: must be more than 0"
    for index, caller in enumerate(scenario.callers):
        for text in (*_of_talk(caller), *_of_network(caller), *_of_media(caller)):
            yield f"callers[{index}].{text}"
    yield from _of_expectations(scenario)
    for index, fault in enumerate(scenario.faults):
        for text in _of_fault(fault, scenario):
            yield f"faults[{index}].{text}"
    if scenario.warm_up_seconds >= scenario.load.seconds:
        yield "warm_up_seconds: must be less than the whole run"
    yield from _of_levels(scenario)


def of_name(name: str) -> Iterator[str]:
    """Of a scenario, after which its result's file is named."""
    if not _NAME.fullmatch(name) or len(name.encode()) > _NAME_BYTES:
        yield "name: must be 1 to 80 letters, digits, spaces, dots, hyphens and underscores"


def _of_talk(caller: CallerProfile) -> Iterator[str]:
    kind, talk = caller.kind, caller.talk
    if talk.barge_in and talk.model is not TalkModel.TURNS:
        yield 'talk.barge_in: needs model = "turns"'
    if kind is Kind.RELAY and talk.model is TalkModel.TURNS:
        yield 'talk.model: a reflector takes no turns; of kind = "relay", take "on_off"'
    if kind is Kind.WEBSOCKET and talk.expect is Expect.ECHO:
        yield 'talk.expect: events have no echo; of kind = "websocket", take "answer"'
    if kind is not Kind.RELAY and talk.packets_per_second != _FRAMES_PER_SECOND:
        yield f'talk.packets_per_second: is of kind = "relay"; others send {_FRAMES_PER_SECOND}'


def _of_network(caller: CallerProfile) -> Iterator[str]:
    kind, network = caller.kind, caller.network
    if kind in (Kind.WEBSOCKET, Kind.RELAY) and network != Network():
        yield f'network: there is none of kind = "{kind}"'
    if kind is Kind.SIP and network.rebind_seconds:
        yield 'network.rebind_seconds: there is none of kind = "sip": telephones stay'
    if kind is Kind.SIP and network.move_seconds:
        yield 'network.move_seconds: there is none of kind = "sip": telephones stay'
    if network.loss == 0 and network.loss_burst > 1:
        yield "network.loss_burst: needs loss"
    if network.loss == 1:
        yield "network.loss: must be less than 1"


def _of_media(caller: CallerProfile) -> Iterator[str]:
    if caller.kind is not Kind.WEBRTC and caller.red:
        yield 'red: is of kind = "webrtc"'
    if caller.kind is not Kind.WEBRTC and not caller.data_channel:
        yield 'data_channel: is of kind = "webrtc"'


def _of_expectations(scenario: Scenario) -> Iterator[str]:
    expected = [
        (index, caller.talk.expect)
        for index, caller in enumerate(scenario.callers)
        if caller.kind is not Kind.RELAY
    ]
    for index, expect in expected:
        if expect is not expected[0][1]:
            yield f"callers[{index}].talk.expect: one engine does not both echo and answer"


def _of_levels(scenario: Scenario) -> Iterator[str]:
    load, warm_up = scenario.load, scenario.warm_up_seconds
    none_counts = load.call_seconds is None and 0 < warm_up >= load.ramp_seconds
    for name in scenario.service_levels:
        if none_counts and name.startswith(f"{Latency.SET_UP}_") and name.endswith("_ms"):
            yield f"service_levels.{name}: all calls come before warm_up_seconds are over"
        if name == "faults_healed_ms" and not scenario.faults:
            yield f"service_levels.{name}: needs faults"


def _of_fault(fault: Fault, scenario: Scenario) -> Iterator[str]:
    if fault.action is FaultAction.COMMAND:
        if not fault.command:
            yield "command: must say what to run"
        if fault.tier:
            yield 'tier: is of no action = "command"'
    else:
        if fault.tier not in TIERS:
            yield f"tier: must be one of {', '.join(TIERS)}"
        if fault.command:
            yield 'command: needs action = "command"'
    if fault.action is FaultAction.HAND_OVER and fault.tier != "relay":
        yield "tier: only a relay hands over"
    if fault.at_seconds >= scenario.load.seconds:
        yield "at_seconds: is after the run's end"
