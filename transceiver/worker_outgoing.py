"""What a worker asks servers that others run, put together with its metrics."""

import random
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from transceiver.config import TransceiverConfig
from transceiver.mcp.client import McpClient
from transceiver.mcp.counters import McpCounters
from transceiver.mcp.metrics import McpCollector
from transceiver.webhooks.delivery import WebhookCounters
from transceiver.webhooks.metrics import WebhookCollector
from transceiver.webhooks.sender import WebhookSender


def mcp_client(
    config: TransceiverConfig, registry: CollectorRegistry, flush: Callable[[], None]
) -> McpClient:
    """To be closed; `flush` sends what is queued for the engines."""
    counters = McpCounters()
    registry.register(McpCollector(counters))
    return McpClient(config.mcp_servers, config.mcp_timeout_seconds, counters, flush=flush)


def webhook_sender(config: TransceiverConfig, registry: CollectorRegistry) -> WebhookSender | None:
    """To be run; None where nobody is to hear of anything."""
    counters = WebhookCounters()
    registry.register(WebhookCollector(counters))
    if config.webhook is None:
        return None
    return WebhookSender(
        config.webhook, counters, clock=time.monotonic, unix_time=time.time, random=random.random
    )
