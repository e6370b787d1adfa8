"""The models the engines serve, as data: the catalogue is seeded from it."""

from dataclasses import dataclass

from alltoken_app.engines import weights
from alltoken_app.settings import Settings

TINY = (
    "A very small model (135M parameters) that runs on this machine's CPU. "
    "It shows that everything works; it is often wrong."
)


FAULT_MAX_OUTPUT = 8192


@dataclass(frozen=True)
class EngineModel:
    """One model. Prices are charged in the sandbox book only.

    They are USD per million tokens or characters, per minute of sound, per search unit; "" means
    that the model is not sold by it. `honours` replaces what models of its kind honour.
    """

    slug: str
    upstream: str
    name: str
    kind: str
    context: int
    max_output: int
    description: str
    notice: str = ""
    parameters: str | None = None
    quantization: str | None = None
    licence: str | None = None
    input_price: str = "0.05"
    output_price: str = "0.20"
    minute_price: str = ""
    characters_price: str = ""
    unit_price: str = ""
    honours: tuple[str, ...] = ()


LOCAL = (
    EngineModel(
        slug="alltoken/smollm2-135m-instruct",
        upstream="smollm2-135m-instruct",
        name="SmolLM2 135M Instruct",
        kind="chat",
        context=4096,
        max_output=2048,
        description="SmolLM2-135M-Instruct by Hugging Face, served by llama.cpp on this machine.",
        notice=TINY,
        parameters="135M",
        quantization="int4",
        licence="Apache-2.0",
    ),
    EngineModel(
        slug="alltoken/all-minilm-l6-v2",
        upstream="all-minilm-l6-v2",
        name="all-MiniLM-L6-v2",
        kind="embeddings",
        context=512,
        max_output=1,
        description="384-dimensional sentence embeddings, served by ONNX Runtime on this machine.",
        notice="A small embedding model that runs on this machine's CPU.",
        parameters="22M",
        quantization="int8",
        licence="Apache-2.0",
        input_price="0.01",
        output_price="0",
    ),
    EngineModel(
        slug="alltoken/minilm-rerank",
        upstream=weights.RERANKING,
        name="MiniLM rerank",
        kind="rerank",
        context=512,
        max_output=1,
        description="Documents in the order of their all-MiniLM-L6-v2 nearness to a query.",
        notice="A small embedding model that runs on this machine's CPU; long texts are cut.",
        parameters="22M",
        quantization="int8",
        licence="Apache-2.0",
        input_price="",
        output_price="",
        unit_price="0.0001",
    ),
)
LISTENING = EngineModel(
    slug="alltoken/whisper-base",
    upstream=weights.LISTENING,
    name="Whisper base",
    kind="transcription",
    context=448,
    max_output=448,
    description="OpenAI's Whisper base, served by CTranslate2 on this machine.",
    notice="A small speech recogniser (74M parameters) that runs on this machine's CPU.",
    parameters="74M",
    quantization="int8",
    licence="MIT",
    input_price="",
    output_price="",
    minute_price="0.0006",
    honours=(
        "language", "prompt", "response_format", "temperature", "timestamp_granularities", "stream",
    ),
)  # fmt: skip
SPEAKING = EngineModel(
    slug="alltoken/speech",
    upstream=weights.SPEAKING,
    name="Local speech",
    kind="speech",
    context=4096,
    max_output=1,
    description="Speech by the program that SPEECH_COMMAND names, on this machine.",
    notice="The operator's own program speaks; it makes WAV files.",
    input_price="",
    output_price="",
    characters_price="1",
    honours=("response_format",),
)


def _fault(name: str, description: str) -> EngineModel:
    return EngineModel(
        slug=f"fault/{name}",
        upstream=name,
        name=f"Fault: {name}",
        kind="chat",
        context=128_000,
        max_output=FAULT_MAX_OUTPUT,
        description=description,
        notice="A scripted provider for testing clients; it never runs a model.",
        input_price="1",
        output_price="2",
    )


FAULT = (
    _fault("ok", "Answers with fixed words and right usage."),
    _fault("slow-first-token", "Waits before its first token."),
    _fault("stall", "Stops sending after three chunks."),
    _fault("blackhole", "Accepts the request and never answers."),
    _fault("rate-limited", "Answers 429 with Retry-After: 2."),
    _fault("server-error", "Answers 500."),
    _fault("auth-error", "Answers 401."),
    _fault("flaky", "Fails twice, then answers."),
    _fault("cut-stream", "Resets the connection after three chunks."),
    _fault("cut-before-content", "Resets the connection before the first word."),
    _fault("silent-end", "Ends its stream without saying why."),
    _fault("missing-usage", "Answers without usage."),
    _fault("negative-usage", "Reports negative usage."),
    _fault("absurd-usage", "Reports usage that is no number, or too great a one."),
    _fault("duplicate-usage", "Sends its usage and its end more than once."),
    _fault("other-model", "Says that another model has answered."),
    _fault("malformed-sse", "Streams something that is not JSON."),
    _fault("truncated-json", "Answers 200 with half a JSON document."),
    _fault("wrong-content-type", "Answers 200 with an HTML page."),
    _fault("redirect", "Answers 302 to another address."),
    _fault("huge-reply", "Answers with many megabytes."),
    _fault("endless", "Streams for ever, whatever the limit."),
    _fault("split-bytes", "Streams byte by byte, with CRLF line ends."),
    _fault("gzip-bomb", "Answers with a small file that unpacks into a huge one."),
)

MODELS = (*LOCAL, LISTENING, SPEAKING, *FAULT)


def local(settings: Settings) -> tuple[EngineModel, ...]:
    """The models that this installation offers: extras only where they are installed or set."""
    found = weights.find()
    listening = (LISTENING,) if found.listening else ()
    speaking = (SPEAKING,) if settings.speech_command else ()
    return (*LOCAL, *listening, *speaking)


def describe(name: str) -> str:
    """What the model that an engine knows by this name does; "" for an unknown one."""
    return next((model.description for model in MODELS if model.upstream == name), "")
