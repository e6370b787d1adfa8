// The conversation as a program: the request that its last question makes.

import { requestOf } from "./store.js";

export function samples({ settings, turns }) {
  const base = `${location.origin}/v1`;
  const last = turns.findLastIndex((turn) => turn.role === "user");
  const request = requestOf({ settings, turns: turns.slice(0, last + 1) });
  return [
    { label: "curl", text: curl(base, request) },
    { label: "Python", text: python(base, request) },
    { label: "JavaScript", text: javascript(base, request) },
  ];
}

function curl(base, request) {
  const body = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  return `curl ${base}/chat/completions \\
  -H "Authorization: Bearer $ALLTOKEN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${body}'`;
}

// JSON's text and numbers are Python's too; a request holds nothing else.
function python(base, { messages, ...options }) {
  const named = Object.entries(options).map(([name, value]) => `    ${name}=${JSON.stringify(value)},`);
  return `import os
from openai import OpenAI

client = OpenAI(base_url="${base}", api_key=os.environ["ALLTOKEN_API_KEY"])
answer = client.chat.completions.create(
${named.join("\n")}
    messages=${indented(messages)},
)
print(answer.choices[0].message.content)`;
}

function javascript(base, request) {
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: process.env.ALLTOKEN_API_KEY });
const answer = await client.chat.completions.create(${JSON.stringify(request, null, 2)});
console.log(answer.choices[0].message.content);`;
}

const indented = (value) => JSON.stringify(value, null, 4).replaceAll("\n", "\n    ");
