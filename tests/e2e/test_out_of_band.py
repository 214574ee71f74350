"""Answers beside the conversation, as OpenAI's client for Python asks for them."""

from typing import Any

from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker
from tests.e2e.test_websocket import MANUAL, QUESTION, Session, pcm, session

ASIDE = {"conversation": "none", "output_modalities": ["text"]}
AT_ONCE = 4


def user(words: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}


async def done(opened: Session, topic: str) -> Any:
    """The end of the response that was asked for with this topic."""
    while True:
        response = (await opened.event("response.done")).response
        if (response.metadata or {}).get("topic") == topic:
            return response


async def test_answers_beside_a_spoken_one(deployment: RunningDeployment) -> None:
    async with session(deployment.url, deployment.api_key, MANUAL) as opened:
        create = opened.connection.response.create
        await create(response={"input": [user("what can you do")], "metadata": {"topic": "aloud"}})
        for number in range(AT_ONCE):
            topic = {"topic": str(number)}
            asked = [user(f"what is {number} plus one")]
            await create(response={**ASIDE, "input": asked, "metadata": topic})
        written = {}
        for _ in range(AT_ONCE + 1):
            response = (await opened.event("response.done")).response
            written[response.metadata["topic"]] = response
        assert {response.status for response in written.values()} == {"completed"}
        assert written["1"].output[0].content[0].text == "One plus one is two."
        assert written["1"].conversation_id is None
        added = [e.item.id for e in opened.events if e.type == "conversation.item.added"]
        assert added == [written["aloud"].output[0].id]


async def test_speech_is_classified_before_its_words_are_known(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with session(deployment.url, deployment.api_key, MANUAL) as opened:
        await opened.say(pcm(speaker.say(QUESTION)))
        await opened.connection.input_audio_buffer.commit()
        item_id = (await opened.event("input_audio_buffer.committed")).item_id
        reference = {"type": "item_reference", "id": item_id}
        await opened.connection.response.create(
            response={**ASIDE, "input": [reference], "metadata": {"topic": "words"}}
        )
        response = await done(opened, "words")
        assert response.output[0].content[0].text.startswith("It is ")
        await opened.answers()
