"""The engines: room, answers, their parts, the servers behind them, and GPUs."""

from deploy.grafana.board import Board
from deploy.grafana.panels import Series, gauges, lines, number

NOW = (
    number(
        "Sessions",
        "Sessions held, over all replicas.",
        "sum(antiphon_inference_sessions{POD})",
    ),
    number(
        "Room used",
        "Of the sessions that all replicas may hold.",
        "sum(antiphon_inference_sessions{POD}) / sum(antiphon_inference_capacity{POD} > 0)",
        unit="percentunit",
        colours={0.75: "yellow", 0.9: "red"},
        decimals=0,
        alert="AntiphonInferenceNearlyFull",
    ),
    number(
        "Answers a minute",
        "Responses that ended, however they did.",
        "sum(rate(antiphon_inference_responses_total{POD}[$__rate_interval])) * 60",
        decimals=1,
    ),
    number(
        "Answers that failed",
        "Callers heard an apology in their place.",
        """sum(rate(antiphon_inference_responses_total{POD, status="failed"}[5m]))
        / (sum(rate(antiphon_inference_responses_total{POD}[5m])) > 0) or vector(0)""",
        unit="percentunit",
        colours={0.01: "yellow", 0.05: "red"},
        decimals=1,
        alert="AntiphonResponsesFailing",
    ),
    number(
        "Servers not asked",
        "Model servers whose circuit breaker is open, counted by each replica.",
        "sum(antiphon_inference_model_server_breakers_open{POD})",
        colours={1: "red"},
        alert="AntiphonModelServerFailing",
    ),
    number(
        "Draining",
        "Replicas that take no new sessions.",
        "sum(antiphon_inference_draining{POD})",
        colours={1: "yellow"},
    ),
)

ANSWERS = (
    gauges(
        "Room used, by replica",
        "Of the sessions that each may hold.",
        Series(
            """sum by (pod) (antiphon_inference_sessions{POD})
            / sum by (pod) (antiphon_inference_capacity{POD} > 0)""",
            "{{pod}}",
        ),
        {0.75: "yellow", 0.9: "red"},
        alert="AntiphonInferenceNearlyFull",
    ),
    lines(
        "Answers",
        "By how they ended; cancelled ones were talked over.",
        Series(
            """sum by (status)
            (rate(antiphon_inference_responses_total{POD}[$__rate_interval]))""",
            "{{status}}",
        ),
        unit="cps",
        stacked=True,
        alert="AntiphonResponsesFailing",
    ),
    lines(
        "Errors told",
        "By their code, which clients see as well.",
        Series(
            """sum by (code) (rate(antiphon_inference_errors_total{POD}[$__rate_interval])) > 0""",
            "{{code}}",
        ),
        unit="cps",
        alert="AntiphonResponsesFailing",
    ),
    lines(
        "Stages of an answer, p95",
        "From the arrival of the turn's last voiced sample.",
        Series(
            """histogram_quantile(0.95, sum by (stage, le)
            (rate(antiphon_inference_stage_seconds_bucket{POD}[$__rate_interval])))""",
            "{{stage}}",
        ),
        unit="s",
        alert="AntiphonTurnLatencyHigh",
    ),
    lines(
        "Tokens",
        "Of ended answers, as clients are told them.",
        Series(
            "sum by (kind) (rate(antiphon_inference_tokens_total{POD}[$__rate_interval]))",
            "{{kind}}",
        ),
        unit="cps",
    ),
    lines(
        "Audio that went nowhere",
        "By the reason; stale output is what a cancelled answer had ready.",
        Series(
            """sum by (reason)
            (rate(antiphon_inference_trunk_audio_dropped_bytes_total{POD}[$__rate_interval]))""",
            "{{reason}}",
        ),
        unit="Bps",
    ),
)

CASCADE = (
    lines(
        "Real-time factor",
        "CPU time of recognisers and voices for a second of speech: 1 is a core for each that "
        "speaks.",
        Series(
            """sum by (worker)
            (rate(antiphon_inference_cascade_work_seconds_total{POD}[$__rate_interval]))
            / (sum by (worker)
            (rate(antiphon_inference_cascade_work_audio_seconds_total{POD}[$__rate_interval]))
            > 0)""",
            "{{worker}}",
        ),
        unit="percentunit",
    ),
    lines(
        "Backlog",
        "Speech that recognisers have not decoded, and pieces that the voice has not spoken.",
        Series(
            "sum by (pod) (antiphon_inference_cascade_recogniser_backlog_seconds{POD})",
            "recogniser s, {{pod}}",
        ),
        Series(
            "sum by (pod) (antiphon_inference_cascade_synthesiser_backlog_pieces{POD})",
            "voice pieces, {{pod}}",
        ),
        alert="AntiphonRecogniserBehind",
    ),
    lines(
        "Utterances",
        "Recognised, and lost.",
        Series(
            "sum(rate(antiphon_inference_cascade_utterances_total{POD}[$__rate_interval]))",
            "recognised",
        ),
        Series(
            "sum(rate(antiphon_inference_cascade_utterances_failed_total{POD}[$__rate_interval]))",
            "lost",
        ),
        unit="cps",
        alert="AntiphonInferenceWorkerCrashing",
    ),
    lines(
        "Speech over an answer",
        "By what it was taken for: taken cut it, after dismissed it went on.",
        Series(
            """sum by (verdict)
            (rate(antiphon_inference_cascade_interruptions_total{POD}[$__rate_interval]))""",
            "{{verdict}}",
        ),
        unit="cps",
    ),
    lines(
        "Answers begun early",
        "Given, and discarded by the reason.",
        Series(
            """sum(rate(antiphon_inference_cascade_speculation_hits_total{POD}
            [$__rate_interval]))""",
            "given",
        ),
        Series(
            """sum by (reason)
            (rate(antiphon_inference_cascade_speculation_misses_total{POD}[$__rate_interval]))
            > 0""",
            "discarded: {{reason}}",
        ),
        unit="cps",
        stacked=True,
    ),
    lines(
        "Voice activity",
        "Windows that a run of the model judges together: more is cheaper for each.",
        Series(
            """sum by (pod)
            (rate(antiphon_inference_cascade_vad_batch_windows_sum{POD}[$__rate_interval]))
            / (sum by (pod)
            (rate(antiphon_inference_cascade_vad_batch_windows_count{POD}[$__rate_interval]))
            > 0)""",
            "{{pod}}",
        ),
    ),
)

