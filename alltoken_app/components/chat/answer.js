// One answer from its first event to its last, as changes to its turn.

import { useEffect, useRef } from "react";
import { complete, receipt, Refused } from "./gateway.js";
import { requestOf } from "./store.js";

const PAINT = 60; // milliseconds between two paintings of arriving text
const SETTLED = 1_200; // milliseconds in which a stopped answer is usually booked
const LOOKS = 3;

export function useAnswers(change) {
  const running = useRef(new Map());
  useEffect(() => () => running.current.forEach((one) => one.abort()), []);

  const stop = (id) => running.current.get(id)?.abort();
  const ask = async (conversation, turn) => {
    const control = new AbortController();
    running.current.set(conversation.id, control);
    const report = (facts) => change(conversation.id, turn.id, facts);
    try {
      await follow(requestOf(conversation), control.signal, report);
    } finally {
      running.current.delete(conversation.id);
    }
  };
  return { ask, stop };
}

async function follow(request, signal, report) {
  const began = performance.now();
  const turn = { text: "", state: "arriving" };
  const took = () => Math.round(performance.now() - began);
  let painted = 0;
  try {
    for await (const event of complete(request, signal)) {
      take(event, turn, took);
      if (performance.now() - painted < PAINT) continue;
      painted = performance.now();
      report({ ...turn });
    }
    report({ ...turn, state: "done", ms: took() });
  } catch (error) {
    const end = signal.aborted ? { state: "stopped" } : { state: "failed", error: facts(error) };
    report({ ...turn, ...end, ms: took() });
    if (turn.generation && turn.cost === undefined) await book(turn, report);
  }
}

// An answer that did not reach its end never said what it cost: ask, once the gateway noticed.
async function book(turn, report) {
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, SETTLED));
    const booked = await receipt(turn.generation).catch(() => null);
    if (!booked) continue;
    const { usage: cost, tokens_prompt: input, tokens_completion: output } = booked;
    report({ cost, input, output });
    return;
  }
}

function facts(error) {
  if (error instanceof Refused) return error.facts;
  return {
    message: "The connection broke while the answer arrived.",
    code: "connection_lost",
    charged: null,
  };
}

function take({ head, chunk }, turn, took) {
  if (head) turn.generation = head.generation ?? undefined;
  if (!chunk) return;
  turn.generation = chunk.id ?? turn.generation;
  turn.provider = chunk.provider ?? turn.provider;
  turn.model = chunk.model ?? turn.model;
  const choice = chunk.choices?.[0];
  const words = choice?.delta?.content ?? "";
  if (words && turn.first === undefined) turn.first = took();
  turn.text += words;
  turn.thought = (turn.thought ?? "") + (choice?.delta?.reasoning ?? choice?.delta?.reasoning_content ?? "");
  turn.finish = choice?.finish_reason ?? turn.finish;
  turn.native = choice?.native_finish_reason ?? turn.native;
  if (chunk.usage) {
    turn.input = chunk.usage.prompt_tokens;
    turn.output = chunk.usage.completion_tokens;
    turn.cost = chunk.usage.cost ?? chunk.alltoken?.cost;
  }
}
