"""One cascade session: listens, remembers, answers."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from antiphon_proto.trunk import (
    Error,
    FunctionCall,
    FunctionCallOutput,
    InputTranscript,
    Item,
    Respond,
    Role,
    SessionConfig,
)
from chassis.tracing.tracer import current_scope
from inference.engine import Emit
from inference.engines.cascade.answer import Answer
from inference.engines.cascade.asides import Asides
from inference.engines.cascade.brain.brain import SILENCE, Brain, Effect, Prompt
from inference.engines.cascade.brain.unsaid import resumed
from inference.engines.cascade.counters import Miss, SpeculationCounters
from inference.engines.cascade.draft import Draft, MakeSpeaker
from inference.engines.cascade.gate import Take
from inference.engines.cascade.given_answers import GivenAnswer, GivenAnswers
from inference.engines.cascade.history import ROOT, History
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.playback import Playback
from inference.engines.cascade.speaker import Speaker
from inference.engines.cascade.speculation import Speculation, guessed_item
from inference.engines.cascade.speech_recognition import RecognitionError
from inference.engines.cascade.speech_synthesis import Report, SynthesisError, Voice
from inference.engines.cascade.user_turn import UserTurn
from inference.error_code import EngineError, ErrorCode


class CascadeSession:
    """Recognition, brain and voice overlap; one answer is given at a time."""

    def __init__(
        self,
        config: SessionConfig,
        history: Sequence[Item],
        *,
        listener: Listener,
        brain: Brain,
        voice: Callable[[str, Report, float], Voice],
        emit: Emit,
        clock: Callable[[], float],
        counters: SpeculationCounters,
    ) -> None:
        """`voice` gives the voice of a name and a speed, which reports what it made good."""
        self._config = config
        self._history = History(tuple(history))
        self._listener = listener
        self._brain = brain
        self._voice = voice
        self._emit = emit
        self._clock = clock
        self._scope = current_scope.get()
        self._heard_ms = 0
        self._unanswered = UserTurn()
        self._transcribing: set[asyncio.Task[None]] = set()
        self._answer: Answer | None = None
        self._asides = Asides()
        self._answer_item_id = ""
        self._answered_item_id = ROOT
        """What came later than this, and before the answer was over, follows the answer."""
        self._said = ""
        self._given = GivenAnswers(self._history)
        self._playback = Playback()
        listener.floor.agent_speaks = self._agent_speaks
        self._speculation = listener.observer = Speculation(self._guess, self._draft, counters)

    def update(self, config: SessionConfig) -> None:
        if config != self._config:
            self._speculation.drop(Miss.PROMPT)
        self._config = config
        self._listener.update(config)

    def close(self, reason: str) -> None:
        if self._answer is not None:
            self._answer.cancel()
        self._asides.cancel_all()
        self._speculation.drop(Miss.UNASKED)
        self._listener.close()
        self._unanswered.settle()
        for task in self._transcribing:
            task.cancel()

    # ---- hearing -------------------------------------------------------------

    def push_audio(self, position: int, pcm: bytes) -> None:
        self._listener.push_audio(position, pcm)

    def commit(self, item_id: str) -> None:
        self._unanswered.settle()
        turn = self._unanswered = self._listener.commit()
        self._heard_ms += turn.heard_ms
        self._history.append(Item(item_id, Role.USER, ""))
        task = asyncio.create_task(self._transcribe(turn, item_id))
        self._transcribing.add(task)
        task.add_done_callback(self._transcribing.discard)

    def clear_input(self) -> None:
        self._speculation.drop(Miss.UNASKED)
        self._listener.clear()

    async def _transcribe(self, turn: UserTurn, item_id: str) -> None:
        """Put the turn's words into the history; a turn that was lost leaves it."""
        try:
            text = await turn.transcript(self._clock)
        except RecognitionError as error:
            self._history.delete(item_id)
            transcript = InputTranscript(item_id, "", final=True, error=str(error))
        else:
            self._history.set_text(item_id, text if turn.utterances else SILENCE)
            transcript = InputTranscript(item_id, text, final=True)
        if self._config.transcription is not None:
            self._emit(transcript)

    # ---- answering -----------------------------------------------------------

    def respond(self, request: Respond) -> None:
        if request.out_of_band:
            self._asides.begin(self._aside(request))
            return
        if self._answer is not None:
            raise EngineError(
                ErrorCode.RESPONSE_ACTIVE, f"response {self._answer.response} is not done"
            )
        turn, self._unanswered = self._unanswered, UserTurn()
        if request.said:
            self._history.delete(request.item_id)
        asked_about = frozenset(item.id for item in self._history.items)
        config = request.config or self._config
        answer = self._answer = Answer(
            request.response,
            turn=turn,
            prepare=lambda: self._prepare(turn, asked_about, request),
            draft=lambda prompt: self._claim(prompt, config),
            make_speaker=self._speaker(config),
            emit=self._emit,
            clock=self._clock,
            on_over=self._keep_answer,
        )
        self._answer_item_id, self._said = request.item_id, request.said
        self._answered_item_id = self._history.last_id
        answer.start()

    def _aside(self, request: Respond) -> Answer:
        """An answer beside the conversation, which it leaves as it is."""
        turn = UserTurn()
        asked_about = frozenset(item.id for item in self._history.items)
        speaker = self._speaker(request.config or self._config)
        return Answer(
            request.response,
            turn=turn,
            prepare=lambda: self._prepare(turn, asked_about, request),
            draft=lambda prompt: Draft(prompt, self._brain, speaker, self._scope),
            make_speaker=speaker,
            emit=self._emit,
            clock=self._clock,
            on_over=self._end_aside,
            apologises=False,
        )

    def _end_aside(self, answer: Answer) -> None:
        self._asides.end(answer)
        if answer.speaker is not None:
            self._playback.made(answer.response, answer.speaker.spoken.duration_ms)

    def cancel(self, response: int, played_ms: int) -> None:
        aside = self._asides.cancel(response)
        if aside is not None and not aside.spoken:
            return
        if self._answer is not None and self._answer.response == response:
            self._answer.cancel()
        self._playback.cut()
        self._listener.floor.agent_cut()
        self._given.cut(response, played_ms)

    def _agent_speaks(self) -> bool:
        """Whether an answer is being made or played."""
        return self._answer is not None or self._asides.speaking or self._playback.going_on

    def played(self, response: int, played_ms: int) -> None:
        self._playback.played(response, played_ms)
        self._asides.played(response, played_ms)
        answer = self._answer
        if answer is not None and answer.response == response and answer.speaker is not None:
            answer.speaker.played(played_ms)

    async def _prepare(
        self, turn: UserTurn, asked_about: frozenset[str], request: Respond
    ) -> Prompt:
        """The prompt, once the words of `turn` are known. Raises RecognitionError.

        `asked_about`: ids of the items that there were when the response was asked for.
        """
        context = request.context
        if context is None or any(map(_is_unheard, context)):
            if self._transcribing:
                await asyncio.wait(self._transcribing)
            await turn.transcript(self._clock)
        asked: Iterable[Item]
        if context is None:
            asked = (item for item in self._history.items if item.id in asked_about)
        else:
            asked = map(self._heard, context)
        prompt = self._prompt(request.config or self._config, asked)
        if context is not None:
            prompt = replace(prompt, own_context=True, heard_ms=0)
        return replace(prompt, said=request.said, out_of_band=request.out_of_band)

    def _heard(self, item: Item) -> Item:
        """An item of another context, with its words where only this session has heard them."""
        if not _is_unheard(item):
            return item
        known = (known for known in self._history.items if known.id == item.id)
        return next(known, item)

    def _prompt(self, config: SessionConfig, history: Iterable[Item]) -> Prompt:
        return Prompt(
            instructions=config.instructions,
            history=tuple(history),
            tools=config.tools,
            tool_choice=config.tool_choice,
            parallel_tool_calls=config.parallel_tool_calls,
            max_output_tokens=config.max_output_tokens,
            heard_ms=self._heard_ms,
            truncation=config.truncation,
        )

    def _guess(self, words: str) -> Prompt | None:
        """What will be asked if the turn is over; None while that is open."""
        if self._agent_speaks() or self._transcribing:
            return None
        return self._prompt(self._config, (*self._history.items, guessed_item(words)))

    def _claim(self, prompt: Prompt, config: SessionConfig) -> Draft:
        """The answer to `prompt`, begun in the pause or now."""
        begun = None
        if (config.voice, config.speed) == (self._config.voice, self._config.speed):
            begun = self._speculation.claim(prompt, spoken=not config.text_only)
        return begun or Draft(prompt, self._brain, self._speaker(config), self._scope)

    def _draft(self, prompt: Prompt) -> Draft:
        draft = Draft(prompt, self._brain, self._speaker(self._config), self._scope)
        draft.span.note({"antiphon.preemptive": True})
        return draft

    def _speaker(self, config: SessionConfig) -> MakeSpeaker | None:
        """None for answers that are text only."""

        def make(give: Take) -> Speaker:
            def report(error: SynthesisError) -> None:
                """Nobody hears of an answer that is never given."""
                give(Effect(lambda: self._emit(Error(error.code, str(error)))))

            voice = self._voice(config.voice, report, config.speed)
            return Speaker(voice, config.output_credit_ms, give)

        return None if config.text_only else make

    def _keep_answer(self, answer: Answer) -> None:
        """Remember an answer that is over."""
        self._answer = None
        item_id, said = self._answer_item_id, self._said
        items = [Item(call.call_id, Role.ASSISTANT, call) for call in answer.calls]
        if text := resumed(said, answer.text):
            items.insert(0, Item(item_id, Role.ASSISTANT, text))
        self._history.insert_all(items, self._answered_item_id)
        if answer.speaker is not None:
            self._playback.made(answer.response, answer.speaker.spoken.duration_ms)
            self._given.keep(GivenAnswer(answer.response, item_id, said, answer.speaker.spoken))

    # ---- the conversation ----------------------------------------------------

    def create_item(self, item: Item, previous_item_id: str) -> None:
        """Raises EngineError for the output of a call that nobody made."""
        if isinstance(item.content, FunctionCallOutput):
            self._check_call(item.content.call_id)
        self._history.insert(item, previous_item_id)

    def _check_call(self, call_id: str) -> None:
        calls = [item.content for item in self._history.items]
        if self._answer is not None:
            calls += self._answer.calls
        if all(not isinstance(call, FunctionCall) or call.call_id != call_id for call in calls):
            raise EngineError(
                ErrorCode.UNKNOWN_CALL, "the output of a call that is not in the conversation"
            )

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        self._given.truncate(item_id, audio_end_ms)

    def delete_item(self, item_id: str) -> None:
        self._history.delete(item_id)


def _is_unheard(item: Item) -> bool:
    """Whether it is speech whose words the transceiver did not know."""
    return item.role is Role.USER and item.content == "" and not item.images