SERVERS = (
    lines(
        "Requests to model servers",
        "By the server's kind and the outcome; abandoned ones were no longer needed.",
        Series(
            """sum by (server, outcome)
            (rate(antiphon_inference_model_server_tries_total{POD}[$__rate_interval])) > 0""",
            "{{server}}, {{outcome}}",
        ),
        unit="reqps",
        alert="AntiphonModelServerFailing",
    ),
    lines(
        "Circuit breakers",
        "Servers not asked, and breakers that opened within five minutes.",
        Series(
            "sum by (server) (antiphon_inference_model_server_breakers_open{POD})",
            "open: {{server}}",
        ),
        Series(
            """sum by (server)
            (increase(antiphon_inference_model_server_breakers_opened_total{POD}[5m])) > 0""",
            "opened: {{server}}",
        ),
        alert="AntiphonModelServerFailing",
    ),
    lines(
        "Speech servers",
        "Work for a second of speech, and how often the embedded voice stood in.",
        Series(
            """sum(rate(antiphon_inference_speech_server_tts_work_seconds_total{POD}
            [$__rate_interval])) / (sum(rate(
            antiphon_inference_speech_server_tts_audio_seconds_total{POD}[$__rate_interval]))
            > 0)""",
            "speaking, of real time",
        ),
        Series(
            """sum(rate(antiphon_inference_speech_server_tts_fallbacks_total{POD}
            [$__rate_interval]))""",
            "fallbacks a second",
        ),
        alert="AntiphonSpeechFallback",
    ),
)

GPU = (
    lines(
        "The native model's steps",
        "A step of the whole batch; it makes 80 ms of speech.",
        Series(
            """histogram_quantile(0.5, sum by (le)
            (rate(antiphon_inference_native_step_seconds_bucket{POD}[$__rate_interval])))""",
            "p50",
        ),
        Series(
            """histogram_quantile(0.95, sum by (le)
            (rate(antiphon_inference_native_step_seconds_bucket{POD}[$__rate_interval])))""",
            "p95",
        ),
        unit="s",
        width=6,
        limit=0.08,
        alert="AntiphonNativeStepsLate",
    ),
    lines(
        "The native model's slots",
        "Sessions that have one, and those that there are.",
        Series("sum by (pod) (antiphon_inference_native_sessions{POD})", "used, {{pod}}"),
        Series("sum by (pod) (antiphon_inference_native_slots{POD})", "all, {{pod}}"),
        width=6,
    ),
    lines(
        "GPUs",
        "Use, of the time; by NVIDIA's DCGM exporter, where that runs.",
        Series("max by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL) / 100", "{{Hostname}}, GPU {{gpu}}"),
        unit="percentunit",
        width=6,
        top=1,
    ),
    lines(
        "GPU memory",
        "Used, of all; by NVIDIA's DCGM exporter, where that runs.",
        Series(
            """max by (Hostname, gpu) (DCGM_FI_DEV_FB_USED)
            / (max by (Hostname, gpu) (DCGM_FI_DEV_FB_USED)
            + max by (Hostname, gpu) (DCGM_FI_DEV_FB_FREE))""",
            "{{Hostname}}, GPU {{gpu}}",
        ),
        unit="percentunit",
        width=6,
        top=1,
        alert="AntiphonGpuFault",
    ),
    lines(
        "vLLM: requests",
        "That a vLLM in this namespace works on, and those that wait: as it counts them.",
        Series("sum by (model_name) (vllm:num_requests_running{NAMESPACE})", "run: {{model_name}}"),
        Series(
            "sum by (model_name) (vllm:num_requests_waiting{NAMESPACE})", "wait: {{model_name}}"
        ),
    ),
    lines(
        "vLLM: first token, p95",
        "From the request's arrival.",
        Series(
            """histogram_quantile(0.95, sum by (model_name, le)
            (rate(vllm:time_to_first_token_seconds_bucket{NAMESPACE}[$__rate_interval])))""",
            "{{model_name}}",
        ),
        unit="s",
    ),
    lines(
        "vLLM: KV cache",
        "Used, of all. When it is full requests wait, or begin again.",
        Series("max by (model_name) (vllm:kv_cache_usage_perc{NAMESPACE})", "{{model_name}}"),
        unit="percentunit",
        top=1,
    ),
)

BOARD = Board(
    name="inference",
    title="Inference",
    description="The engines: room, answers, their parts, the servers behind them, and GPUs.",
    pods_of="antiphon_inference_capacity",
    rows={
        "Now": NOW,
        "Answers": ANSWERS,
        "The cascade": CASCADE,
        "Model servers": SERVERS,
        "GPUs, the native model, vLLM": GPU,
    },
    folded=frozenset({"GPUs, the native model, vLLM"}),
)
