"""Under what conditions a run's figures came about, for whoever is to believe or repeat them."""

import shlex
from datetime import datetime
from typing import Any

import msgspec
import tomli_w

from loadtest.measures.names import Latency
from loadtest.report import quantity
from loadtest.result import RunResult
from loadtest.scenario.reading import shipped_scenarios
from loadtest.scenario.scenario import CallerProfile, Length, Load, Network, Scenario, Talk

Row = tuple[str, str]
"""What, and how it was."""


def scenario_of(result: RunResult) -> Scenario:
    """Raises msgspec.ValidationError, a ValueError."""
    return msgspec.convert(result.scenario, Scenario)


def conditions(result: RunResult) -> list[Row]:
    scenario = scenario_of(result)
    rows = [
        ("Scenario", ": ".join(filter(None, (scenario.name, scenario.description)))),
        ("Tested", result.label),
        ("Load", _load(scenario.load)),
        ("Callers", "; ".join(_callers(scenario))),
        ("Warm-up", _warm_up(scenario)),
        ("Machine", ", ".join(_machine(result))),
        ("Begun", f"{_moment(result.started_at)}, for {quantity.duration(result.seconds)}"),
    ]
    return [row for row in rows if row[1]]


def harness_rows(result: RunResult) -> list[Row]:
    """How busy and how late the load itself was: what it was late by is not the server's."""
    rows = [
        ("Calls begun later than planned", _lateness(result, Latency.ARRIVAL_LATENESS)),
        ("Frames sent later than planned", _lateness(result, Latency.SEND_LATENESS)),
    ]
    used = [second.workers_cpu for second in result.series]
    if used:
        mean, most = quantity.cores(sum(used) / len(used)), quantity.cores(max(used))
        workers = f"{result.workers} worker process{'es' if result.workers > 1 else ''}"
        rows.append(("Cores that the load used", f"mean {mean}, at most {most}; {workers}"))
    return rows


def repeat_command(result: RunResult) -> str:
    scenario = scenario_of(result)
    shipped = scenario.name in shipped_scenarios()
    return f"antiphon-loadtest run {shlex.quote(scenario.name)}{'' if shipped else '.toml'}"


def scenario_text(result: RunResult) -> str:
    """The scenario as TOML, which can be run again; without members that say nothing."""
    return tomli_w.dumps(_without_nothing(result.scenario))


def _without_nothing(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        known = {key: member for key, member in value.items() if member is not None}
        return {key: _without_nothing(member) for key, member in known.items()}
    return [_without_nothing(one) for one in value] if isinstance(value, list | tuple) else value


def _load(load: Load) -> str:
    calls = "each for the whole run"
    if load.call_seconds is not None:
        spread = "about " if load.length is Length.EXPONENTIAL else ""
        calls = f"calls of {spread}{quantity.duration(load.call_seconds)}"
    return (
        f"{quantity.number(load.sessions)} sessions, {calls}; they come within "
        f"{quantity.duration(load.ramp_seconds)}, and are held for "
        f"{quantity.duration(load.hold_seconds)}"
    )


def _callers(scenario: Scenario) -> list[str]:
    weight = sum(profile.share for profile in scenario.callers)
    if len(scenario.callers) == 1:
        return [_caller(scenario.callers[0])]
    return [
        f"{quantity.share(profile.share / weight)} {_caller(profile)}"
        for profile in scenario.callers
    ]


def _caller(profile: CallerProfile) -> str:
    parts = [profile.kind.value, _talk(profile.talk), *_network(profile.network)]
    return ", ".join(parts)


def _talk(talk: Talk) -> str:
    interrupted = f", {quantity.share(talk.barge_in)} interrupted" if talk.barge_in else ""
    return f"{talk.model.value.replace('_', ' ')}, expecting {talk.expect.value}{interrupted}"


def _network(network: Network) -> list[str]:
    members = {
        "loss": quantity.share(network.loss),
        "delay": quantity.duration(network.delay_ms / 1e3),
        "jitter": quantity.duration(network.jitter_ms / 1e3),
        "reordered": quantity.share(network.reorder),
        "port changes every": quantity.duration(network.rebind_seconds),
        "address changes every": quantity.duration(network.move_seconds),
    }
    nothing = ("0 %", "0 ms", quantity.NOTHING)
    return [f"{name} {text}" for name, text in members.items() if text not in nothing]


def _warm_up(scenario: Scenario) -> str:
    if not scenario.warm_up_seconds:
        return ""
    seconds = quantity.duration(scenario.warm_up_seconds)
    return f"the first {seconds} do not count in latencies, nor in shares of frames and turns"


def _moment(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text


_MACHINE = {
    "processor": "{}",
    "cores": "{} cores",
    "memory_gib": "{} GiB",
    "kernel": "{}",
    "python": "Python {}",
    "antiphon": "Antiphon {}",
}


def _machine(result: RunResult) -> list[str]:
    return [
        _MACHINE.get(key, f"{key} {{}}").format(
            value if isinstance(value, str) else quantity.number(value)
        )
        for key, value in result.machine.items()
    ]


def _lateness(result: RunResult, latency: Latency) -> str:
    spread = result.latencies.get(latency)
    if spread is None or not spread.count:
        return "not measured"
    p50, p99, most = map(quantity.duration, (spread.p50, spread.p99, spread.maximum))
    return f"median {p50}, p99 {p99}, at most {most}"
