import asyncio

import pytest

from transceiver.signaling.errors import ApiError
from transceiver.signaling.request_body import reading_body


async def test_a_slow_sender_is_given_up() -> None:
    with pytest.raises(ApiError) as caught:
        async with reading_body(timeout_s=0.01):
            await asyncio.Event().wait()
    assert caught.value.status == 408


async def test_a_sender_that_goes_away_is_a_bad_request() -> None:
    with pytest.raises(ApiError) as caught:
        async with reading_body():
            raise ConnectionResetError
    assert caught.value.status == 400
