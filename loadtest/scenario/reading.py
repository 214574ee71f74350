"""Scenarios from TOML files, by path or by the name of one that is shipped."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import msgspec

from loadtest.decode_error import one_line
from loadtest.scenario.scenario import (
    CallerProfile,
    Fault,
    FaultAction,
    Kind,
    Scenario,
    TalkModel,
)
from loadtest.verdict.service_levels import UnknownServiceLevelError
from loadtest.verdict.verdict import check

TIERS = ("relay", "transceiver", "inference")
_NAME = re.compile(r"\w[\w .-]{0,79}")
"""Of a scenario, after which its result's file is named."""
_SHIPPED = files("loadtest") / "scenarios"


class ScenarioError(ValueError):
    """A scenario that cannot be run; the text names the member, on one line."""


def shipped_scenarios() -> tuple[str, ...]:
    """The names of those that come with the harness."""
    names = (each.name for each in _SHIPPED.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def shipped_text(name: str) -> str:
    """The file of one of them."""
    return (_SHIPPED / f"{name}.toml").read_text()


def read_scenario(source: str) -> Scenario:
    """From a file, or a shipped one by its name. Raises ScenarioError."""
    if source in shipped_scenarios():
        return parse_scenario(shipped_text(source))
    try:
        text = Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(shipped_scenarios())
        raise ScenarioError(f"{source}: no file ({error}), and none of {known}") from error
    try:
        return parse_scenario(text)
    except ScenarioError as error:
        raise ScenarioError(f"{source}: {error}") from error


def parse_scenario(text: str) -> Scenario:
    """Raises ScenarioError."""
    try:
        table = msgspec.toml.decode(text)
        _check_service_levels(table.get("service_levels"))
        scenario = msgspec.convert(table, Scenario)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ScenarioError(one_line(error)) from error
    except UnknownServiceLevelError as error:
        raise ScenarioError(str(error)) from error
    for complaint in _complaints(scenario):
        raise ScenarioError(complaint)
    return scenario


def _check_service_levels(table: object) -> None:
    """What msgspec would say of a mapping's values has no name in it."""
    if not isinstance(table, dict):
        return
    check(table)
    for name, bound in table.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ScenarioError(f"service_levels.{name}: must be a number")


def _complaints(scenario: Scenario) -> Iterator[str]:
    if not _NAME.fullmatch(scenario.name):
        yield "name: must be 1 to 80 letters, digits, spaces, dots, hyphens and underscores"
    if not scenario.load.seconds:
        yield "load.hold_seconds: must be more than 0"
    for index, caller in enumerate(scenario.callers):
        for complaint in _of_caller(caller):
            yield f"callers[{index}].{complaint}"
    yield from _of_expectations(scenario)
    for index, fault in enumerate(scenario.faults):
        for complaint in _of_fault(fault, scenario):
            yield f"faults[{index}].{complaint}"
    if scenario.warm_up_seconds >= scenario.load.seconds:
        yield "warm_up_seconds: must be less than the whole run"


def _of_expectations(scenario: Scenario) -> Iterator[str]:
    engines = [
        (index, caller.talk.expect)
        for index, caller in enumerate(scenario.callers)
        if caller.kind is not Kind.RELAY
    ]
    for index, expect in engines:
        if expect is not engines[0][1]:
            yield f"callers[{index}].talk.expect: one engine does not both echo and answer"


def _of_caller(caller: CallerProfile) -> Iterator[str]:
    talk, network = caller.talk, caller.network
    if talk.barge_in and talk.model is not TalkModel.TURNS:
        yield 'talk.barge_in: needs model = "turns"'
    if caller.kind is not Kind.WEBRTC and caller.red:
        yield 'red: is of kind = "webrtc"'
    if caller.kind is Kind.RELAY and talk.model is TalkModel.TURNS:
        yield 'talk.model: a reflector takes no turns; of kind = "relay", take "on_off"'
    if caller.kind is not Kind.RELAY and talk.packets_per_second != 50:
        yield 'talk.packets_per_second: is of kind = "relay"; the others send 50'
    if network.loss == 0 and network.loss_burst > 1:
        yield "network.loss_burst: needs loss"
    if network.loss == 1:
        yield "network.loss: must be less than 1"


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
