"""One full-duplex session: the agent's own speech, as the numbered responses of the API.

    silent ──begins──► held ──Respond──► given ──640 ms of silence──► silent (Done)
                        │ 2 s without       └──cancelled──► dropped ──a pause──► silent
                        └──────────────────────────────────────┘

The model steps on whatever happens to a response. What it says is held until the
transceiver has asked for it: it was told that the user's turn ended, or that the
agent proposes to speak. A response that was asked for and not begun is done, empty,
after 3 s.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum

from antiphon_proto.trunk import (
    Done,
    DoneStatus,
    InputTranscript,
    Item,
    Respond,
    ResponseProposed,
    ResponseStarted,
    SessionConfig,
    Stage,
)
from inference.engine import Emit
from inference.engines.cascade.vad import VoiceBatch
from inference.engines.native.agent_speech import AgentSpeech, SpeechChange
from inference.engines.native.input_framer import InputFramer
from inference.engines.native.model_messages import AgentStep
from inference.engines.native.spoken_response import SpokenResponse
from inference.engines.native.text_pieces import TextPieces
from inference.engines.native.user_turns import UserTurns
from inference.error_code import EngineError, ErrorCode

PRE_ROLL_STEPS = 2
"""The step that began the speech and one before: playing starts with 80 ms to spare."""
HOLD_STEPS = 25
"""Speech that nobody asked for within 2 s is dropped."""
WAIT_STEPS = 38
"""3 s."""

NO_TRANSCRIPT = "the native engine hears without words: there is no transcript of the user"


class Run(Enum):
    """What becomes of the agent's speech."""

    SILENT = "silent"
    HELD = "held"
    GIVEN = "given"
    DROPPED = "dropped"


