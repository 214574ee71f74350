"""Events posted to a real HTTP server that answers as told, and read by OpenAI's client."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from openai import InvalidWebhookSignatureError, OpenAI
from openai.types.webhooks import RealtimeCallIncomingWebhookEvent

from transceiver.webhooks import delivery, sender
from transceiver.webhooks.delivery import WebhookCounters, WebhookOutcome
from transceiver.webhooks.incoming_call import IncomingCall, SipHeader
from transceiver.webhooks.sender import WebhookSender
from transceiver.webhooks.signature import WebhookSecrets
from transceiver.webhooks.target import WebhookTarget

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + "ab12" * 8
PATIENCE_S = 10.0


@dataclass
class Application:
    """Takes webhooks; `answers` are the statuses to give, the last one from then on."""

    sender: WebhookSender
    counters: WebhookCounters
    answers: list[int | None] = field(default_factory=lambda: [200])
    """None: no answer comes."""
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status is None:
            await asyncio.sleep(PATIENCE_S)
        return web.Response(status=status or 500, headers={"Location": "/elsewhere"})

    async def outcomes(self, count: int = 1) -> dict[WebhookOutcome, int]:
        while self.counters.outcomes.total() < count:
            await asyncio.sleep(0.01)
        return dict(self.counters.outcomes)


@pytest.fixture
async def application(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Application]:
    monkeypatch.setattr(delivery, "FIRST_WAIT_S", 0.01)
    taken: list[Application] = []
    app = web.Application()

    async def take(request: web.Request) -> web.Response:
        return await taken[0].take(request)

    app.add_routes([web.post("/hook", take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    counters = WebhookCounters()

    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    target = WebhookTarget(f"http://127.0.0.1:{port}/hook", WebhookSecrets.parse(f"{NEW},{OLD}"))
    posting = WebhookSender(
        target, counters, clock=time.monotonic, unix_time=time.time, random=lambda: 0.0
    )
    taken.append(Application(posting, counters))
    running = asyncio.create_task(posting.run())
    async with asyncio.timeout(PATIENCE_S):
        yield taken[0]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await runner.cleanup()


async def test_openais_client_reads_a_call_that_rings(application: Application) -> None:
    headers = [
        SipHeader("From", "sip:a@example.org"),
        SipHeader("Via", "one"),
        SipHeader("Authorization", "Digest secret"),
        SipHeader("proxy-authorization", "Digest secret"),
        SipHeader("Via", "two"),
    ]
    event = IncomingCall.of("evt_1", 1_800_000_000, "rtc_1", headers, "srtp")
    application.sender.send(event.id, event.encoded())
    assert await application.outcomes() == {WebhookOutcome.DELIVERED: 1}
    [(sent, body)] = application.taken
    client = OpenAI(api_key="sk-none")
    for secret in OLD, NEW:
        read = client.webhooks.unwrap(body.decode(), sent, secret=secret)
        assert isinstance(read, RealtimeCallIncomingWebhookEvent)
        assert (read.id, read.object, read.data.call_id) == ("evt_1", "event", "rtc_1")
        assert read.data.sip_media_security == "srtp"
        shown = [(header.name, header.value) for header in read.data.sip_headers]
        assert shown == [("From", "sip:a@example.org"), ("Via", "one"), ("Via", "two")]
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(body.decode() + " ", sent, secret=NEW)


async def test_what_is_not_known_is_left_out() -> None:
    assert b"sip_media_security" not in IncomingCall.of("evt_1", 1, "rtc_1", []).encoded()


async def test_an_event_is_posted_until_it_is_taken(application: Application) -> None:
    application.answers = [500, 302, 429, 204]
    application.sender.send("evt_1", b"{}")
    assert await application.outcomes() == {WebhookOutcome.DELIVERED: 1}
    assert {sent["webhook-id"] for sent, _body in application.taken} == {"evt_1"}
    assert (len(application.taken), application.counters.attempts) == (4, 4)


async def test_an_application_that_says_nothing_is_asked_again(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_S", 0.1)
    application.answers = [None, 200]
    application.sender.send("evt_1", b"{}")
    assert await application.outcomes() == {WebhookOutcome.DELIVERED: 1}
    assert len(application.taken) == 2


async def test_an_application_that_wants_no_more_is_left_alone(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    application.answers = [410]
    application.sender.send("evt_1", b'{"secret": 1}')
    assert await application.outcomes() == {WebhookOutcome.GIVEN_UP: 1}
    assert "webhook evt_1: given_up" in caplog.text
    assert "secret" not in caplog.text


async def test_so_many_wait_and_no_more(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_WAITING", 3)
    for number in range(5):
        application.sender.send(f"evt_{number}", b"{}")
    outcomes = await application.outcomes(5)
    assert outcomes == {WebhookOutcome.DROPPED: 2, WebhookOutcome.DELIVERED: 3}
    application.sender.send("evt_5", b"{}")
    assert (await application.outcomes(6))[WebhookOutcome.DELIVERED] == 4


async def test_one_that_is_slow_holds_up_no_other(application: Application) -> None:
    application.answers = [None, 200]
    for number in range(3):
        application.sender.send(f"evt_{number}", b"{}")
    assert await application.outcomes(2) == {WebhookOutcome.DELIVERED: 2}
