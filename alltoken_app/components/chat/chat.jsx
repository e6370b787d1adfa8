import { useEffect, useRef, useState } from "react";
import { CopyButton } from "$/public/external/alltoken_app/components/copy_button/copy.jsx";
import { Dialog } from "$/public/external/alltoken_app/components/dialog/dialog.jsx";
import { Tabs } from "$/public/external/alltoken_app/components/tabs/tabs.jsx";
import { useAnswers } from "./answer.js";
import "./chat.css";
import { samples } from "./code.js";
import { Composer } from "./composer.jsx";
import { asked, askedAgain, branched, useConversations } from "./conversations.js";
import { Icon, Icons } from "./icon.jsx";
import { useModels } from "./models.js";
import { Settings } from "./settings.jsx";
import { List } from "./side.jsx";
import { titleOf } from "./store.js";
import { AnswerTurn, usd, UserTurn } from "./turn.jsx";

const UNSET = { model: "", temperature: null, longest: null, system: "" };

export function Chat({ owner, icons, onSpent }) {
  const { models, problem } = useModels();
  const talks = useConversations(owner, UNSET);
  const [busy, setBusy] = useState(new Set());
  const [shown, setShown] = useState(""); // which sheet or dialog is open
  const [said, setSaid] = useState(""); // for screen readers
  const { current } = talks;
  const answers = useAnswers((conversation, turn, facts) =>
    talks.change(conversation, (one) => ({
      ...one,
      turns: one.turns.map((old) => (old.id === turn ? { ...old, ...facts } : old)),
    })),
  );

  const model = models?.find((one) => one.id === current.settings.model);
  const set = (settings) => talks.change(current.id, (one) => ({ ...one, settings }));
  useEffect(() => {
    if (!models?.length || current.settings.model) return;
    const wanted = new URLSearchParams(location.search).get("model");
    const first = models.find((one) => one.id === wanted) ?? models[0];
    set({ ...current.settings, model: first.id });
  }, [models, current.id, current.settings.model]);

  const ask = async ([conversation, answer]) => {
    talks.add(conversation);
    setBusy((set) => new Set(set).add(conversation.id));
    setSaid("Answering");
    await answers.ask(conversation, answer);
    setBusy((set) => new Set([...set].filter((id) => id !== conversation.id)));
    setSaid("The answer has ended");
    onSpent?.();
  };
  const answering = busy.has(current.id);
  const openTalk = (conversation) => {
    if (conversation) talks.open(conversation);
    else talks.start();
    setShown("");
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape" && answering && !shown) answers.stop(current.id);
  };

  const remove = (id) => {
    answers.stop(id);
    talks.remove(id);
  };
  const list = <List talks={{ ...talks, remove }} busy={busy} onOpen={openTalk} />;
  const settings = (
    <Settings settings={current.settings} models={models ?? []} model={model} onChange={set} />
  );
  return (
    <Icons.Provider value={icons}>
      <div className="chat-bench" onKeyDown={onKeyDown}>
        <nav className="chat-list only-chat-wide" aria-label="Conversations">
          {list}
        </nav>
        <section className="chat-main" aria-label="Chat">
          <Head current={current} onShow={setShown} />
          <Thread
            current={current}
            answering={answering}
            onRetry={() => ask(askedAgain(current))}
            onEdit={(turn, text) => ask(branched(current, turn, text))}
            empty={<Start problem={problem} loading={models === null} model={model} />}
          />
          <Composer
            key={current.id}
            model={model}
            answering={answering}
            onSend={(text) => ask(asked(current, text))}
            onStop={() => answers.stop(current.id)}
          />
        </section>
        <aside className="chat-side only-chat-wide" aria-label="Settings">
          {settings}
        </aside>
        <Dialog open={shown === "list"} title="Conversations" look="sheet" onClose={() => setShown("")}>
          <div className="sheet-body chat-sheet">{list}</div>
        </Dialog>
        <Dialog open={shown === "settings"} title="Settings" look="sheet" onClose={() => setShown("")}>
          <div className="sheet-body">{settings}</div>
        </Dialog>
        <Dialog open={shown === "code"} title="Copy as code" onClose={() => setShown("")}>
          {shown === "code" && <Code conversation={current} />}
        </Dialog>
        <p className="only-screen-reader" role="status">
          {said}
        </p>
      </div>
    </Icons.Provider>
  );
}

