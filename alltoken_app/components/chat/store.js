// Conversations, kept in this browser only: one IndexedDB per member.

import { createStore, del, entries, set } from "idb-keyval";

export function openStore(owner) {
  const store = createStore(`alltoken-chat-${owner}`, "conversations");
  return {
    load: async () => {
      const kept = (await entries(store)).map(([, conversation]) => mended(conversation));
      return kept.sort((a, b) => b.updated - a.updated);
    },
    save: (conversation) => set(conversation.id, conversation, store),
    remove: (id) => del(id, store),
  };
}

// An answer that was arriving when its page closed will never finish.
function mended(conversation) {
  const turns = conversation.turns.map((turn) =>
    turn.state === "arriving" ? { ...turn, state: "stopped" } : turn,
  );
  return { ...conversation, turns };
}

export function fresh(settings) {
  const now = Date.now();
  return { id: crypto.randomUUID(), title: "", created: now, updated: now, settings, turns: [] };
}

export function titleOf(conversation) {
  return conversation.title || "New chat";
}

export function titled(text) {
  const line = text.trim().split("\n", 1)[0];
  return line.length > 48 ? `${line.slice(0, 47).trimEnd()}…` : line;
}

// What the model is sent: the system prompt, then every turn that has words.
export function messagesOf({ settings, turns }) {
  const said = turns
    .filter((turn) => turn.text)
    .map((turn) => ({ role: turn.role, content: turn.text }));
  const system = settings.system.trim();
  return system ? [{ role: "system", content: system }, ...said] : said;
}

export function requestOf(conversation) {
  const { model, temperature, longest } = conversation.settings;
  const request = { model, messages: messagesOf(conversation) };
  if (temperature !== null) request.temperature = temperature;
  if (longest !== null) request.max_tokens = longest;
  return request;
}

export function download(name, value) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
