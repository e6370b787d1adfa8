import { createContext, useContext } from "react";

export const Icons = createContext({}); // name → path data, given by the page

export function Icon({ name }) {
  const path = useContext(Icons)[name];
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

export function IconButton({ icon, label, ...more }) {
  return (
    <button
      className="button button-quiet button-icon button-small"
      type="button"
      aria-label={label}
      title={label}
      {...more}
    >
      <Icon name={icon} />
    </button>
  );
}