function Head({ current, onShow }) {
  const questions = current.turns.filter((turn) => turn.role === "user").length;
  const spent = current.turns.reduce((sum, turn) => sum + Number(turn.cost ?? 0), 0);
  return (
    <div className="chat-head">
      <button
        className="button button-small button-icon only-chat-narrow"
        type="button"
        aria-label="Conversations"
        onClick={() => onShow("list")}
      >
        <Icon name="menu" />
      </button>
      <h1 className="truncate" title={titleOf(current)}>
        {titleOf(current)}
      </h1>
      {questions > 0 && (
        <span className="small faint tabular only-wide">
          {questions} {questions === 1 ? "turn" : "turns"} · {usd(spent)}
        </span>
      )}
      <span className="push" />
      <button
        className="button button-small button-code"
        type="button"
        disabled={!questions}
        onClick={() => onShow("code")}
      >
        <Icon name="code" />
        <span>Copy as code</span>
      </button>
      <button
        className="button button-small button-icon only-chat-narrow"
        type="button"
        aria-label="Settings"
        onClick={() => onShow("settings")}
      >
        <Icon name="sliders" />
      </button>
    </div>
  );
}

function Thread({ current, answering, onRetry, onEdit, empty }) {
  const box = useRef(null);
  const follows = useRef(true);
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    follows.current = scrollHeight - scrollTop - clientHeight < 48;
  };
  useEffect(() => {
    follows.current = true;
  }, [current.id, current.turns.length]);
  useEffect(() => {
    if (follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [current]);

  const { turns } = current;
  return (
    <div
      ref={box}
      className="thread"
      role="log"
      aria-live="off"
      aria-label="Conversation"
      tabIndex={0}
      onScroll={onScroll}
    >
      {turns.length === 0 && empty}
      {turns.map((turn, at) =>
        turn.role === "user" ? (
          <UserTurn key={turn.id} turn={turn} busy={answering} onEdit={onEdit} />
        ) : (
          <AnswerTurn
            key={turn.id}
            turn={turn}
            last={at === turns.length - 1}
            busy={answering}
            onRetry={onRetry}
          />
        ),
      )}
    </div>
  );
}

function Start({ problem, loading, model }) {
  if (problem) {
    return (
      <div className="notice notice-danger" role="alert">
        <Icon name="octagon_x" />
        <p className="small">The list of models could not be read. {problem}</p>
      </div>
    );
  }
  if (loading) return <span className="skeleton" />;
  if (!model) return <p className="muted">Choose a model to talk to.</p>;
  return (
    <div className="chat-start">
      <p className="h3">Talk to {model.name ?? model.id}</p>
      <p className="small muted">
        Every answer shows what it cost. Conversations stay in this browser; the gateway keeps how many
        tokens were used, never the words.
      </p>
    </div>
  );
}

function Code({ conversation }) {
  const shown = samples(conversation);
  return (
    <div className="dialog-body">
      <p className="small muted">
        The conversation up to its last question. Put your own key into ALLTOKEN_API_KEY.
      </p>
      <Tabs label="Language" labels={shown.map((one) => one.label)} look="code" head>
        {shown.map((one) => (
          <pre key={one.label} tabIndex={0} role="region" aria-label={one.label}>
            <code>{one.text}</code>
          </pre>
        ))}
        {shown.map((one) => (
          <CopyButton key={one.label} text={one.text} label="Copy" look="button button-quiet button-small button-copy" />
        ))}
      </Tabs>
    </div>
  );
}
