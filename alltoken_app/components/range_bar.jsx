import { useEffect, useState } from "react";
import { Dialog } from "$/public/external/alltoken_app/components/dialog/dialog.jsx";

const CUSTOM = "custom";

// The range, its days, and the zone whose clock cuts them. The browser's own zone is known here only.
export function RangeBar({ preset, presets, shown, first, last, zone, onRange, onDays, onZone }) {
  const [here, setHere] = useState("");
  const [picking, setPicking] = useState(false);
  useEffect(() => setHere(Intl.DateTimeFormat().resolvedOptions().timeZone ?? ""), []);

  const zones = [["UTC", "UTC"]];
  if (here && here !== "UTC") zones.push([here, `Local (${here})`]);
  if (!zones.some(([name]) => name === zone)) zones.push([zone, zone]);
  const choose = (event) => {
    if (event.target.value === CUSTOM) setPicking(true);
    else onRange(event.target.value);
  };
  const pick = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setPicking(false);
    onDays(form.get("from"), form.get("to"));
  };

  return (
    <div className="segmented" role="group" aria-label="Date range and time zone">
      <select className="input input-auto" aria-label="Range" value={preset || CUSTOM} onChange={choose}>
        {presets.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
        <option value={CUSTOM}>{preset ? "Other days…" : "Chosen days"}</option>
      </select>
      {shown && (
        <button className="button only-wide tabular" type="button" onClick={() => setPicking(true)}>
          {shown}
        </button>
      )}
      <select
        className="input input-auto"
        aria-label="Time zone"
        value={zone}
        onChange={(event) => onZone(event.target.value)}
      >
        {zones.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <Dialog open={picking} title="Choose days" onClose={() => setPicking(false)}>
        <form onSubmit={pick}>
          <div className="dialog-body">
            <div className="pair">
              <Day label="First day" name="from" value={first} />
              <Day label="Last day" name="to" value={last} />
            </div>
            <p className="field-hint">Both days are included, on the clock of {zone}. At most a year.</p>
          </div>
          <div className="dialog-foot">
            <button className="button" type="button" onClick={() => setPicking(false)}>
              Cancel
            </button>
            <button className="button button-primary" type="submit">
              Show days
            </button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}

function Day({ label, name, value }) {
  const id = `range-${name}`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input className="input" id={id} name={name} type="date" required defaultValue={value} />
    </div>
  );
}
