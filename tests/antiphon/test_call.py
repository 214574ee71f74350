import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from antiphon import call
from antiphon.loudness import voiced_steps
from antiphon.wav import RATE, read_wav, write_wav
from tests.antiphon.answering_peer import API_KEY, answering_peer


@pytest.fixture
def question(tmp_path: Path) -> Path:
    wave = 10_000 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE)
    path = tmp_path / "question.wav"
    write_wav(path, np.concatenate([wave, np.zeros(RATE // 2)]).astype(np.int16))
    return path


async def antiphon_call(*argv: str) -> int:
    return await asyncio.to_thread(call.run, argv, {"ANTIPHON_API_KEY": API_KEY})


async def test_records_what_was_heard_from_the_start_of_the_question(
    question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = question.with_name("answer.wav")
    async with answering_peer() as (peer, url):
        code = await antiphon_call(f"--wav={question}", f"--out={out}", f"--url={url}", "--model=x")
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    assert printed.out.splitlines()[0] == "call: rtc_1"
    assert "of sound" in printed.out
    assert peer.sessions[0]["model"] == "x"
    voiced = np.flatnonzero(voiced_steps(read_wav(out))) * 0.005
    assert 0 <= voiced[0] < 0.4
    assert len(voiced) * 0.005 == pytest.approx(0.5, abs=0.1)


async def test_a_call_without_media_fails(
    question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with answering_peer() as (peer, url):
        peer.echo = False
        code = await antiphon_call(f"--wav={question}", f"--url={url}", "--seconds=1")
    assert code == 1
    assert capsys.readouterr().err == (
        "antiphon call: the call was connected, but no audio came back\n"
    )


async def test_a_wrong_key_fails_with_the_servers_words(
    question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with answering_peer() as (_, url):
        code = await antiphon_call(f"--wav={question}", f"--url={url}", "--api-key=sk-wrong")
    assert code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("refused the call: 401 Incorrect API key provided.")


async def test_a_server_that_is_not_there_fails_at_once(
    question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert await antiphon_call(f"--wav={question}", "--url=http://127.0.0.1:9") == 1
    assert time.monotonic() - began < 10
    assert "cannot reach http://127.0.0.1:9" in capsys.readouterr().err


async def test_an_unreadable_file_is_told_before_anything_is_placed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await antiphon_call(f"--wav={tmp_path / 'none.wav'}") == 2
    assert "No such file" in capsys.readouterr().err
