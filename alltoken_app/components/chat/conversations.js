// The list of conversations and the one that is open, in step with the store.

import { useEffect, useMemo, useRef, useState } from "react";
import { fresh, openStore, titled } from "./store.js";

const SAVE = 400; // milliseconds of quiet before a changing conversation is written

export function useConversations(owner, settings) {
  const [all, setAll] = useState(null); // null until read
  const [current, setCurrent] = useState(() => fresh(settings));
  const [kept, setKept] = useState(true);
  const store = useMemo(() => owner && openStore(owner), [owner]);
  const waiting = useRef(new Map());

  useEffect(() => {
    if (!store) return;
    store.load().then(setAll, () => {
      setAll([]);
      setKept(false);
    });
  }, [store]);

  const write = (conversation) => {
    clearTimeout(waiting.current.get(conversation.id));
    const later = () => store?.save(conversation).catch(() => setKept(false));
    waiting.current.set(conversation.id, setTimeout(later, SAVE));
  };
  const change = (id, edit) => {
    const apply = (conversation) => {
      if (conversation.id !== id) return conversation;
      const next = { ...edit(conversation), updated: Date.now() };
      if (next.turns.length) write(next);
      return next;
    };
    setCurrent(apply);
    setAll((list) => list?.map(apply));
  };
  const add = (conversation) => {
    setCurrent(conversation);
    setAll((list) => [conversation, ...(list ?? []).filter((one) => one.id !== conversation.id)]);
    write(conversation);
  };
  const remove = (id) => {
    clearTimeout(waiting.current.get(id));
    store?.remove(id).catch(() => {});
    setAll((list) => list?.filter((one) => one.id !== id));
    if (current.id === id) setCurrent(fresh(current.settings));
  };

  return {
    all: all ?? [],
    loading: Boolean(store) && all === null,
    current,
    kept,
    change,
    add,
    remove,
    open: setCurrent,
    start: () => setCurrent(fresh(current.settings)),
  };
}

export const turnOf = (role, facts) => ({ id: crypto.randomUUID(), role, at: Date.now(), ...facts });

// The conversation with a question and its empty answer at the end.
export function asked(conversation, text) {
  const answer = awaited(conversation);
  const turns = [...conversation.turns, turnOf("user", { text }), answer];
  const title = conversation.title || titled(text);
  return [{ ...conversation, title, turns, updated: Date.now() }, answer];
}

// The conversation with its last answer to be given again.
export function askedAgain(conversation) {
  const answer = awaited(conversation);
  const turns = [...conversation.turns.slice(0, -1), answer];
  return [{ ...conversation, turns, updated: Date.now() }, answer];
}

// A conversation of its own, up to a question that is asked otherwise.
export function branched(conversation, turn, text) {
  const at = conversation.turns.findIndex((one) => one.id === turn.id);
  const before = conversation.turns.slice(0, at);
  const title = before.length ? conversation.title : "";
  return asked({ ...conversation, ...fresh(conversation.settings), title, turns: before }, text);
}

const awaited = ({ settings }) =>
  turnOf("assistant", { text: "", state: "arriving", asked: settings.model });
