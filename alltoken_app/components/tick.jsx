import { useEffect, useState } from "react";

// Answers the finger at once; the server's word follows and wins.
export function Tick({ label, count, checked, onTick }) {
  const [on, setOn] = useState(checked);
  useEffect(() => setOn(checked), [checked]);
  const change = (event) => {
    setOn(event.target.checked);
    onTick(event.target.checked);
  };
  return (
    <label className="choice">
      <input type="checkbox" checked={on} onChange={change} />
      <span>{label}</span>
      <span className="count num">{count}</span>
    </label>
  );
}