class NativeSession:
    """`hear` takes the frames for the model; its steps come back to `step`."""

    def __init__(
        self,
        config: SessionConfig,
        *,
        batch: VoiceBatch,
        hear: Callable[[bytes], None],
        leave: Callable[[], None],
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """`leave` is called once, when the session is closed."""
        self._config = config
        self._hear = hear
        self._leave = leave
        self._emit = emit
        self._clock = clock
        self._framer = InputFramer()
        self._turns = UserTurns(config, batch, emit, clock)
        self._pieces = TextPieces()
        self._speech = AgentSpeech()
        self._run = Run.SILENT
        self._recent: deque[tuple[str, AgentStep]] = deque(maxlen=PRE_ROLL_STEPS)
        self._held: list[tuple[str, AgentStep]] = []
        self._response: SpokenResponse | None = None
        self._unbilled_steps = 0
        self._closed = False

    def update(self, config: SessionConfig) -> None:
        self._config = config
        self._turns.update(config)

    def close(self, reason: str) -> None:
        self._closed = True
        self._turns.close()
        self._leave()

    # ---- hearing -------------------------------------------------------------

    def push_audio(self, position: int, pcm: bytes) -> None:
        for frame in self._framer.push(pcm):
            self._hear(frame)
        self._turns.push_audio(position, pcm)

    def commit(self, item_id: str) -> None:
        self._turns.commit()
        if self._run is Run.DROPPED:
            self._expect_speech()
        if self._config.transcription is not None:
            self._emit(InputTranscript(item_id, "", final=True, error=NO_TRANSCRIPT))

    def clear_input(self) -> None:
        """The model has heard it; only the turn is forgotten."""
        self._turns.clear()

    # ---- speaking ------------------------------------------------------------

    def step(self, step: AgentStep) -> None:
        """The model lived through 80 ms."""
        if self._closed:
            return
        self._unbilled_steps += 1
        text = self._pieces.push(step.piece)
        self._recent.append((text, step))
        match self._speech.push(step.rms, words=bool(text.strip())):
            case SpeechChange.BEGAN:
                self._begin()
            case SpeechChange.ENDED:
                self._end_run()
            case None:
                self._go_on(text, step)

    def respond(self, request: Respond) -> None:
        if request.out_of_band or request.context is not None:
            raise EngineError(
                ErrorCode.UNSUPPORTED_RESPONSE,
                "the model speaks in the conversation that it hears, and in no other",
            )
        if self._response is not None:
            raise EngineError(
                ErrorCode.RESPONSE_ACTIVE, f"response {self._response.response} is not done"
            )
        asked = (request.config or self._config).text_only
        self._response = SpokenResponse(request, self._emit, asked, {Stage.RESPOND: self._clock()})
        self._emit(ResponseStarted(request.response))
        if self._run is Run.HELD:
            self._give_held()
            if not self._speech.speaking:
                self._end_run()

    def cancel(self, response: int, played_ms: int) -> None:
        """The model cannot unhear itself: what was not played stays in its memory."""
        if self._response is not None and self._response.response == response:
            self._finish(DoneStatus.CANCELLED)
            if self._run is Run.GIVEN:
                self._drop()

    def played(self, response: int, played_ms: int) -> None:
        """It speaks in real time, however much is played."""

    # ---- the conversation, of which the model knows what it heard --------------

    def create_item(self, item: Item, previous_item_id: str) -> None:
        """It takes no text."""

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        """It cannot unhear itself."""

    def delete_item(self, item_id: str) -> None:
        """It cannot forget one item."""

    # ---- runs of speech --------------------------------------------------------

    def _begin(self) -> None:
        self._held = list(self._recent)
        self._run = Run.HELD
        if self._response is not None:
            self._turns.agent_began()
            self._give_held()
        elif not self._turns.agent_began():
            self._emit(ResponseProposed())

    def _go_on(self, text: str, step: AgentStep) -> None:
        response = self._response
        if self._run is Run.GIVEN and response is not None:
            self._say(response, text, step)
        elif self._run is Run.HELD:
            self._held.append((text, step))
            if len(self._held) > HOLD_STEPS:
                self._drop()
        elif self._run is Run.DROPPED and self._speech.pausing:
            self._expect_speech()
        if response is not None and not response.steps:
            self._wait(response)

    def _wait(self, response: SpokenResponse) -> None:
        """For an agent that has not begun; a user that says more takes its turn back."""
        response.waited += 1
        if self._turns.going_on:
            self._finish(DoneStatus.CANCELLED)
        elif response.waited >= WAIT_STEPS:
            self._finish(DoneStatus.COMPLETED)

    def _drop(self) -> None:
        """Nobody hears the rest of what the agent says now."""
        self._held.clear()
        self._turns.agent_ended()
        self._run = Run.DROPPED if self._speech.speaking else Run.SILENT

    def _end_run(self) -> None:
        """The agent has said what it had to say."""
        self._turns.agent_ended()
        if self._run is Run.HELD and self._response is None:
            return
        self._run = Run.SILENT
        if self._response is not None and self._response.steps:
            self._finish(DoneStatus.COMPLETED)

    def _expect_speech(self) -> None:
        """What was to be dropped is over: what comes next is new."""
        self._speech.reset()
        self._turns.agent_ended()
        self._run = Run.SILENT

    def _give_held(self) -> None:
        self._run = Run.GIVEN
        held, self._held = self._held, []
        for text, step in held:
            if self._response is not None:
                self._say(self._response, text, step)

    def _say(self, response: SpokenResponse, text: str, step: AgentStep) -> None:
        response.say(text, step, self._clock())
        limit = self._config.max_output_tokens
        if limit and response.steps + response.pieces >= limit:
            self._finish(DoneStatus.INCOMPLETE, "max_output_tokens")
            self._drop()

    def _finish(self, status: DoneStatus, reason: str = "") -> None:
        response, self._response = self._response, None
        assert response is not None, "nothing to finish"
        response.finish()
        usage = response.usage(self._unbilled_steps)
        self._unbilled_steps = 0
        stages = self._turns.stages(response.reached)
        self._emit(Done(response.response, status, reason, usage, stages))
