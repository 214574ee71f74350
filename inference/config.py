"""Settings of the inference process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from chassis.host_port import HostPort
from chassis.logs import LogFormat, log_format, log_level
from chassis.settings import positive, setting, whole_number
from chassis.tracing.settings import TracingSettings


class EngineName(Enum):
    CASCADE = "cascade"
    ECHO = "echo"
    NATIVE = "native"

    def __str__(self) -> str:
        return self.value


class Vocabulary(Enum):
    """What the embedded recogniser listens for."""

    AUTO = "auto"
    """General where a language model answers, else the domain's."""
    DOMAIN = "domain"
    """The sentences that the rules answer: accurate, blind to anything else."""
    GENERAL = "general"
    """Everyday English: a third of the words wrong, 4 times the work, 95 MB for each who speaks."""

    def __str__(self) -> str:
        return self.value


class AsrProtocol(Enum):
    TRANSCRIPTIONS = "transcriptions"
    """OpenAI's /v1/audio/transcriptions: a file for each utterance."""
    REALTIME = "realtime"
    """vLLM's WebSocket at /v1/realtime: audio as it comes."""

    def __str__(self) -> str:
        return self.value


class NativeWeights(Enum):
    """How the native engine holds its language model's weights."""

    FULL = "full"
    """16 bit on a GPU, else 32."""
    INT8 = "int8"

    def __str__(self) -> str:
        return self.value


class TtsFallback(Enum):
    """What the embedded voice says when the speech server fails."""

    APOLOGY = "apology"
    ANSWER = "answer"

    def __str__(self) -> str:
        return self.value


def engine_name(text: str) -> EngineName:
    try:
        return EngineName(text)
    except ValueError:
        raise ValueError(f"expected cascade, echo or native, not {text!r}") from None


def vocabulary(text: str) -> Vocabulary:
    try:
        return Vocabulary(text)
    except ValueError:
        raise ValueError(f"expected auto, domain or general, not {text!r}") from None


def endpoint_url(text: str) -> str:
    """The base URL of an OpenAI-compatible API; a bare host gets the usual `/v1`."""
    parts = urlsplit(text)
    if parts.username is not None:
        raise ValueError("keys and passwords go into a file, not into the URL")
    if not _is_endpoint(parts) or re.search(r"\s", text):
        raise ValueError(f"expected http://HOST[:PORT]/v1, not {text!r}")
    return text.rstrip("/") if parts.path.strip("/") else f"{text.rstrip('/')}/v1"


def _is_endpoint(parts: SplitResult) -> bool:
    """Raises ValueError for a port that is none."""
    port = parts.port
    named = parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
    return named and not (parts.query or parts.fragment)


def endpoint_urls(text: str) -> tuple[str, ...]:
    """Base URLs of equal servers, with commas between."""
    return tuple(endpoint_url(part.strip()) for part in text.split(","))


def voice_names(text: str) -> dict[str, str]:
    """NAME=SERVER_NAME, with commas between."""
    pairs = [part.partition("=") for part in text.split(",")]
    names = {name.strip(): server_name.strip() for name, _, server_name in pairs}
    if not all(name and server_name for name, server_name in names.items()):
        raise ValueError(f"expected NAME=SERVER_NAME,..., not {text!r}")
    return names


def asr_protocol(text: str) -> AsrProtocol:
    try:
        return AsrProtocol(text)
    except ValueError:
        raise ValueError(f"expected transcriptions or realtime, not {text!r}") from None


def tts_fallback(text: str) -> TtsFallback:
    try:
        return TtsFallback(text)
    except ValueError:
        raise ValueError(f"expected apology or answer, not {text!r}") from None


def native_weights(text: str) -> NativeWeights:
    try:
        return NativeWeights(text)
    except ValueError:
        raise ValueError(f"expected full or int8, not {text!r}") from None


def speed(text: str) -> float:
    number = float(text)
    if not 0.25 <= number <= 4:
        raise ValueError("must be from 0.25 to 4")
    return number


def interval_s(text: str) -> float:
    number = float(text)
    if not (number == 0 or 0.2 <= number <= 60):
        raise ValueError("must be 0, or from 0.2 to 60")
    return number


