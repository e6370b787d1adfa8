import { useEffect, useRef, useState } from "react";

const STAYS = 6_000; // milliseconds; what went wrong stays until it is closed
const SHAPES = {
  success: "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0M8.5 12l2.5 2.5 4.5-5",
  info: "M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0M12 11v5M12 8v.01",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.01",
  danger: "M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM9.5 9.5l5 5M14.5 9.5l-5 5",
};

function Toast({ tone, text, onLeave }) {
  const timer = useRef(0);
  const wait = () => {
    if (tone !== "danger") timer.current = setTimeout(onLeave, STAYS);
  };
  const hold = () => clearTimeout(timer.current);
  useEffect(() => {
    wait();
    return hold;
  }, []);
  return (
    <li className="toast" onMouseEnter={hold} onMouseLeave={wait} onFocus={hold} onBlur={wait}>
      <svg className={`icon is-${tone}`} viewBox="0 0 24 24" aria-hidden="true">
        <path d={SHAPES[tone] ?? SHAPES.info} />
      </svg>
      <p>{text}</p>
      <button
        className="button button-quiet button-icon button-small push"
        type="button"
        aria-label="Close"
        onClick={onLeave}
      >
        <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
          <path d="m6 6 12 12M18 6 6 18" />
        </svg>
      </button>
    </li>
  );
}

// Shows each new id once; a reload brings the last one back, and it must not be shown again.
export function Toasts({ id, text, tone }) {
  const [shown, setShown] = useState([]);
  const region = useRef(null);
  const leave = (gone) => setShown((all) => all.filter((one) => one.id !== gone));

  useEffect(() => {
    if (!id || sessionStorage.getItem("toast") === id) return;
    sessionStorage.setItem("toast", id);
    setShown((all) => [...all.slice(-2), { id, text, tone }]);
  }, [id]);
  useEffect(() => {
    region.current.hidePopover(); // shown anew, it lies over a dialog opened meanwhile
    if (shown.length) region.current.showPopover();
  }, [shown.length]);

  return (
    <section ref={region} className="toast-region" popover="manual" aria-label="Notifications">
      <ul className="stack stack-tight" aria-live="polite" aria-relevant="additions">
        {shown.map((one) => (
          <Toast key={one.id} {...one} onLeave={() => leave(one.id)} />
        ))}
      </ul>
    </section>
  );
}
