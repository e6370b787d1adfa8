"""Code that calls a model here, and a worked example of what a request costs."""

from dataclasses import dataclass, field

from sqlmodel import Session

from alltoken_app.catalog import snapshot
from alltoken_app.catalog.pricing import cost, lines
from alltoken_app.errors import NotFound
from alltoken_app.money import usd, usd_of_pico
from alltoken_app.providers.base import Usage
from alltoken_app.services.prices import per_million

FIRST = "alltoken/smollm2-135m-instruct"
EXAMPLE = Usage(input=1_200, output=300)
METERS = {
    "input": "Input",
    "cached_input": "Cached input",
    "output": "Output",
    "request": "Request",
}
LANGUAGES = (("curl", "bash"), ("Python", "python"), ("JavaScript", "javascript"))

CHAT = (
    """\
curl {origin}/v1/chat/completions \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "model": "{slug}",
    "messages": [{{"role": "user", "content": "Hello"}}],
    "max_tokens": 64
  }}'""",
    """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{origin}/v1",
    api_key=os.environ["ALLTOKEN_API_KEY"],
)
answer = client.chat.completions.create(
    model="{slug}",
    messages=[{{"role": "user", "content": "Hello"}}],
    max_tokens=64,
)
print(answer.choices[0].message.content)""",
    """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{origin}/v1",
  apiKey: process.env.ALLTOKEN_API_KEY,
}});
const answer = await client.chat.completions.create({{
  model: "{slug}",
  messages: [{{ role: "user", content: "Hello" }}],
  max_tokens: 64,
}});
console.log(answer.choices[0].message.content);""",
)
EMBEDDINGS = (
    """\
curl {origin}/v1/embeddings \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{slug}", "input": ["a sentence", "another"]}}'""",
    """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{origin}/v1",
    api_key=os.environ["ALLTOKEN_API_KEY"],
)
answer = client.embeddings.create(model="{slug}", input=["a sentence", "another"])
print(len(answer.data[0].embedding))""",
    """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{origin}/v1",
  apiKey: process.env.ALLTOKEN_API_KEY,
}});
const answer = await client.embeddings.create({{
  model: "{slug}",
  input: ["a sentence", "another"],
}});
console.log(answer.data[0].embedding.length);""",
)


@dataclass(frozen=True)
class LineView:
    """One line of a receipt: what, and its exact product."""

    what: str = ""
    amount: str = ""


@dataclass(frozen=True)
class ExampleView:
    """What one request costs at today's prices. Empty while there is no model."""

    model: str = ""
    provider: str = ""
    lines: list[LineView] = field(default_factory=list)
    total: str = ""


def calls(origin: str, slug: str, kind: str = "chat") -> list[str]:
    """The same request in each of `LANGUAGES`, ready to run once the key is set."""
    texts = EMBEDDINGS if kind == "embeddings" else CHAT
    return [text.format(origin=origin, slug=slug) for text in texts]


def example(session: Session, slug: str = FIRST) -> ExampleView:
    """Price `EXAMPLE` tokens on the model's first endpoint, exactly as a request is priced.

    Raises:
        NotFound: No endpoint serves the model.
    """
    catalog = snapshot.load(session)
    model = catalog.models.get(slug)
    if model is None or not model.endpoints:
        raise NotFound(f"There is no model {slug}.", code="model_not_found", param="model")
    endpoint = model.endpoints[0]
    return ExampleView(
        model=slug,
        provider=catalog.providers[endpoint.provider],
        lines=[
            LineView(
                f"{METERS[meter]} {count:,} tok × {per_million(rate)}/1M", f"${usd_of_pico(pico)}"
            )
            for meter, count, rate, pico in lines(endpoint.price, EXAMPLE)
        ],
        total=f"${usd(cost(endpoint.price, EXAMPLE))}",
    )
