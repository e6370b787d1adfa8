import { useState } from "react";
import { CopyButton } from "$/public/external/alltoken_app/components/copy_button/copy.jsx";
import { Icon, IconButton } from "./icon.jsx";
import { Markdown } from "./markdown.jsx";

const CUT = {
  length: "It reached the longest answer allowed.",
  insufficient_credits: "The credit ran out, so the answer ends here.",
  cost_limit: "It reached the cost limit, so the answer ends here.",
  content_filter: "The provider's filter ended the answer.",
};
const quiet = "button button-quiet button-small button-copy";

export function usd(amount) {
  const [whole, part = ""] = Math.abs(Number(amount)).toFixed(9).split(".");
  return `$${whole}.${part.replace(/0+$/, "").padEnd(2, "0")}`;
}

export function seconds(ms) {
  return ms < 100 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function UserTurn({ turn, onEdit, busy }) {
  const [draft, setDraft] = useState(null);
  if (draft === null) {
    return (
      <article className="turn turn-user" aria-label="You">
        <p className="turn-text">{turn.text}</p>
        <p className="row tiny faint">
          <button className="link-button" type="button" disabled={busy} onClick={() => setDraft(turn.text)}>
            <Icon name="edit" />
            Edit and branch
          </button>
        </p>
      </article>
    );
  }
  const send = () => draft.trim() && onEdit(turn, draft.trim());
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    if (event.key === "Escape") {
      event.stopPropagation();
      setDraft(null);
    }
  };
  return (
    <article className="turn turn-user" aria-label="You">
      <textarea
        className="input"
        aria-label="Your message"
        rows={4}
        autoFocus
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="row">
        <span className="tiny faint">The conversation so far stays in your list.</span>
        <span className="push" />
        <button className="button button-small" type="button" onClick={() => setDraft(null)}>
          Cancel
        </button>
        <button className="button button-small button-primary" type="button" onClick={send}>
          Send as a new branch
        </button>
      </div>
    </article>
  );
}

export function AnswerTurn({ turn, last, busy, onRetry }) {
  const arriving = turn.state === "arriving";
  const name = turn.model ?? turn.asked;
  return (
    <article className="turn" aria-label={arriving ? `${name}, answering` : name} aria-busy={arriving}>
      <p className="turn-by">
        <span className="mono">{name}</span>
      </p>
      {turn.thought && (
        <details className="thought">
          <summary className="small muted">Reasoning</summary>
          <p className="turn-text small muted">{turn.thought}</p>
        </details>
      )}
      {turn.text && <Markdown text={turn.text} />}
      {arriving && <Waiting turn={turn} />}
      {turn.state === "failed" && (
        <Failure error={turn.error} began={Boolean(turn.text)} onRetry={last && !busy ? onRetry : null} />
      )}
      {!arriving && <Ending turn={turn} />}
      {!arriving && (
        <div className="row tiny faint tabular">
          <Facts turn={turn} />
          <span className="push" />
          <div className="turn-actions">
            {turn.text && <CopyButton text={turn.text} label="Copy" look={quiet} />}
            {last && turn.state !== "failed" && (
              <IconButton icon="refresh" label="Answer again" disabled={busy} onClick={onRetry} />
            )}
          </div>
        </div>
      )}
    </article>
  );
}

function Waiting({ turn }) {
  if (turn.text) return <span className="caret" aria-hidden="true" />;
  return (
    <p className="small faint row">
      <span className="spinner" aria-hidden="true" />
      Waiting for the first words
    </p>
  );
}

function Ending({ turn }) {
  if (turn.state === "stopped") {
    return <p className="small muted">Stopped. Only what had arrived is charged.</p>;
  }
  const why = CUT[turn.native] ?? CUT[turn.finish];
  return why ? <p className="small muted">{why}</p> : null;
}

function Facts({ turn }) {
  const facts = [
    turn.provider,
    turn.output !== undefined && `${turn.input.toLocaleString("en")} in · ${turn.output.toLocaleString("en")} out`,
    turn.cost !== undefined && usd(turn.cost),
    turn.ms !== undefined && seconds(turn.ms),
    turn.first !== undefined && `first words ${seconds(turn.first)}`,
  ].filter(Boolean);
  return (
    <>
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
      {turn.generation && <a href={`/app/activity/${turn.generation}`}>Details</a>}
    </>
  );
}

const DO = {
  401: ["Sign in", () => `/signin?next=${encodeURIComponent(location.pathname + location.search)}`],
  402: ["Add credit", () => "/app/wallet"],
  404: ["See all models", () => "/models"],
};

function charge({ charged, code }, began) {
  if (charged !== null && charged !== undefined) return `Charged ${usd(charged)}`;
  if (began || code === "connection_lost") return "What arrived is charged; Activity has the amount";
  return code === "no_connection" ? "Nothing was charged" : "Charge unknown; Activity has the amount";
}

function Failure({ error, began, onRetry }) {
  const [label, href] = DO[error.status] ?? [];
  return (
    <div className="notice notice-danger" role="alert">
      <Icon name="octagon_x" />
      <div className="stack stack-tight small">
        <p>{error.message}</p>
        <p className="tiny row">
          <code>{error.code}</code>
          <span>{charge(error, began)}</span>
          {error.wait > 0 && <span>Try again in {error.wait} s</span>}
          {error.request && <code>{error.request}</code>}
        </p>
        <p className="row">
          {label && (
            <a className="button button-small" href={href()}>
              {label}
            </a>
          )}
          {onRetry && (
            <button className="button button-small" type="button" onClick={onRetry}>
              <Icon name="refresh" />
              Try again
            </button>
          )}
        </p>
      </div>
    </div>
  );
}
