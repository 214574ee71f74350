"""Settings and what is refused."""

from pathlib import Path

import pytest

from chassis.settings import SettingError, load
from inference.config import EngineName, InferenceConfig, Vocabulary, endpoint_url
from inference.engines.available import available_engines
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.servers.realtime_transcription import RealtimeTranscriptionServer
from inference.engines.cascade.servers.speech_server import SpeechServer
from inference.engines.speech_sources import recogniser, synthesiser


def config(*flags: str) -> InferenceConfig:
    return load(InferenceConfig, flags, {}, prog="inference")


def test_defaults() -> None:
    defaults = config()
    assert (defaults.engine, defaults.asr_vocabulary) == (EngineName.CASCADE, Vocabulary.AUTO)
    assert str(defaults.grpc) == "127.0.0.1:0"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1"),
        ("https://example.org/llm/v1", "https://example.org/llm/v1"),
    ],
)
def test_endpoint_url(url: str, base: str) -> None:
    assert endpoint_url(url) == base


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--engine", "moshi"),
        ("--llm-url", "example.org"),
        ("--llm-url", "ftp://example.org"),
        ("--llm-url", "http://example.org:99999/v1"),
        ("--llm-url", "http://example.org:http/v1"),
        ("--llm-url", "http://[::1/v1"),
        ("--llm-url", "http://exa mple.org/v1"),
        ("--llm-url", "http://example.org/v1?key=1"),
        ("--llm-timeout-s", "0"),
        ("--llm-timeout-s", "nan"),
        ("--asr-vocabulary", "klingon"),
        ("--asr-workers", "0"),
        ("--asr-url", "http://127.0.0.1:1,example.org"),
        ("--asr-protocol", "telepathy"),
        ("--asr-partial-interval-s", "0.01"),
        ("--tts-rate", "4000"),
        ("--tts-speed", "5"),
        ("--tts-voices", "marin"),
        ("--tts-voices", "marin=,cedar=b"),
        ("--tts-fallback", "silence"),
        ("--native-weights", "int4"),
        ("--native-slots", "0"),
        ("--max-sessions", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(flag: str, value: str) -> None:
    with pytest.raises(SettingError, match=flag):
        config(flag, value)


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingError, match="--tts-url") as refused:
        config("--tts-url", "http://me:hunter2@example.org/v1")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b" \n", b"sk-1\nsk-2", b"sk-\xc3\xa9", b"\xff\xfe"])
def test_a_file_without_a_usable_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    endpoint = ("--llm-url", "http://127.0.0.1:8000", "--llm-model", "m")
    with pytest.raises(SettingError, match="--llm-api-key-file"):
        available_engines(config(*endpoint, "--llm-api-key-file", str(file)), CascadeCounters())


@pytest.mark.parametrize(
    "flags",
    [
        ("--llm-url", "http://127.0.0.1:8000"),
        ("--llm-model", "some-model"),
        (
            "--llm-url",
            "http://127.0.0.1:8000",
            "--llm-model",
            "m",
            "--llm-api-key-file",
            "/nonexistent",
        ),
    ],
)
def test_settings_that_do_not_fit_together(flags: tuple[str, ...]) -> None:
    with pytest.raises(SettingError, match="--llm"):
        available_engines(config(*flags), CascadeCounters())


@pytest.mark.parametrize(
    "flags",
    [
        ("--expert-url", "http://127.0.0.1:8000"),
        ("--expert-model", "m"),
        (
            "--expert-url",
            "http://127.0.0.1:8000",
            "--expert-model",
            "m",
            "--expert-api-key-file",
            "/nonexistent",
        ),
    ],
)
def test_an_experts_settings_that_do_not_fit_together(flags: tuple[str, ...]) -> None:
    with pytest.raises(SettingError, match="--expert"):
        available_engines(config(*flags), CascadeCounters())


@pytest.mark.parametrize("kind", ["asr", "tts"])
def test_a_speech_servers_settings_that_do_not_fit_together(kind: str) -> None:
    for flags in (
        (f"--{kind}-url", "http://127.0.0.1:8000"),
        (f"--{kind}-model", "m"),
        (
            f"--{kind}-url=http://127.0.0.1:8000",
            f"--{kind}-model=m",
            f"--{kind}-api-key-file=/nonexistent",
        ),
    ):
        with pytest.raises(SettingError, match=f"--{kind}"):
            available_engines(config(*flags), CascadeCounters())


def test_speech_servers() -> None:
    settings = config(
        "--asr-url=http://a,http://b:1/v1",
        "--asr-model=m",
        "--asr-protocol=realtime",
        "--tts-url=http://c",
        "--tts-model=m",
        "--tts-voices=marin=af_heart, cedar=am_adam",
    )
    assert settings.asr_url == ("http://a/v1", "http://b:1/v1")
    assert settings.tts_voices == {"marin": "af_heart", "cedar": "am_adam"}
    assert isinstance(recogniser(settings, CascadeCounters()), RealtimeTranscriptionServer)
    assert isinstance(synthesiser(settings, CascadeCounters()), SpeechServer)


def test_a_turn_model_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "turn.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(SettingError, match=r"--turn-model: .*turn\.onnx"):
        available_engines(config("--turn-model", str(path)), CascadeCounters())


@pytest.mark.parametrize(
    ("flags", "names"),
    [((), ["cascade", "echo"]), (("--engine", "echo"), ["echo", "cascade"])],
)
def test_both_engines_are_available(flags: tuple[str, ...], names: list[str]) -> None:
    engines = available_engines(config(*flags), CascadeCounters())
    assert [engine.name for engine in engines] == names


async def test_a_chat_endpoint(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("sk-secret\n")
    engines = available_engines(
        config(
            "--llm-url",
            "http://127.0.0.1:8000",
            "--llm-model",
            "m",
            "--llm-api-key-file",
            str(key_file),
        ),
        CascadeCounters(),
    )
    assert engines[0].name == "cascade"
    await engines[0].close()


def test_the_native_engine_is_there_where_a_model_is_named() -> None:
    engines = available_engines(config("--native-model", "/models/moshiko"), CascadeCounters())
    assert [engine.name for engine in engines] == ["cascade", "echo", "native"]
    flags = ("--engine", "native", "--native-model", "kyutai/moshiko-pytorch-bf16")
    assert available_engines(config(*flags), CascadeCounters())[0].name == "native"


def test_the_native_engine_without_a_model() -> None:
    with pytest.raises(SettingError, match="--native-model"):
        available_engines(config("--engine", "native"), CascadeCounters())
