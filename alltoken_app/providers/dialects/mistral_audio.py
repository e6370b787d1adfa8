"""Mistral's transcription: OpenAI's form with names of its own and one shape of answer.

Wire format: https://docs.mistral.ai/api/endpoint/audio/transcriptions
"""

import msgspec

from alltoken_app.providers.base import Call, Dialect, EndpointFacts, Media, Outgoing
from alltoken_app.providers.dialects import multipart, openai_audio
from alltoken_app.providers.dialects.openai_audio import PATHS, Transcription

VERBOSE = msgspec.Raw(b'"verbose_json"')
SEGMENTS = msgspec.Raw(b'["segment"]')


class MistralTranscription(Transcription):
    """It answers with segments when it is asked for their times, whatever the format."""

    honours = frozenset({"language", "temperature", "timestamp_granularities", "response_format"})

    def request(self, call: Call, endpoint: EndpointFacts, max_output: int) -> Outgoing:
        assert isinstance(call.media, Media)
        fields = {name: raw for name, raw in call.fields.items() if name in self.honours}
        if fields.pop("response_format", None) == VERBOSE:
            fields.setdefault("timestamp_granularities", SEGMENTS)
        fields["model"] = msgspec.Raw(msgspec.json.encode(endpoint.upstream_model))
        header, body = multipart.form(fields, call.media, lists="")
        return Outgoing(PATHS[call.operation], (header,), body)


OPERATIONS: dict[str, Dialect] = {
    **openai_audio.OPERATIONS,
    "transcription": MistralTranscription(),
}