def header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
        raise ValueError(f"expected letters, digits and -, not {text!r}")
    return text


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 3600:
        raise ValueError("must be more than 0 and less than 3600")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig(TracingSettings):
    """Runs engines, which hear and answer, for the transceivers that open trunks."""

    grpc: HostPort = setting(
        HostPort("127.0.0.1", 0), parse=HostPort.parse, help="address that trunks connect to"
    )
    engine: EngineName = setting(
        EngineName.CASCADE,
        parse=engine_name,
        help="engine of sessions whose model names none: cascade, echo or native",
    )
    llm_url: tuple[str, ...] | None = setting(
        None,
        parse=endpoint_urls,
        help="OpenAI-compatible endpoints that answer for the cascade, with commas between",
    )
    llm_model: str | None = setting(None, parse=str, help="model to ask for at --llm-url")
    llm_api_key_file: str | None = setting(None, parse=str, help="file with the key for --llm-url")
    llm_timeout_s: float = setting(
        10.0, parse=seconds, help="longest wait for the endpoint's first words, retries included"
    )
    llm_stall_timeout_s: float = setting(
        5.0, parse=seconds, help="longest wait for the endpoint's next words"
    )
    server_connect_timeout_s: float = setting(
        2.0, parse=seconds, help="longest wait for a connection to a model server of any kind"
    )
    server_session_header: str = setting(
        "x-session-id",
        parse=header_name,
        help="request header that names a call to model servers' proxies, which keep it on one",
    )
    expert_url: tuple[str, ...] | None = setting(
        None,
        parse=endpoint_urls,
        help="OpenAI-compatible endpoints of a slow, strong model, with commas between, that the "
        "cascade's brain may consult while it keeps the floor",
    )
    expert_model: str | None = setting(None, parse=str, help="model to ask for at --expert-url")
    expert_api_key_file: str | None = setting(
        None, parse=str, help="file with the key for --expert-url"
    )
    expert_timeout_s: float = setting(
        30.0, parse=seconds, help="longest wait for the expert's first words"
    )
    tool_filler: str | None = setting(
        None, parse=str, help="what the cascade says where its answer is nothing but function calls"
    )
    asr_vocabulary: Vocabulary = setting(
        Vocabulary.AUTO, parse=vocabulary, help="auto, domain or general"
    )
    asr_url: tuple[str, ...] | None = setting(
        None,
        parse=endpoint_urls,
        help="speech recognition servers, with commas between; else the embedded recogniser",
    )
    asr_model: str | None = setting(None, parse=str, help="model to ask for at --asr-url")
    asr_protocol: AsrProtocol = setting(
        AsrProtocol.TRANSCRIPTIONS,
        parse=asr_protocol,
        help="transcriptions (OpenAI's HTTP) or realtime (vLLM's WebSocket)",
    )
    asr_api_key_file: str | None = setting(None, parse=str, help="file with the key for --asr-url")
    asr_timeout_s: float = setting(
        5.0, parse=seconds, help="longest wait for a transcript after the end of the speech"
    )
    asr_partial_interval_s: float = setting(
        1.0,
        parse=interval_s,
        help="of speech between two transcriptions of what there is of it; 0: only at its end",
    )
    tts_url: tuple[str, ...] | None = setting(
        None, parse=endpoint_urls, help="speech servers, with commas between; else espeak-ng"
    )
    tts_model: str | None = setting(None, parse=str, help="model to ask for at --tts-url")
    tts_voice: str | None = setting(
        None,
        parse=str,
        help="the server's voice for all names that --tts-voices lacks; else they are sent as "
        "they are",
    )
    tts_voices: Mapping[str, str] | None = setting(
        None, parse=voice_names, help="NAME=SERVER_NAME,... of voices"
    )
    tts_rate: int = setting(
        24_000,
        parse=whole_number(8_000, 96_000),
        help="samples a second of raw audio whose type does not say it",
    )
    tts_speed: float = setting(1.0, parse=speed, help="of the server's voices, 0.25 to 4")
    tts_api_key_file: str | None = setting(None, parse=str, help="file with the key for --tts-url")
    tts_timeout_s: float = setting(
        5.0, parse=seconds, help="how far the server's speech may be behind real time"
    )
    tts_fallback: TtsFallback = setting(
        TtsFallback.APOLOGY,
        parse=tts_fallback,
        help="what the embedded voice says for a server that fails: apology or answer",
    )
    asr_workers: int = setting(1, parse=positive, help="speech recogniser processes, one a core")
    turn_model: str | None = setting(
        None,
        parse=str,
        help="ONNX file of an end-of-turn model, such as Smart Turn v3, for semantic_vad",
    )
    preempt_after_ms: int = setting(
        130,
        parse=whole_number(0, 5000),
        help="silence after which the cascade begins an answer, which is discarded if the "
        "speaker goes on; 0: never before the turn is over",
    )
    native_model: str | None = setting(
        None,
        parse=str,
        help="Moshi-class model of the native engine: a directory, or an id on Hugging Face",
    )
    native_device: str = setting("cuda", parse=str, help="where it runs: cuda, cuda:1 or cpu")
    native_slots: int = setting(
        16, parse=whole_number(1, 256), help="its sessions at once, if the device keeps up"
    )
    native_weights: NativeWeights = setting(
        NativeWeights.FULL, parse=native_weights, help="its language model's: full or int8"
    )
    native_threads: int = setting(
        0, parse=whole_number(0, 256), help="of its model on a CPU; 0: torch's choice"
    )
    max_sessions: int = setting(32, parse=positive, help="sessions held at once")
    drain_seconds: int = setting(
        25,
        parse=whole_number(0),
        help="how long SIGTERM at most waits for sessions to go to other replicas",
    )
    admin: HostPort = setting(
        HostPort("127.0.0.1", 8082), parse=HostPort.parse, help="address of /metrics and health"
    )
    log_level: str = setting("info", parse=log_level, help="debug, info, warning or error")
    log_format: LogFormat = setting(
        LogFormat.TEXT, parse=log_format, help="of the log's lines: text or json"
    )
    ready_fd: int | None = setting(None, parse=int, help="pipe on which to report readiness")
