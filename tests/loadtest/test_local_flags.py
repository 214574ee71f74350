import dataclasses

import pytest

from loadtest.deployment.local_settings import LocalSettings
from loadtest.local_flags import KNOWN, fit_to, parse_local
from loadtest.scenario.reading import read_scenario


def test_a_deployment_is_described_in_one_word() -> None:
    assert parse_local("") == LocalSettings()
    parsed = parse_local("engine=cascade,relay_workers=2,max_calls=30")
    assert parsed == LocalSettings(engine="cascade", relay_workers=2, max_calls=30)


@pytest.mark.parametrize(
    "text", ["relays=2", "relay_workers=many", "relay_workers=0", "engine=", "sip=on"]
)
def test_what_it_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("=")[0]):
        parse_local(text)


@pytest.mark.parametrize(
    ("scenario", "engine", "sip", "reflectors", "transceivers"),
    [
        ("steady", "echo", False, 0, 1),
        ("turns", "cascade", False, 0, 1),
        ("mixed", "cascade", True, 0, 1),
        ("relay-10k", "echo", False, 1, 0),
    ],
)
def test_it_has_what_the_scenarios_callers_need(
    scenario: str, engine: str, sip: bool, reflectors: int, transceivers: int
) -> None:
    fitted = fit_to(LocalSettings(), read_scenario(scenario))
    assert (fitted.engine, fitted.sip) == (engine, sip)
    assert (fitted.reflectors, fitted.transceiver_workers) == (reflectors, transceivers)


def test_it_has_room_for_all_calls() -> None:
    assert fit_to(LocalSettings(max_calls=5), read_scenario("steady")).max_calls >= 50


def test_an_engine_that_answers_is_kept() -> None:
    fitted = fit_to(LocalSettings(engine="native"), read_scenario("turns"))
    assert fitted.engine == "native"


def test_what_is_known_is_of_the_settings() -> None:
    names = {field.name for field in dataclasses.fields(LocalSettings)}
    assert set(KNOWN.split(", ")) == names - {"sip", "flags"}
