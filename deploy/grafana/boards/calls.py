"""Whether people can talk: calls, how they end, and how they sound."""

from deploy.grafana.board import Board
from deploy.grafana.panels import Series, lines, number

UNWANTED = (
    "internal_error|engine_failed|consent_lost|client_lost|setup_timeout|dtls_failed|channel_broken"
)
NO_ROOM = "at_capacity|overloaded|engine_unavailable"

NOW = (
    number(
        "Open calls",
        "Calls that are open at this moment, over every transport.",
        "sum(antiphon_transceiver_calls{POD})",
    ),
    number(
        "New calls a minute",
        "Calls answered, averaged over the last minutes.",
        "sum(rate(antiphon_transceiver_calls_opened_total{POD}[$__rate_interval])) * 60",
        decimals=1,
    ),
    number(
        "Refused",
        "Share of offers that were good and found no room.",
        f"""sum(rate(antiphon_transceiver_calls_refused_total{{POD, reason=~"{NO_ROOM}"}}[5m]))
        / (sum(rate(antiphon_transceiver_calls_opened_total{{POD}}[5m]))
        + sum(rate(antiphon_transceiver_calls_refused_total{{POD, reason=~"{NO_ROOM}"}}[5m])) > 0)
        or vector(0)""",
        unit="percentunit",
        decimals=1,
        colours={0.001: "yellow", 0.01: "red"},
        alert="AntiphonCallsRefused",
    ),
    number(
        "Ended unwanted",
        "Share of the calls that ended which broke off, never connected, or met a fault.",
        f"""sum(rate(antiphon_transceiver_calls_closed_total{{POD, reason=~"{UNWANTED}"}}[10m]))
        / (sum(rate(antiphon_transceiver_calls_closed_total{{POD}}[10m])) > 0) or vector(0)""",
        unit="percentunit",
        decimals=1,
        colours={0.05: "yellow", 0.2: "red"},
        alert="AntiphonCallsLost",
    ),
    number(
        "Turn, p95",
        "From the user's last voiced sample to the agent's first, for 19 turns of 20.",
        """histogram_quantile(0.95, sum by (le)
        (rate(antiphon_transceiver_turn_latency_seconds_bucket{POD, part="total"}[5m])))""",
        unit="s",
        colours={1.0: "yellow", 1.5: "red"},
        alert="AntiphonTurnLatencyHigh",
    ),
    number(
        "Alerts",
        "Alerts of Antiphon that fire.",
        """count(ALERTS{NAMESPACE, alertname=~"Antiphon.*", alertstate="firing"})
        or vector(0)""",
        colours={1: "red"},
    ),
)

CALLS = (
    lines(
        "Open calls",
        "By how their clients are connected.",
        Series("sum by (transport) (antiphon_transceiver_calls{POD})", "{{transport}}"),
        stacked=True,
    ),
    lines(
        "Ends",
        "Calls that ended, by the reason. What each means is in docs/metrics.md.",
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_calls_closed_total{POD}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        unit="cps",
        stacked=True,
        alert="AntiphonCallsLost",
    ),
    lines(
        "Refusals",
        "Offers that could not be taken, and requests refused for their key, by the reason.",
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_calls_refused_total{POD}[$__rate_interval])) > 0""",
            "{{reason}}",
        ),
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_key_refusals_total{POD}[$__rate_interval])) > 0""",
            "key: {{reason}}",
        ),
        unit="cps",
        stacked=True,
        alert="AntiphonCallsRefused",
    ),
)

