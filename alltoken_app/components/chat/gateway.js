// Speaks to the gateway from the browser. The token lives in this module's memory only.

const MARGIN = 60_000; // a token is renewed this long before it ends
let held = null;
let asked = null;

export class Refused extends Error {
  constructor(message, facts = {}) {
    super(message);
    this.facts = { message, code: "unknown", charged: null, ...facts };
  }
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  const error = body.error ?? {};
  return new Refused(error.message ?? `The gateway answered ${response.status}.`, {
    status: response.status,
    code: String(error.code ?? `http_${response.status}`),
    charged: error.charged ?? body.charged ?? null,
    request: error.request_id ?? body.request_id ?? response.headers.get("x-request-id"),
    wait: Number(response.headers.get("retry-after")) || 0,
  });
}

async function reach(url, options) {
  const response = await fetch(url, options).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Refused("AllToken could not be reached. Check the connection and try again.", {
      code: "no_connection",
    });
  });
  if (!response.ok) throw await refusal(response);
  return response;
}

async function mint() {
  const response = await reach("/web/token", { method: "POST", credentials: "same-origin" });
  const { token, expires_at: end } = await response.json();
  held = { token, end: typeof end === "number" ? end : Date.parse(end) };
  return token;
}

async function token() {
  if (held && held.end - Date.now() > MARGIN) return held.token;
  asked ??= mint().finally(() => (asked = null));
  return asked;
}

// One retry with a new token: the old one may have ended while the laptop slept.
async function authorised(url, options = {}) {
  const send = async () =>
    reach(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${await token()}` } });
  try {
    return await send();
  } catch (error) {
    if (error.facts?.status !== 401 || !held) throw error;
    held = null;
    return send();
  }
}

// What the gateway booked for an answer; it waits until the charge is final.
export async function receipt(generation) {
  const response = await authorised(`/v1/generation?id=${encodeURIComponent(generation)}`);
  return (await response.json()).data;
}

export async function open(url) {
  return (await reach(url, { headers: { accept: "application/json" } })).json();
}

// The payloads of a stream of server-sent events. Comments (": …") keep a connection open and say nothing.
export async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
        if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new Refused("The answer could not be read.", { code: "malformed_stream" });
  }
}

// First {head}, then every {chunk}. Throws Refused when the gateway refuses or the answer breaks off.
export async function* complete(body, signal) {
  const response = await authorised("/v1/chat/completions", {
    method: "POST",
    signal,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
  });
  yield { head: { generation: response.headers.get("x-generation-id") } };
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = parse(data);
    yield { chunk };
    if (chunk.error) {
      const { message, code, charged = null, request_id: request } = chunk.error;
      throw new Refused(message ?? "The answer broke off.", { code: String(code), charged, request });
    }
  }
  throw new Refused("The answer broke off before its end.", { code: "stream_cut" });
}
