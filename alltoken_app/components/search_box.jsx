import { useEffect, useRef, useState } from "react";

const PAUSE = 200; // milliseconds without a key before we ask

// What is typed belongs to the browser. `value` counts when it changes while nobody types here:
// by a link, or by Back and Forward.
export function SearchBox({ label, placeholder, value = "", onSearch }) {
  const [text, setText] = useState(value);
  const input = useRef(null);
  const timer = useRef(0);

  useEffect(() => {
    if (document.activeElement !== input.current) setText(value);
  }, [value]);
  useEffect(() => {
    const back = () => input.current.blur();
    addEventListener("popstate", back);
    return () => {
      removeEventListener("popstate", back);
      clearTimeout(timer.current);
    };
  }, []);

  const change = (event) => {
    const typed = event.target.value;
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(typed), PAUSE);
  };

  return (
    <label className="input-group search-field">
      <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M4 10.5a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0M15.5 15.5l5 5" />
      </svg>
      <span className="only-screen-reader">{label}</span>
      <input
        ref={input}
        className="input"
        type="search"
        placeholder={placeholder}
        value={text}
        onChange={change}
      />
    </label>
  );
}
