import json

import aiohttp
import pytest

from antiphon_proto.realtime.error import RealtimeError
from tests.transceiver.signaling.conftest import ANSWER, OFFER, Client, Server, error_of
from transceiver.signaling.calls import CallRefusedError, RefusalReason

CALLS = "/v1/realtime/calls"
SDP = {"Content-Type": "application/sdp"}
UNPROTECTED_OFFER = OFFER.replace("a=fingerprint:", "a=x-fingerprint:")
LONG_OFFER = OFFER + "a=x-padding:0\r\n" * 5000


def form(
    sdp: str | None = OFFER, session: object = None, *, as_files: bool = False
) -> aiohttp.MultipartWriter:
    """A form as official clients write it: each part with its content type."""
    writer = aiohttp.MultipartWriter("form-data")
    parts = [("sdp", sdp, "application/sdp"), ("session", session, "application/json")]
    for name, value, content_type in parts:
        if value is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        part = writer.append(text, {"Content-Type": content_type})
        file_name = {"filename": "blob"} if as_files else {}
        part.set_content_disposition("form-data", name=name, **file_name)
    return writer


async def bound_secret(client: Client, session: dict[str, object]) -> str:
    response = await client.post("/v1/realtime/client_secrets", json={"session": session})
    return (await response.json())["value"]


async def test_answers_a_raw_offer(client: Client, server: Server) -> None:
    response = await client.post(f"{CALLS}?model=echo", data=OFFER, headers=SDP)
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert response.headers["Location"] == "/v1/realtime/calls/rtc_1"
    assert await response.text() == ANSWER
    assert server.calls.offers == [OFFER]
    assert server.calls.sessions[0].model == "echo"


@pytest.mark.parametrize("as_files", [False, True])
async def test_answers_a_form(client: Client, server: Server, as_files: bool) -> None:
    session = {"type": "realtime", "model": "echo", "instructions": "Be brief."}
    response = await client.post(CALLS, data=form(session=session, as_files=as_files))
    assert response.status == 201
    assert await response.text() == ANSWER
    assert server.calls.offers == [OFFER]
    assert server.calls.sessions[0].instructions == "Be brief."


async def test_answers_a_form_of_plain_text(client: Client, server: Server) -> None:
    """What a browser sends for `FormData.set(name, string)`."""
    data = aiohttp.FormData(default_to_multipart=True)
    data.add_field("sdp", OFFER)
    data.add_field("session", '{"type":"realtime","model":"echo"}')
    assert (await client.post(CALLS, data=data)).status == 201
    assert server.calls.sessions[0].model == "echo"


async def test_takes_the_configuration_from_the_client_secret(
    client: Client, server: Server
) -> None:
    secret = await bound_secret(client, {"type": "realtime", "model": "echo"})
    response = await client.with_key(secret).post(CALLS, data=OFFER, headers=SDP)
    assert response.status == 201
    assert server.calls.sessions[0].model == "echo"


async def test_the_clients_configuration_overrides_the_bound_one(
    client: Client, server: Server
) -> None:
    bound = {"instructions": "Be bound.", "audio": {"output": {"voice": "alto", "speed": 1.5}}}
    holder = client.with_key(await bound_secret(client, bound))
    given = {"instructions": "Be free.", "audio": {"output": {"voice": "tenor"}}}
    await holder.post(f"{CALLS}?model=echo", data=form(session=given))
    (session,) = server.calls.sessions
    assert session.model == "echo"
    assert session.instructions == "Be free."
    assert session.audio.output.voice == "tenor"
    assert session.audio.output.speed == 1.5


async def test_a_form_without_a_session_takes_the_defaults(client: Client, server: Server) -> None:
    assert (await client.post(CALLS, data=form())).status == 201
    assert server.calls.sessions[0].output_modalities == ["audio"]


