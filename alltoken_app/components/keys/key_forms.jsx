// Makes keys and new secrets. A secret lives in this component, and is gone when it closes.

import { useEffect, useId, useState } from "react";
import { Dialog } from "$/public/external/alltoken_app/components/dialog/dialog.jsx";
import { Secret } from "./secret.jsx";

const EXPIRY = [
  ["", "Never"],
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
];
const PERIODS = [
  ["month", "a month"],
  ["week", "a week"],
  ["day", "a day"],
  ["total", "in total"],
];
const GRACE = [
  ["24", "24 hours"],
  ["1", "1 hour"],
  ["168", "7 days"],
  ["0", "Not at all: it stops now"],
];
const NO_ANSWER = "The server did not answer. Look at the list before you try again: the key may exist.";

async function post(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    return response.ok ? { made: answer } : { error: answer.error };
  } catch {
    return { error: { message: NO_ANSWER } };
  }
}

// `task` is "create", "manage" (a management key), "rotate" or "" for closed; `keyId` and `keyName` say what is rotated.
export function KeyForms({ task, keyId, keyName, origin, onClose, onMade }) {
  const [made, setMade] = useState(null);
  const models = useModels(task !== "");
  const finish = (found) => {
    setMade(found);
    onMade?.();
  };
  const done = () => {
    setMade(null);
    onClose?.();
  };
  const creating = task === "create";
  const [title, text] = {
    create: ["Create key", ""],
    manage: ["Create management key", "Programs make, change and end API keys with it. It calls no model."],
  }[task] ?? [`Rotate key ${keyName}`, "It gets a new secret and keeps its name, limit and history."];
  return (
    <Dialog
      open={task !== "" || made !== null}
      title={made ? "Save this key" : title}
      text={made ? "We cannot show it again. If you lose it, make a new one." : text}
      dismissable={made === null}
      onClose={done}
    >
      {made && <Secret made={made} models={models} origin={origin} onDone={done} />}
      {!made && creating && <Create models={models} onMade={finish} onCancel={done} />}
      {!made && task === "manage" && <Manage onMade={finish} onCancel={done} />}
      {!made && task === "rotate" && <Rotate id={keyId} onMade={finish} onCancel={done} />}
    </Dialog>
  );
}

// A form that posts once at a time and shows what the server has against it.
function Form({ path, read, submit, onMade, onCancel, children }) {
  const [error, setError] = useState({});
  const [busy, setBusy] = useState(false);
  const onSubmit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const answer = await post(path, read(new FormData(event.target)));
    setBusy(false);
    if (answer.made) onMade(answer.made);
    else setError(answer.error);
  };
  return (
    <form onSubmit={onSubmit}>
      <div className="dialog-body">
        {error.message && (
          <div className="notice notice-danger small" role="alert">
            <p>{error.message}</p>
          </div>
        )}
        {children(error.param)}
      </div>
      <div className="dialog-foot">
        <button className="button" type="button" onClick={onCancel}>
          Cancel
        </button>
        <button className="button button-primary" type="submit" aria-busy={busy} disabled={busy}>
          {submit}
        </button>
      </div>
    </form>
  );
}

function Create({ models, onMade, onCancel }) {
  const id = useId();
  const [some, setSome] = useState(false);
  const read = (form) => ({
    name: form.get("name"),
    limit_usd: form.get("limit_usd"),
    period: form.get("period"),
    days: form.get("days"),
    models: some ? form.getAll("model").join(",") : "",
  });
  return (
    <Form path="/web/keys" read={read} submit="Create key" onMade={onMade} onCancel={onCancel}>
      {(wrong) => (
        <>
          <div className="field">
            <label htmlFor={`${id}name`}>Name</label>
            <input
              className="input"
              id={`${id}name`}
              name="name"
              maxLength={48}
              required
              autoFocus
              autoComplete="off"
              aria-invalid={wrong === "name"}
              aria-describedby={`${id}hint`}
            />
            <p className="field-hint" id={`${id}hint`}>
              Shown in usage and on receipts.
            </p>
          </div>
          <div className="pair">
            <div className="field">
              <label htmlFor={`${id}limit`}>Spending limit</label>
              <div className="input-group">
                <span>$</span>
                <input
                  className="input"
                  id={`${id}limit`}
                  name="limit_usd"
                  inputMode="decimal"
                  placeholder="No limit"
                  autoComplete="off"
                  aria-invalid={wrong === "limit_usd"}
                />
                <Choice name="period" label="Limit counts" options={PERIODS} bare />
              </div>
            </div>
            <Choice name="days" label="Expires" options={EXPIRY} />
          </div>
          <fieldset className="stack stack-tight">
            <legend>May call</legend>
            <Radio name="scope" text="All models" checked={!some} onChange={() => setSome(false)} />
            <Radio name="scope" text="Only models I choose" checked={some} onChange={() => setSome(true)} />
            {some && <Models models={models} />}
          </fieldset>
        </>
      )}
    </Form>
  );
}

function Manage({ onMade, onCancel }) {
  const id = useId();
  const read = (form) => ({ name: form.get("name"), days: form.get("days") });
  return (
    <Form path="/web/keys/management" read={read} submit="Create management key" onMade={onMade} onCancel={onCancel}>
      {(wrong) => (
        <div className="pair">
          <div className="field">
            <label htmlFor={`${id}name`}>Name</label>
            <input
              className="input"
              id={`${id}name`}
              name="name"
              maxLength={48}
              required
              autoFocus
              autoComplete="off"
              aria-invalid={wrong === "name"}
            />
          </div>
          <Choice name="days" label="Expires" options={EXPIRY} />
        </div>
      )}
    </Form>
  );
}

function Rotate({ id, onMade, onCancel }) {
  const read = (form) => ({ id, hours: form.get("hours") });
  return (
    <Form path="/web/keys/rotate" read={read} submit="Rotate key" onMade={onMade} onCancel={onCancel}>
      {() => (
        <Choice
          name="hours"
          label="The old secret works for"
          options={GRACE}
          hint="Long enough to put the new one everywhere. Nothing fails until it ends."
        />
      )}
    </Form>
  );
}

function Choice({ name, label, options, hint, bare }) {
  const id = useId();
  const control = (
    <select
      className={bare ? "input input-auto input-bare" : "input"}
      id={id}
      name={name}
      aria-label={bare ? label : undefined}
      aria-describedby={hint ? `${id}hint` : undefined}
    >
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
  if (bare) return control;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {control}
      {hint && (
        <p className="field-hint" id={`${id}hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

function Radio({ text, ...props }) {
  return (
    <label className="choice">
      <input type="radio" {...props} />
      <span>{text}</span>
    </label>
  );
}

function useModels(wanted) {
  const [found, setFound] = useState([]);
  useEffect(() => {
    if (!wanted) return;
    fetch("/v1/models?available=true")
      .then((response) => response.json())
      .then(({ data }) => setFound(data))
      .catch(() => setFound([]));
  }, [wanted]);
  return found;
}

function Models({ models }) {
  return (
    <div className="choices" role="group" aria-label="Models">
      {models.map((model) => (
        <label className="choice" key={model.id}>
          <input type="checkbox" name="model" value={model.id} />
          <span className="mono">{model.id}</span>
        </label>
      ))}
    </div>
  );
}
