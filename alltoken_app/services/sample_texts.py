"""Code that calls a model of each kind in curl, Python, JavaScript, around `{origin}`, `{slug}`."""

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
TRANSCRIPTION = (
    """\
curl {origin}/v1/audio/transcriptions \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -F model="{slug}" \\
  -F file=@speech.mp3""",
    """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{origin}/v1",
    api_key=os.environ["ALLTOKEN_API_KEY"],
)
with open("speech.mp3", "rb") as sound:
    heard = client.audio.transcriptions.create(model="{slug}", file=sound)
print(heard.text)""",
    """\
import fs from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{origin}/v1",
  apiKey: process.env.ALLTOKEN_API_KEY,
}});
const heard = await client.audio.transcriptions.create({{
  model: "{slug}",
  file: fs.createReadStream("speech.mp3"),
}});
console.log(heard.text);""",
)
SPEECH = (
    """\
curl {origin}/v1/audio/speech \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  --output speech.wav \\
  -d '{{
    "model": "{slug}",
    "voice": "alloy",
    "input": "Hello",
    "response_format": "wav"
  }}'""",
    """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{origin}/v1",
    api_key=os.environ["ALLTOKEN_API_KEY"],
)
spoken = client.audio.speech.create(
    model="{slug}", voice="alloy", input="Hello", response_format="wav"
)
spoken.write_to_file("speech.wav")""",
    """\
import fs from "node:fs/promises";
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{origin}/v1",
  apiKey: process.env.ALLTOKEN_API_KEY,
}});
const spoken = await client.audio.speech.create({{
  model: "{slug}",
  voice: "alloy",
  input: "Hello",
  response_format: "wav",
}});
await fs.writeFile("speech.wav", Buffer.from(await spoken.arrayBuffer()));""",
)
MODERATION = (
    """\
curl {origin}/v1/moderations \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{slug}", "input": "a sentence"}}'""",
    """\
import os
from openai import OpenAI

client = OpenAI(
    base_url="{origin}/v1",
    api_key=os.environ["ALLTOKEN_API_KEY"],
)
answer = client.moderations.create(model="{slug}", input="a sentence")
print(answer.results[0].flagged)""",
    """\
import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{origin}/v1",
  apiKey: process.env.ALLTOKEN_API_KEY,
}});
const answer = await client.moderations.create({{
  model: "{slug}",
  input: "a sentence",
}});
console.log(answer.results[0].flagged);""",
)
RERANK = (
    """\
curl {origin}/v1/rerank \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{slug}", "query": "a question", "documents": ["one", "another"]}}'""",
    """\
import os
import httpx

answer = httpx.post(
    "{origin}/v1/rerank",
    headers={{"Authorization": "Bearer " + os.environ["ALLTOKEN_API_KEY"]}},
    json={{
        "model": "{slug}",
        "query": "a question",
        "documents": ["one", "another"],
    }},
)
print(answer.json()["results"])""",
    """\
const response = await fetch("{origin}/v1/rerank", {{
  method: "POST",
  headers: {{
    Authorization: `Bearer ${{process.env.ALLTOKEN_API_KEY}}`,
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{
    model: "{slug}",
    query: "a question",
    documents: ["one", "another"],
  }}),
}});
console.log((await response.json()).results);""",
)

TEXTS = {
    "chat": CHAT,
    "embeddings": EMBEDDINGS,
    "transcription": TRANSCRIPTION,
    "speech": SPEECH,
    "moderation": MODERATION,
    "rerank": RERANK,
}