@pytest.mark.parametrize(
    "offer",
    ["", "hello", OFFER[:400], OFFER.replace("fingerprint", "fingerprunt"), "v=0\r\n" * 20_000],
)
async def test_a_bad_offer_is_a_bad_request(client: Client, server: Server, offer: str) -> None:
    error = await error_of(await client.post(CALLS, data=offer, headers=SDP), 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == "sdp"
    assert error["code"]
    assert server.calls.offers == []


async def test_an_offer_that_is_no_text_is_a_bad_request(client: Client) -> None:
    error = await error_of(await client.post(CALLS, data=b"v=0\xff", headers=SDP), 400)
    assert error["param"] == "sdp"


async def test_a_form_without_an_offer_is_a_bad_request(client: Client) -> None:
    error = await error_of(await client.post(CALLS, data=form(sdp=None, session={})), 400)
    assert (error["param"], error["code"]) == ("sdp", "missing_required_parameter")


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ("{", "session"),
        ("[]", "session"),
        ({"type": "translation"}, "session.type"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
    ],
)
async def test_a_bad_session_is_a_bad_request(
    client: Client, server: Server, session: object, param: str
) -> None:
    error = await error_of(await client.post(CALLS, data=form(session=session)), 400)
    assert error["param"] == param
    assert server.calls.offers == []


async def test_an_overlong_model_is_a_bad_request(client: Client) -> None:
    path = f"{CALLS}?model={'m' * 300}"
    error = await error_of(await client.post(path, data=OFFER, headers=SDP), 400)
    assert error["param"] == "model"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b"--b\r\n\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nv=0\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n'
        b"Content-Type: text/plain; charset=klingon\r\n\r\nv=0\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n'
        b"Content-Transfer-Encoding: rot13\r\n\r\nv=0\r\n--b--\r\n",
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
        b"--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
    ],
)
@pytest.mark.parametrize("boundary", ["; boundary=b", "", "; boundary=" + "b" * 99])
async def test_a_broken_form_is_a_bad_request(client: Client, body: bytes, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    await error_of(await client.post(CALLS, data=body, headers=headers), 400)


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain", "nonsense"])
async def test_other_content_types_are_refused(client: Client, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    await error_of(await client.post(CALLS, data=OFFER, headers=headers), 415)


async def test_an_oversized_body_is_refused(client: Client, server: Server) -> None:
    for request in ({"data": "a" * 600_000, "headers": SDP}, {"data": form(sdp="a" * 600_000)}):
        await error_of(await client.post(CALLS, **request), 413)
    assert server.calls.offers == []


async def test_a_rate_limit_says_when_to_come_back(client: Client, server: Server) -> None:
    server.calls.failure = CallRefusedError(RefusalReason.RATE_LIMITED, retry_after_s=7)
    response = await client.post(CALLS, data=OFFER, headers=SDP)
    error = await error_of(response, 429)
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    "reason", [reason for reason in RefusalReason if reason is not RefusalReason.RATE_LIMITED]
)
async def test_a_server_without_room_says_when_to_come_back(
    client: Client, server: Server, reason: RefusalReason
) -> None:
    server.calls.failure = CallRefusedError(reason, retry_after_s=3)
    response = await client.post(CALLS, data=OFFER, headers=SDP)
    error = await error_of(response, 503)
    assert (error["type"], error["code"]) == ("server_error", reason.value)
    assert response.headers["Retry-After"] == "3"
    assert response.headers["Connection"] == "close"


async def test_a_session_that_no_engine_serves_is_a_bad_request(
    client: Client, server: Server
) -> None:
    server.calls.failure = RealtimeError("unsupported", "No engine can.", param="session.model")
    error = await error_of(await client.post(CALLS, data=OFFER, headers=SDP), 400)
    assert (error["code"], error["param"]) == ("unsupported", "session.model")


async def test_hangs_up(client: Client, server: Server) -> None:
    await client.post(CALLS, data=OFFER, headers=SDP)
    response = await client.post(f"{CALLS}/rtc_1/hangup")
    assert (response.status, response.content_length) == (200, 0)
    assert server.calls.hung_up == ["rtc_1"]


async def test_hanging_up_an_unknown_call_is_not_found(client: Client) -> None:
    error = await error_of(await client.post(f"{CALLS}/rtc_9/hangup"), 404)
    assert error["code"] == "call_not_found"


async def test_answers_a_later_offer_of_the_calls_client(client: Client, server: Server) -> None:
    location = (await client.post(CALLS, data=OFFER, headers=SDP)).headers["Location"]
    response = await client.post(location, data=OFFER, headers=SDP)
    assert response.status == 200
    assert response.content_type == "application/sdp"
    assert await response.text() == ANSWER
    assert server.calls.renegotiated == [("rtc_1", OFFER)]
    assert server.calls.offers == [OFFER]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("hello", "application/sdp", 400),
        (b"v=0\xff", "application/sdp", 400),
        (LONG_OFFER, "application/sdp", 400),
        ("a" * 600_000, "application/sdp", 413),
        (OFFER, "text/plain", 415),
        (OFFER, "multipart/form-data; boundary=b", 415),
    ],
)
async def test_a_later_offer_that_cannot_be_read_is_refused(
    client: Client, server: Server, body: str | bytes, content_type: str, status: int
) -> None:
    await client.post(CALLS, data=OFFER, headers=SDP)
    headers = {"Content-Type": content_type}
    await error_of(await client.post(f"{CALLS}/rtc_1", data=body, headers=headers), status)
    assert server.calls.renegotiated == []


