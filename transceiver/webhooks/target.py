"""Where webhooks go."""

from dataclasses import dataclass

from yarl import URL

from transceiver.webhooks.signature import WebhookSecrets


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """An application that takes events, and the secrets by which it knows who sent them."""

    url: str
    secrets: WebhookSecrets


def webhook_url(text: str) -> str:
    """Raises ValueError unless it is the http or https URL of a host."""
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"expected http://... or https://..., not {text!r}")
    return text
