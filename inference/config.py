"""Settings of the inference process."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from chassis.host_port import HostPort
from chassis.logs import log_level
from chassis.settings import positive, setting, whole_number


class EngineName(Enum):
    CASCADE = "cascade"
    ECHO = "echo"

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


def engine_name(text: str) -> EngineName:
    try:
        return EngineName(text)
    except ValueError:
        raise ValueError(f"expected cascade or echo, not {text!r}") from None


def vocabulary(text: str) -> Vocabulary:
    try:
        return Vocabulary(text)
    except ValueError:
        raise ValueError(f"expected auto, domain or general, not {text!r}") from None


def endpoint_url(text: str) -> str:
    """The base URL of an OpenAI-compatible API; a bare host gets the usual `/v1`."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"expected http://HOST[:PORT]/v1, not {text!r}")
    return text if parts.path.strip("/") else f"{text.rstrip('/')}/v1"


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 3600:
        raise ValueError("must be more than 0 and less than 3600")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """Runs engines, which hear and answer, for the transceivers that open trunks."""

    grpc: HostPort = setting(
        HostPort("127.0.0.1", 0), parse=HostPort.parse, help="address that trunks connect to"
    )
    engine: EngineName = setting(
        EngineName.CASCADE,
        parse=engine_name,
        help="engine of sessions whose model names none: cascade or echo",
    )
    llm_url: str | None = setting(
        None, parse=endpoint_url, help="OpenAI-compatible endpoint that answers for the cascade"
    )
    llm_model: str | None = setting(None, parse=str, help="model to ask for at --llm-url")
    llm_api_key_file: str | None = setting(None, parse=str, help="file with the key for --llm-url")
    llm_timeout_s: float = setting(
        10.0, parse=seconds, help="longest wait for the endpoint's next words"
    )
    asr_vocabulary: Vocabulary = setting(
        Vocabulary.AUTO, parse=vocabulary, help="auto, domain or general"
    )
    asr_workers: int = setting(1, parse=positive, help="speech recogniser processes, one a core")
    turn_model: str | None = setting(
        None,
        parse=str,
        help="ONNX file of an end-of-turn model, such as Smart Turn v3, for semantic_vad",
    )
    preempt_after_ms: int = setting(
        160,
        parse=whole_number(0, 5000),
        help="silence after which the cascade begins an answer, which is discarded if the "
        "speaker goes on; 0: never before the turn is over",
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
    ready_fd: int | None = setting(None, parse=int, help="pipe on which to report readiness")