SOUND = (
    lines(
        "Packets lost",
        "Of clients' packets, those that came neither in time nor along with a later one; of the "
        "agents', those that clients reported, before repair.",
        Series(
            """sum(rate(antiphon_transceiver_audio_lost_packets_total{POD}[$__rate_interval]))
            / (sum(rate(antiphon_transceiver_audio_frames_total{POD, direction="up"}
            [$__rate_interval])) > 0)""",
            "from clients",
        ),
        Series(
            """sum(rate(antiphon_transceiver_downlink_reported_lost_packets_total{POD}
            [$__rate_interval])) / (sum(rate(
            antiphon_transceiver_downlink_reported_packets_total{POD}[$__rate_interval])) > 0)""",
            "to clients",
        ),
        unit="percentunit",
        alert="AntiphonUplinkLoss",
        limit=0.05,
    ),
    lines(
        "The agent's frames leave late",
        "From when a frame of 20 ms was due to when it had left, and frames left out for lateness.",
        Series(
            """histogram_quantile(0.5, sum by (le)
            (rate(antiphon_transceiver_frame_lateness_seconds_bucket{POD}[$__rate_interval])))""",
            "p50",
        ),
        Series(
            """histogram_quantile(0.99, sum by (le)
            (rate(antiphon_transceiver_frame_lateness_seconds_bucket{POD}[$__rate_interval])))""",
            "p99",
        ),
        unit="s",
        alert="AntiphonAudioLate",
        limit=0.02,
    ),
    lines(
        "What the engine hears",
        "Seconds of clients' sound a second: decoded, made up for what was lost, and silence.",
        Series(
            """sum by (origin)
            (rate(antiphon_transceiver_audio_seconds_total{POD}[$__rate_interval]))""",
            "{{origin}}",
        ),
        unit="s",
        stacked=True,
    ),
    lines(
        "Packets that transceivers drop",
        "By the reason; checks of ICE that had no effect are beside them.",
        Series(
            """sum by (reason) (rate(antiphon_transceiver_drops_total{POD}[$__rate_interval]))
            > 0""",
            "{{reason}}",
        ),
        Series(
            """sum by (reason)
            (rate(antiphon_transceiver_ice_rejections_total{POD}[$__rate_interval])) > 0""",
            "ice: {{reason}}",
        ),
        unit="pps",
    ),
    lines(
        "Frames left out",
        "Of the agents' because a worker was held up, and of clients' because a replica did not "
        "read.",
        Series(
            """sum by (pod)
            (rate(antiphon_transceiver_skipped_frames_total{POD}[$__rate_interval]))""",
            "skipped, {{pod}}",
        ),
        Series(
            """sum by (pod)
            (rate(antiphon_transceiver_trunk_frames_shed_total{POD}[$__rate_interval]))""",
            "shed, {{pod}}",
        ),
        unit="cps",
        alert="AntiphonFramesSkipped",
    ),
    lines(
        "How agents' voices are coded",
        "Talkspurts begun, by Opus mode. Much CELT means loaded workers.",
        Series(
            """sum by (mode)
            (rate(antiphon_transceiver_downlink_talkspurts_total{POD}[$__rate_interval]))""",
            "{{mode}}",
        ),
        unit="cps",
        stacked=True,
    ),
)

GOING_ON = (
    lines(
        "Calls that change their replica",
        "By why they left, and how that ended. Abandoned calls have ended.",
        Series(
            """sum by (reason, outcome)
            (rate(antiphon_transceiver_hand_offs_total{POD}[$__rate_interval])) > 0""",
            "{{reason}}, {{outcome}}",
        ),
        unit="cps",
        alert="AntiphonHandOffsAbandoned",
    ),
    lines(
        "Without an engine",
        "How long calls that lost their engine had none.",
        Series(
            """histogram_quantile(0.95, sum by (le)
            (rate(antiphon_transceiver_hand_off_seconds_bucket{POD}[$__rate_interval])))""",
            "p95",
        ),
        unit="s",
        limit=1,
    ),
    lines(
        "Clients that came again",
        "To go on with a session, by what became of it.",
        Series(
            """sum by (outcome)
            (rate(antiphon_transceiver_resumptions_total{POD}[$__rate_interval]))""",
            "{{outcome}}",
        ),
        unit="cps",
        alert="AntiphonConversationsUnkept",
    ),
    lines(
        "Webhooks",
        "Events for the application, by what became of them.",
        Series(
            """sum by (outcome)
            (rate(antiphon_transceiver_webhooks_total{POD}[$__rate_interval]))""",
            "{{outcome}}",
        ),
        unit="cps",
        width=12,
        alert="AntiphonWebhooksUndelivered",
    ),
    lines(
        "Requests to MCP servers",
        "By what was asked and what came of it.",
        Series(
            """sum by (kind, result)
            (rate(antiphon_transceiver_mcp_requests_total{POD}[$__rate_interval])) > 0""",
            "{{kind}}, {{result}}",
        ),
        unit="cps",
        width=12,
    ),
)

BOARD = Board(
    name="calls",
    title="Calls",
    description="Whether people can talk: calls, how they end, and how they sound.",
    pods_of="antiphon_transceiver_load",
    rows={"Now": NOW, "Calls": CALLS, "Sound": SOUND, "Hand-off, resumption, tools": GOING_ON},
)
