import { useState } from "react";
import { Icon } from "./icon.jsx";
import { useEngine } from "./models.js";

const LOCAL = "alltoken/"; // the author of the models this machine runs

export function Composer({ model, provider, answering, onSend, onStop }) {
  const [text, setText] = useState("");
  const engine = useEngine(Boolean(model?.id.startsWith(LOCAL)));
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
  const notice = model?.alltoken?.notice ?? model?.notice ?? "";
  return (
    <form className="composer" onSubmit={send}>
      {engine && <Engine engine={engine} />}
      {notice && <p className="tiny is-warning chat-notice">{notice}</p>}
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
          Sent to {provider ?? providerOf(model)}. Not stored by us. Kept in this browser.
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

function providerOf(model) {
  if (!model) return "the model’s provider";
  if (model.id.startsWith(LOCAL)) return "the engine on this server";
  const names = model.alltoken?.providers ?? model.providers ?? [];
  return names.map((one) => one.name ?? one).join(" or ") || "the model’s provider";
}

function Engine({ engine }) {
  const percent = Math.round((engine.progress ?? 0) * 100);
  const failed = engine.state === "failed" || engine.state === "off";
  return (
    <div className={failed ? "notice notice-danger" : "notice notice-info"} role="status">
      <Icon name={failed ? "octagon_x" : "clock"} />
      <div className="small stack stack-tight">
        <p>{engine.detail || "The local model is loading. A message sent now waits for it."}</p>
        {!failed && percent > 0 && (
          <span className="meter" style={{ "--value": `${percent}%` }} role="img" aria-label={`${percent} % loaded`}>
            <span />
          </span>
        )}
      </div>
    </div>
  );
}
