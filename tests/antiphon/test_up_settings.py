import pytest

from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort
from chassis.settings import SettingError, load


def up(*argv: str, **environ: str) -> UpSettings:
    return load(UpSettings, argv, environ, prog="antiphon up")


def test_every_flag_has_an_environment_variable() -> None:
    environ = {
        "ANTIPHON_HTTP": "127.0.0.1:1",
        "ANTIPHON_RELAY": "127.0.0.1:2",
        "ANTIPHON_ADVERTISE": "192.0.2.7",
        "ANTIPHON_WORKERS": "3",
        "ANTIPHON_RELAY_WORKERS": "4",
        "ANTIPHON_ENGINE": "echo",
        "ANTIPHON_LLM_URL": "http://127.0.0.1:5/v1",
        "ANTIPHON_LLM_MODEL": "m",
        "ANTIPHON_LLM_API_KEY": "k1",
        "ANTIPHON_API_KEY": "k2",
        "ANTIPHON_ADMIN": "127.0.0.1:6",
        "ANTIPHON_LOG_LEVEL": "debug",
    }
    flags = [f"--{name[9:].lower().replace('_', '-')}={text}" for name, text in environ.items()]
    assert up(**environ) == up(*flags)
    assert up(**environ) != up()


def test_admin_addresses_follow_the_http_port_on_loopback() -> None:
    settings = up("--http=0.0.0.0:9000", "--workers=2")
    assert [settings.admin_bind(index) for index in range(4)] == [
        ("127.0.0.1", 9001),
        ("127.0.0.1", 9002),
        ("127.0.0.1", 9003),
        ("127.0.0.1", 9004),
    ]


def test_admin_addresses_start_where_they_are_put() -> None:
    settings = up("--admin=10.0.0.1:700")
    assert settings.admin_bind(2) == HostPort("10.0.0.1", 702)


@pytest.mark.parametrize("argv", [["--http=127.0.0.1:0"], ["--admin=127.0.0.1:0"]])
def test_any_port_stays_any_port(argv: list[str]) -> None:
    assert up(*argv).admin_bind(2) == HostPort("127.0.0.1", 0)


@pytest.mark.parametrize(
    "argv",
    [
        ["--engine=parrot"],
        ["--workers=0"],
        ["--advertise=0.0.0.0"],
        ["--advertise=example.org"],
        ["--llm-url=http://127.0.0.1:1"],
        ["--llm-model=m"],
        ["--asr-url=http://127.0.0.1:1"],
        ["--asr-url=http://127.0.0.1:1", "--asr-model=m", "--asr-protocol=telepathy"],
        ["--tts-model=m"],
        ["--llm-url=ftp://x", "--llm-model=m"],
        ["--api-key="],
        ["--http=127.0.0.1:65535"],
        ["--log-level=loud"],
    ],
)
def test_what_cannot_work_is_refused(argv: list[str]) -> None:
    with pytest.raises(SettingError, match="--"):
        up(*argv)


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(
        up(*(f"--{kind}api-key=hush" for kind in ("", "llm-", "asr-", "tts-")))
    )


def test_https_is_by_a_certificate_that_is_given_or_made() -> None:
    assert not up().https
    assert up("--tls").https
    assert up("--tls-certificate=c", "--tls-key=k").https
    with pytest.raises(SettingError, match="need one another"):
        up("--tls-key=k")
    with pytest.raises(SettingError, match="leave it out"):
        up("--tls", "--tls-certificate=c", "--tls-key=k")