async def test_a_later_offer_for_an_unknown_call_is_not_found(client: Client) -> None:
    error = await error_of(await client.post(f"{CALLS}/rtc_9", data=OFFER, headers=SDP), 404)
    assert error["code"] == "call_not_found"


async def test_too_many_later_offers_are_told_when_to_come_back(
    client: Client, server: Server
) -> None:
    await client.post(CALLS, data=OFFER, headers=SDP)
    server.calls.failure = CallRefusedError(RefusalReason.RATE_LIMITED, retry_after_s=6)
    response = await client.post(f"{CALLS}/rtc_1", data=OFFER, headers=SDP)
    assert (await error_of(response, 429))["code"] == "rate_limit_exceeded"
    assert response.headers["Retry-After"] == "6"


class TestRightsToACall:
    """Of both things that a call can be told; the clock may have passed the secret's end."""

    @pytest.fixture(params=["", "/hangup"])
    def resource(self, request: pytest.FixtureRequest) -> str:
        return f"{CALLS}/rtc_1{request.param}"

    async def ask(self, client: Client, resource: str) -> aiohttp.ClientResponse:
        return await client.post(resource, data=OFFER, headers=SDP)

    async def test_the_secret_that_made_it_keeps_them_when_it_has_expired(
        self, client: Client, server: Server, resource: str
    ) -> None:
        holder = client.with_key(await bound_secret(client, {}))
        await self.ask(holder, CALLS)
        server.clock.now += 3600
        assert (await self.ask(holder, resource)).status == 200
        await error_of(await self.ask(holder, CALLS), 401)

    async def test_another_secret_has_none(
        self, client: Client, server: Server, resource: str
    ) -> None:
        await self.ask(client.with_key(await bound_secret(client, {})), CALLS)
        other = client.with_key(await bound_secret(client, {}))
        error = await error_of(await self.ask(other, resource), 403)
        assert error["code"] == "insufficient_permissions"
        server.clock.now += 3600
        await error_of(await self.ask(other, resource), 401)
        assert server.calls.renegotiated == server.calls.hung_up == []

    async def test_a_secret_has_none_to_an_api_keys_call(
        self, client: Client, resource: str
    ) -> None:
        await self.ask(client, CALLS)
        holder = client.with_key(await bound_secret(client, {}))
        await error_of(await self.ask(holder, resource), 403)

    async def test_an_api_key_has_them_to_every_call(self, client: Client, resource: str) -> None:
        await self.ask(client.with_key(await bound_secret(client, {})), CALLS)
        assert (await self.ask(client, resource)).status == 200

    @pytest.mark.parametrize("key", ["", "sk-unknown", "ek_unknown", "\u00e9"])
    async def test_a_stranger_has_none(self, client: Client, resource: str, key: str) -> None:
        await self.ask(client, CALLS)
        await error_of(await self.ask(client.with_key(key), resource), 401)
