import { useState } from "react";
import { Icon } from "./icon.jsx";
import { useDetails } from "./models.js";

export function Composer({ model, answering, onSend, onStop }) {
  const [text, setText] = useState("");
  const details = useDetails(model?.id);
  const engine = details?.engine;
  const ready = Boolean(model) && text.trim() !== "" && !answering;
  const send = (event) => {
    event?.preventDefault();
    if (!ready) return;
    onSend(text.trim());
    setText("");
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
  };
  return (
    <form className="composer" onSubmit={send}>
      {engine && engine.state !== "ready" && <Engine engine={engine} />}
      {model?.notice && <p className="tiny is-warning chat-notice">{model.notice}</p>}
      <label className="only-screen-reader" htmlFor="prompt">
        Message
      </label>
      <textarea
        className="input"
        id="prompt"
        rows={2}
        autoFocus
        placeholder={model ? `Ask ${model.name ?? model.id}` : "Choose a model first"}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="row">
        <p className="tiny faint">
          Sent to {providersOf(details)}. Not stored by us. Kept in this browser.
        </p>
        <span className="push" />
        {answering ? (
          <button className="button button-small button-primary" type="button" onClick={onStop}>
            <Icon name="square" />
            Stop <kbd className="only-wide">Esc</kbd>
          </button>
        ) : (
          <button className="button button-small button-primary" type="submit" disabled={!ready}>
            <Icon name="send" />
            Send <kbd className="only-wide">Ctrl Enter</kbd>
          </button>
        )}
      </div>
    </form>
  );
}

function providersOf(details) {
  const names = (details?.endpoints ?? []).map((endpoint) => endpoint.provider_name);
  return [...new Set(names)].join(" or ") || "the model’s provider";
}

const ENGINE = {
  off: "The local model is not loaded.",
  failed: "The local model does not run.",
  loading: "The local model is loading. A message sent now waits for it.",
};

function Engine({ engine }) {
  const percent = Math.round((engine.progress ?? 0) * 100);
  const failed = engine.state === "failed";
  return (
    <div className={failed ? "notice notice-danger" : "notice notice-info"} role="status">
      <Icon name={failed ? "octagon_x" : "clock"} />
      <div className="small stack stack-tight">
        <p>
          {ENGINE[engine.state] ?? ENGINE.loading} <span className="muted">{engine.detail}</span>
        </p>
        {percent > 0 && (
          <span className="meter" style={{ "--value": `${percent}%` }} role="img" aria-label={`${percent} % loaded`}>
            <span />
          </span>
        )}
      </div>
    </div>
  );
}
