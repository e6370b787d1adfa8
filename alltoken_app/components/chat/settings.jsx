import { useId } from "react";

const FEWEST = 1;

export function Settings({ settings, models, model, onChange }) {
  const id = useId();
  const set = (name) => (value) => onChange({ ...settings, [name]: value });
  return (
    <div className="stack stack-loose">
      <section className="stack">
        <h2 className="h3">Model</h2>
        <div className="field">
          <label htmlFor={`${id}model`}>Answers come from</label>
          <select
            className="input"
            id={`${id}model`}
            value={settings.model}
            onChange={(event) => set("model")(event.target.value)}
          >
            {!model && <option value={settings.model}>{settings.model || "Choose a model"}</option>}
            {models.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name ?? one.id}
              </option>
            ))}
          </select>
        </div>
        {model && <About model={model} />}
      </section>
      <section className="stack">
        <h2 className="h3">Sampling</h2>
        <Temperature id={`${id}temperature`} value={settings.temperature} onChange={set("temperature")} />
        <Longest id={`${id}longest`} value={settings.longest} model={model} onChange={set("longest")} />
      </section>
      <div className="field">
        <label htmlFor={`${id}system`}>System prompt</label>
        <textarea
          className="input"
          id={`${id}system`}
          rows={5}
          placeholder="None"
          value={settings.system}
          onChange={(event) => set("system")(event.target.value)}
        />
      </div>
    </div>
  );
}

function About({ model }) {
  const price = (rate) => `$${(Number(rate) * 1e6).toFixed(4).replace(/0{1,2}$/, "")}`;
  const { prompt, completion } = model.pricing ?? {};
  return (
    <div className="stack stack-tight">
      {prompt !== undefined && (
        <p className="tiny muted tabular">
          {price(prompt)} in · {price(completion)} out, per million tokens
        </p>
      )}
      <p className="tiny">
        <a href={`/models/${model.id}`}>Providers, limits and prices</a>
      </p>
    </div>
  );
}

function Temperature({ id, value, onChange }) {
  return (
    <div className="field">
      <div className="row">
        <label className="field-label" htmlFor={id}>
          Temperature
        </label>
        <output className="push small tabular" htmlFor={id}>
          {value === null ? "Model’s own" : value.toFixed(1)}
        </output>
      </div>
      <input
        type="range"
        id={id}
        min={0}
        max={2}
        step={0.1}
        value={value ?? 1}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      {value !== null && (
        <button className="link-button tiny" type="button" onClick={() => onChange(null)}>
          Use the model’s own
        </button>
      )}
    </div>
  );
}

function Longest({ id, value, model, onChange }) {
  const most = model?.top_provider?.max_completion_tokens ?? model?.context_length;
  const read = (text) => onChange(text === "" ? null : Math.max(FEWEST, Math.floor(Number(text)) || FEWEST));
  return (
    <div className="field">
      <label htmlFor={id}>Longest answer, tokens</label>
      <input
        className="input"
        id={id}
        type="number"
        inputMode="numeric"
        min={FEWEST}
        max={most}
        placeholder={most ? `Up to ${most.toLocaleString("en")}` : "No limit"}
        value={value ?? ""}
        onChange={(event) => read(event.target.value)}
      />
    </div>
  );
}
