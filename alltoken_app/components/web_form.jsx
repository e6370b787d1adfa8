import { Children, createContext, useContext, useEffect, useRef, useState } from "react";

const Form = createContext({ errors: {}, busy: false, clear: () => {} });

function values(form) {
  const body = {};
  for (const control of form.elements) {
    if (!control.name) continue;
    if (control.type === "radio" && !control.checked) continue;
    body[control.name] = control.type === "checkbox" ? control.checked : control.value;
  }
  return body;
}

// What is wrong with a control, in our words; the browser's own where we have none.
function complaint(control) {
  const { validity, dataset } = control;
  if (validity.valid) return "";
  if (validity.valueMissing) return dataset.missing || control.validationMessage;
  if (validity.tooShort) return `Use ${control.minLength} characters or more.`;
  if (validity.typeMismatch) return "Write an address such as name@example.com.";
  return control.validationMessage;
}

async function send(action, body) {
  try {
    const answer = await fetch(action, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
    const data = await answer.json();
    if (data.error || !answer.ok) return { error: data.error ?? { message: "" } };
    return data;
  } catch {
    return { error: { message: "The server did not answer. Check your connection and try again." } };
  }
}

// What the address says happened before: "verified=1", or "error=code" of a form sent without us.
function told(notes) {
  const query = new URLSearchParams(location.search);
  if (query.has("error")) return { [""]: notes[`error=${query.get("error")}`] ?? notes.error };
  return {};
}

export function WebForm({ action, fromQuery = [], done = "", notes = {}, children }) {
  const form = useRef(null);
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const [ready, setReady] = useState(false);
  const [finished, setFinished] = useState("");
  useEffect(() => {
    setReady(true); // from here on we validate; before it the browser does
    setErrors(told(notes));
  }, []);

  const show = (found) => {
    setErrors(found);
    const first = [...form.current.elements].find((control) => found[control.name]);
    (first ?? form.current.querySelector("[role=alert]"))?.focus();
  };

  const onSubmit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const wrong = {};
    for (const control of form.current.elements) {
      if (control.name && complaint(control)) wrong[control.name] ??= complaint(control);
    }
    show(wrong);
    if (Object.keys(wrong).length) return;
    const query = new URLSearchParams(location.search);
    const extra = Object.fromEntries(fromQuery.map((name) => [name, query.get(name) ?? ""]));
    setBusy(true);
    const answer = await send(action, { ...values(form.current), ...extra });
    if (answer.redirect) {
      location.assign(answer.redirect); // stays busy until the next page is there
      return;
    }
    setBusy(false);
    if (!answer.error) {
      setFinished(answer.message || done);
      return;
    }
    const { param, message } = answer.error;
    const known = param && form.current.elements.namedItem(param);
    const words = message || "The server could not do this. Nothing was changed. Try again.";
    show({ [known ? param : ""]: words });
  };

  const clear = (name) => setErrors(({ [name]: _, ...rest }) => rest);
  return (
    <Form.Provider value={{ errors, busy, clear }}>
      <form
        ref={form}
        className="stack"
        action={action}
        method="post"
        noValidate={ready}
        aria-busy={busy}
        onSubmit={onSubmit}
        hidden={Boolean(finished)}
      >
        <div className="notice notice-danger" role="alert" tabIndex={-1} hidden={!errors[""]}>
          <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.01" />
          </svg>
          <p>{errors[""]}</p>
        </div>
        {children}
      </form>
      <p className="web-form-done" role="status">
        {finished}
      </p>
    </Form.Provider>
  );
}

function Problem({ id, text }) {
  return (
    <div id={id} aria-live="polite">
      {text && (
        <p className="field-error">
          <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.01" />
          </svg>
          {text}
        </p>
      )}
    </div>
  );
}

// A rough count of guesses, in bits: enough for a hint, the server decides.
function strength(password, least) {
  if (!password) return ["", 0];
  if (password.length < least) return [`${least - password.length} more characters`, 1];
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(password));
  const distinct = Math.log2(new Set(password).size);
  const bits = password.length * distinct * 0.7 + (kinds.length - 1) * 6;
  if (bits < 40) return ["Easy to guess: add another word", 2];
  return bits < 60 ? ["Good", 3] : ["Strong", 4];
}

export function WebField({ name, label, hint, type = "text", link, meter = false, ...props }) {
  const { errors, clear } = useContext(Form);
  const [shown, setShown] = useState(false);
  const [text, setText] = useState("");
  const secret = type === "password";
  const error = errors[name];
  const [word, level] = meter ? strength(text, props.minLength) : ["", 0];
  const change = (event) => {
    if (error) clear(name);
    if (meter) setText(event.target.value);
  };
  const control = (
    <input
      className="input"
      id={name}
      name={name}
      type={secret && shown ? "text" : type}
      aria-invalid={Boolean(error)}
      aria-describedby={`${name}-hint ${name}-error`}
      onChange={change}
      {...props}
    />
  );
  return (
    <div className="field">
      <div className="field-top">
        <label htmlFor={name}>{label}</label>
        {link}
      </div>
      {secret ? (
        <div className="input-group">
          {control}
          <button
            className="link-button small"
            type="button"
            aria-pressed={shown}
            aria-label="Show password"
            onClick={() => setShown(!shown)}
          >
            {shown ? "Hide" : "Show"}
          </button>
        </div>
      ) : (
        control
      )}
      {meter && (
        <div className="strength" data-level={level} aria-hidden="true">
          <span /><span /><span /><span />
        </div>
      )}
      <p className="field-hint" id={`${name}-hint`} aria-live={meter ? "polite" : undefined}>
        {word || hint}
      </p>
      <Problem id={`${name}-error`} text={error} />
    </div>
  );
}

export function WebCheck({ name, children, ...props }) {
  const { errors, clear } = useContext(Form);
  return (
    <div className="field">
      <label className="choice">
        <input
          type="checkbox"
          name={name}
          aria-invalid={Boolean(errors[name])}
          aria-describedby={`${name}-error`}
          onChange={() => errors[name] && clear(name)}
          {...props}
        />
        <span>{children}</span>
      </label>
      <Problem id={`${name}-error`} text={errors[name]} />
    </div>
  );
}

export function WebSubmit({ label, busyLabel }) {
  const { busy } = useContext(Form);
  return (
    <button className="button button-primary button-large button-wide" type="submit" aria-busy={busy} aria-disabled={busy}>
      {busy ? busyLabel || label : label}
    </button>
  );
}

// Shows its first child when the address has the parameter, else its second.
export function ByQuery({ name, tall = false, children }) {
  const [has, setHas] = useState(null);
  useEffect(() => setHas(new URLSearchParams(location.search).has(name)), [name]);
  const [yes, no] = Children.toArray(children);
  if (has === null) return tall ? <div className="by-query" aria-busy="true" /> : null;
  return has ? yes : no;
}
