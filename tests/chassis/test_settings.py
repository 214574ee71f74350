from dataclasses import dataclass

import pytest

from chassis.host_port import HostPort
from chassis.settings import SettingError, fraction, load, positive, setting, switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example."""

    bind: HostPort = setting(HostPort("127.0.0.1", 80), parse=HostPort.parse, help="where")
    workers: int = setting(1, parse=positive, help="how many, 100 % of them")
    tls: bool = switch(help="encrypt")
    key_file: str = setting(parse=str, help="needed")


def example(*argv: str, **environ: str) -> Example:
    return load(Example, argv, environ, prog="example")


def test_defaults_fill_what_is_not_given() -> None:
    assert example("--key-file=k") == Example(key_file="k")


def test_a_variable_wins_over_the_default_and_a_flag_over_the_variable() -> None:
    assert example(ANTIPHON_WORKERS="2", ANTIPHON_KEY_FILE="k").workers == 2
    assert example("--workers", "3", ANTIPHON_WORKERS="2", ANTIPHON_KEY_FILE="k").workers == 3


@pytest.mark.parametrize(
    ("argv", "environ", "on"),
    [
        ([], {}, False),
        (["--tls"], {}, True),
        (["--tls=on"], {"ANTIPHON_TLS": "off"}, True),
        (["--tls=off"], {"ANTIPHON_TLS": "on"}, False),
        ([], {"ANTIPHON_TLS": "on"}, True),
    ],
)
def test_a_switch_is_on_by_its_flag_alone(
    argv: list[str], environ: dict[str, str], *, on: bool
) -> None:
    assert example(*argv, "--key-file=k", **environ).tls is on


def test_a_required_setting_that_is_missing_is_named_both_ways() -> None:
    with pytest.raises(SettingError, match=r"--key-file \(or ANTIPHON_KEY_FILE\) is required"):
        example()


@pytest.mark.parametrize(
    ("argv", "environ", "name"),
    [
        (["--workers=none"], {}, "--workers: "),
        ([], {"ANTIPHON_WORKERS": "0"}, "ANTIPHON_WORKERS: must be from 1 up, not 0"),
        (["--tls", "maybe"], {}, "--tls: expected on or off, not 'maybe'"),
        (["--bind=nowhere"], {}, "--bind: expected HOST:PORT"),
    ],
)
def test_a_bad_value_is_named_by_where_it_came_from(
    argv: list[str], environ: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingError, match=name):
        example("--key-file=k", *argv, **environ)


@pytest.mark.parametrize("argv", [["--unknown=1"], ["stray"], ["--workers"], ["--work=2"]])
def test_a_flag_that_is_not_one_is_a_setting_error_of_one_line(argv: list[str]) -> None:
    with pytest.raises(SettingError) as caught:
        example("--key-file=k", *argv)
    assert "\n" not in str(caught.value)


def test_help_names_flags_variables_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        example("--help")
    text = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert "[ANTIPHON_BIND; default: 127.0.0.1:80]" in text
    assert "how many, 100 % of them" in text
    assert "[ANTIPHON_TLS; default: off]" in text
    assert "[ANTIPHON_KEY_FILE; required]" in text


@pytest.mark.parametrize(("text", "number"), [("0.8", 0.8), (".25", 0.25), ("1", 1.0)])
def test_a_fraction_is_a_number_up_to_one(text: str, number: float) -> None:
    assert fraction(text) == number


@pytest.mark.parametrize("text", ["0", "0.0", "1.01", "-0.5", "nan", "inf", "1e-1", "", ".", "80%"])
def test_other_text_is_no_fraction(text: str) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        fraction(text)


@dataclass(frozen=True)
class BareSettings:
    """A flag that may stand alone, or with a value."""

    local: str | None = setting(None, help="what is started", parse=str, bare="all of it")


@pytest.mark.parametrize(
    ("argv", "value"), [([], None), (["--local"], "all of it"), (["--local=half"], "half")]
)
def test_a_flag_alone_stands_for_its_bare_text(argv: list[str], value: str | None) -> None:
    assert load(BareSettings, argv, {}, prog="test").local == value
