import { Children, useId, useRef, useState } from "react";

// As many labels as children; each child is one panel.
export function Tabs({ label, labels, look = "", head, children }) {
  const [chosen, setChosen] = useState(0);
  const list = useRef(null);
  const id = useId();
  const panels = Children.toArray(children);
  const extras = head ? panels.splice(labels.length) : [];

  const onKeyDown = (event) => {
    const last = labels.length - 1;
    const next = {
      ArrowRight: chosen === last ? 0 : chosen + 1,
      ArrowLeft: chosen === 0 ? last : chosen - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setChosen(next);
    list.current.children[next].focus();
  };

  const tabs = (
    <div ref={list} className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {labels.map((name, at) => (
        <button
          key={name}
          className="tab"
          type="button"
          role="tab"
          id={`${id}tab${at}`}
          aria-controls={`${id}panel${at}`}
          aria-selected={at === chosen}
          tabIndex={at === chosen ? 0 : -1}
          onClick={() => setChosen(at)}
        >
          {name}
        </button>
      ))}
    </div>
  );

  return (
    <div className={look}>
      {head ? (
        <div className="code-head">
          {tabs}
          <span className="push">{extras[chosen]}</span>
        </div>
      ) : (
        tabs
      )}
      {panels.map((panel, at) => (
        <div
          key={labels[at]}
          role="tabpanel"
          id={`${id}panel${at}`}
          aria-labelledby={`${id}tab${at}`}
          hidden={at !== chosen}
        >
          {panel}
        </div>
      ))}
    </div>
  );
}
