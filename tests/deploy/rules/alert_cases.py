"""For each alert, a deployment that falls ill: which series tell it, and who is to be named.

Values are those of promtool's unit tests, a minute apart
(https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/): all is well
for the first half hour, and from then on it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WELL_MINUTES, ILL_MINUTES = 30, 90


@dataclass(frozen=True, slots=True)
class Case:
    alert: str
    series: Mapping[str, str]
    """Their values, as promtool writes them."""
    labels: Mapping[str, str]
    """What the alert says of whom it is about."""


def level(well: float, ill: float) -> str:
    """A gauge."""
    return f"{well:g}+0x{WELL_MINUTES - 1} {ill:g}+0x{ILL_MINUTES - 1}"


def rate(well: float, ill: float) -> str:
    """A counter that grows so much a second."""
    a_minute, ill_a_minute = 60 * well, 60 * ill
    turn = a_minute * (WELL_MINUTES - 1) + ill_a_minute
    return f"0+{a_minute:g}x{WELL_MINUTES - 1} {turn:g}+{ill_a_minute:g}x{ILL_MINUTES - 1}"


GONE = f"1x{WELL_MINUTES - 1} _x{ILL_MINUTES}"
"""A gauge whose process is there no more."""

LATER = f"_x{WELL_MINUTES} 1x{ILL_MINUTES}"
"""A gauge of what begins when the others fall ill."""

POD = {"namespace": "voice", "pod": "a-0"}
NAMESPACE = {"namespace": "voice"}
SCRAPED = {**POD, "instance": "10.0.0.1:80"}
_POD = 'namespace="voice",pod="a-0"'


def _transceiver(name: str, labels: str = "") -> str:
    return f"antiphon_transceiver_{name}{{{_POD}{labels}}}"


def _relay(name: str, labels: str = "") -> str:
    return f"antiphon_relay_{name}{{{_POD}{labels}}}"


def _inference(name: str, labels: str = "") -> str:
    return f"antiphon_inference_{name}{{{_POD}{labels}}}"


def _dropped(reason: str, direction: str = "to_owner") -> str:
    return _relay("dropped_packets_total", f',direction="{direction}",reason="{reason}"')


def _closed(reason: str) -> str:
    return _transceiver("calls_closed_total", f',reason="{reason}"')


RELAY = (
    Case("AntiphonRelayAbsent", {_relay("workers"): GONE}, {}),
    Case(
        "AntiphonRelayUnreachable",
        {
            _transceiver("relay_workers_answering"): level(2, 0),
            _transceiver("draining"): level(0, 0),
        },
        POD,
    ),
    Case(
        "AntiphonRelayWorkersSilent",
        {
            _transceiver("relay_workers"): level(2, 2),
            _transceiver("relay_workers_answering"): level(2, 1),
        },
        POD,
    ),
    Case("AntiphonRelayWorkerCrashing", {_relay("worker_restarts_total"): rate(0, 0.01)}, POD),
    Case(
        "AntiphonRelayOverrun",
        {_relay("receive_buffer_drops_total", ',socket="public"'): rate(0, 20)},
        POD,
    ),
    Case(
        "AntiphonRelayFaultDrops",
        {_dropped("table_full"): rate(0, 5)},
        {**POD, "direction": "to_owner", "reason": "table_full"},
    ),
    Case(
        "AntiphonRelayKeysDiffer",
        {
            _dropped("ufrag_check"): rate(0, 10),
            _relay("checks_verified_total", ',config_id="0"'): rate(20, 2),
        },
        POD,
    ),
    Case(
        "AntiphonClusterKeyUnknown",
        {
            _transceiver("cluster_key_info", ',fingerprint="aa",use="mint"'): GONE,
            _transceiver("cluster_key_info", ',fingerprint="bb",use="mint"'): LATER,
            _relay("cluster_key_info", ',fingerprint="aa",use="mint"'): level(1, 1),
        },
        {**NAMESPACE, "fingerprint": "bb"},
    ),
    Case(
        "AntiphonRemoteRelaysSilent",
        {_relay("remote_relays", ',state="silent"'): level(0, 2)},
        POD,
    ),
    Case("AntiphonRelayFlood", {_dropped("no_username"): rate(5, 50_000)}, POD),
    Case(
        "AntiphonRelayTableNearlyFull",
        {
            _relay("flows", ',state="bound"'): level(500, 900),
            _relay("flow_capacity"): level(1000, 1000),
        },
        POD,
    ),
    Case(
        "AntiphonRelayCpuSaturated",
        {_relay("cpu_seconds_total", ',worker="1"'): rate(0.4, 0.95)},
        POD,
    ),
    Case(
        "AntiphonPhonePortsExhausted",
        {_relay("phone_port_refusals_total"): rate(0, 0.1)},
        POD,
    ),
)

_OPENED = _transceiver("calls_opened_total")

TRANSCEIVER = (
    Case("AntiphonTransceiverAbsent", {_transceiver("load"): GONE}, {}),
    Case(
        "AntiphonNoInference",
        {_transceiver("trunk_connected"): level(1, 0), _transceiver("draining"): level(0, 0)},
        POD,
    ),
    Case(
        "AntiphonCallsRefused",
        {
            _transceiver("calls_refused_total", ',reason="overloaded"'): rate(0, 1),
            _OPENED: rate(2, 2),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonTransceiverLoaded",
        {_transceiver("load"): level(0.5, 0.9), _transceiver("load_limit"): level(0.8, 0.8)},
        POD,
    ),
    Case(
        "AntiphonAudioLate",
        {
            _transceiver("frame_lateness_seconds_bucket", ',le="0.01"'): rate(50, 10),
            _transceiver("frame_lateness_seconds_bucket", ',le="0.1"'): rate(50, 50),
            _transceiver("frame_lateness_seconds_bucket", ',le="+Inf"'): rate(50, 50),
        },
        POD,
    ),
    Case("AntiphonFramesSkipped", {_transceiver("skipped_frames_total"): rate(0, 30)}, POD),
    Case(
        "AntiphonCallsNotConnecting",
        {_closed("setup_timeout"): rate(0, 1), _OPENED: rate(2, 2)},
        NAMESPACE,
    ),
    Case(
        "AntiphonCallsLost",
        {_closed("consent_lost"): rate(0.1, 1), _closed("client_hangup"): rate(2, 1)},
        NAMESPACE,
    ),
    Case("AntiphonInternalErrors", {_closed("internal_error"): rate(0, 0.01)}, POD),
    Case(
        "AntiphonTurnLatencyHigh",
        {
            _transceiver("turn_latency_seconds_bucket", ',part="total",le="1.0"'): rate(2, 1),
            _transceiver("turn_latency_seconds_bucket", ',part="total",le="3.0"'): rate(2, 2),
            _transceiver("turn_latency_seconds_bucket", ',part="total",le="+Inf"'): rate(2, 2),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonUplinkLoss",
        {
            _transceiver("audio_lost_packets_total"): rate(1, 20),
            _transceiver("audio_frames_total", ',direction="up"'): rate(100, 100),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonDownlinkLoss",
        {
            _transceiver("downlink_reported_lost_packets_total"): rate(1, 20),
            _transceiver("downlink_reported_packets_total"): rate(100, 100),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonHandOffsAbandoned",
        {_transceiver("hand_offs_total", ',reason="lost",outcome="abandoned"'): rate(0, 0.1)},
        NAMESPACE,
    ),
    Case("AntiphonTrunkFramesShed", {_transceiver("trunk_frames_shed_total"): rate(0, 50)}, POD),
    Case(
        "AntiphonKeyGuessing",
        {_transceiver("key_refusals_total", ',reason="unknown_key"'): rate(0.01, 20)},
        NAMESPACE,
    ),
    Case(
        "AntiphonConversationsUnkept",
        {
            _transceiver("redis_failures_total"): rate(0, 0.2),
            _transceiver("snapshot_places_lost_total"): rate(0, 0),
        },
        POD,
    ),
    Case(
        "AntiphonWebhooksUndelivered",
        {_transceiver("webhooks_total", ',outcome="given_up"'): rate(0, 0.1)},
        NAMESPACE,
    ),
    Case(
        "AntiphonOtherClusterUnreachable",
        {_transceiver("cluster_requests_total", ',cluster="2",outcome="unreachable"'): rate(0, 1)},
        {**NAMESPACE, "cluster": "2"},
    ),
    Case(
        "AntiphonTracesDropped",
        {_transceiver("trace_spans_total", ',result="unreachable"'): rate(0, 5)},
        POD,
    ),
)

SIP = (
    Case(
        "AntiphonSipGuessing",
        {_transceiver("sip_unproven_total", ',reason="wrong"'): rate(0, 2)},
        NAMESPACE,
    ),
    Case(
        "AntiphonSipUnreachable",
        {_transceiver("sip_drops_total", ',reason="worker_unreachable"'): rate(0, 2)},
        {**NAMESPACE, "reason": "worker_unreachable"},
    ),
    Case("AntiphonSipDefects", {_transceiver("sip_defects_total"): rate(0, 0.01)}, POD),
)

_OTHER = 'antiphon_inference_{}{{namespace="voice",pod="a-1"}}'

INFERENCE = (
    Case("AntiphonInferenceAbsent", {_inference("capacity"): GONE}, {}),
    Case(
        "AntiphonInferenceNearlyFull",
        {_inference("sessions"): level(50, 95), _inference("capacity"): level(100, 100)},
        NAMESPACE,
    ),
    Case(
        "AntiphonInferenceNoSpareReplica",
        {
            _inference("sessions"): level(40, 60),
            _inference("capacity"): level(100, 100),
            _OTHER.format("sessions"): level(40, 60),
            _OTHER.format("capacity"): level(100, 100),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonInferenceWorkerCrashing",
        {_inference("cascade_worker_restarts_total", ',worker="recogniser"'): rate(0, 0.01)},
        POD,
    ),
    Case(
        "AntiphonResponsesFailing",
        {
            _inference("responses_total", ',status="failed"'): rate(0, 1),
            _inference("responses_total", ',status="completed"'): rate(2, 2),
        },
        NAMESPACE,
    ),
    Case(
        "AntiphonRecogniserBehind",
        {
            _inference("cascade_recogniser_backlog_seconds"): level(2, 90),
            _inference("sessions"): level(20, 20),
        },
        POD,
    ),
    Case(
        "AntiphonModelServerFailing",
        {_inference("model_server_breakers_open", ',server="llm"'): level(0, 1)},
        {**POD, "server": "llm"},
    ),
    Case(
        "AntiphonSpeechFallback",
        {_inference("speech_server_tts_fallbacks_total"): rate(0, 0.5)},
        NAMESPACE,
    ),
    Case(
        "AntiphonNativeStepsLate",
        {
            _inference("native_step_seconds_bucket", ',le="0.064"'): rate(12, 1),
            _inference("native_step_seconds_bucket", ',le="0.12"'): rate(12, 12),
            _inference("native_step_seconds_bucket", ',le="+Inf"'): rate(12, 12),
        },
        POD,
    ),
    Case(
        "AntiphonNativeModelCrashing",
        {_inference("native_restarts_total"): rate(0, 0.01)},
        POD,
    ),
    Case(
        "AntiphonGpuFault",
        {'DCGM_FI_DEV_XID_ERRORS{gpu="0",Hostname="n1"}': f"0+0x{WELL_MINUTES - 1} 79+1x90"},
        {"gpu": "0", "Hostname": "n1"},
    ),
)

DEPLOYMENT = (
    Case(
        "AntiphonTargetDown",
        {'up{job="voice/antiphon-relay",instance="10.0.0.1:8081"}': level(1, 0)},
        {"job": "voice/antiphon-relay", "instance": "10.0.0.1:8081"},
    ),
    Case(
        "AntiphonVersionsMixed",
        {
            f'antiphon_build_info{{{_POD},tier="relay",version="1"}}': level(1, 1),
            'antiphon_build_info{namespace="voice",pod="a-1",tier="relay",version="2"}': LATER,
        },
        {**NAMESPACE, "tier": "relay"},
    ),
)

CASES = (*RELAY, *TRANSCEIVER, *SIP, *INFERENCE, *DEPLOYMENT)
