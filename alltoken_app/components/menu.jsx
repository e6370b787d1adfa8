import { Children, useId, useRef } from "react";

const ITEMS = '[role="menuitem"]:not(:disabled)';

// Browsers without anchor positioning: put the menu under its button by hand.
function place(menu, button) {
  if (CSS.supports("position-area", "block-end")) return;
  const edge = button.getBoundingClientRect();
  const left = Math.min(edge.left, innerWidth - menu.offsetWidth - 16);
  const below = edge.bottom + 4 + menu.offsetHeight < innerHeight;
  menu.style.left = `${Math.max(16, left)}px`;
  menu.style.top = `${below ? edge.bottom : edge.top - menu.offsetHeight - 8}px`;
}

// The first child is the button's content, the others are the items.
export function Menu({ label, look, children }) {
  const [trigger, ...items] = Children.toArray(children);
  const id = useId();
  const menu = useRef(null);
  const button = useRef(null);

  const onToggle = (event) => {
    if (event.newState !== "open") return;
    place(menu.current, button.current);
    menu.current.querySelector(ITEMS)?.focus();
  };
  const onKeyDown = (event) => {
    const all = [...menu.current.querySelectorAll(ITEMS)];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") menu.current.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    all.at(next % all.length)?.focus();
  };

  return (
    <>
      <button
        ref={button}
        className={look}
        type="button"
        popoverTarget={id}
        aria-haspopup="menu"
        aria-label={label || undefined}
        title={label || undefined}
      >
        {trigger}
      </button>
      <div
        ref={menu}
        className="menu"
        id={id}
        popover="auto"
        role="menu"
        aria-label={label || undefined}
        onToggle={onToggle}
        onKeyDown={onKeyDown}
        onClick={(event) => event.target.closest(ITEMS) && menu.current.hidePopover()}
      >
        {items}
      </div>
    </>
  );
}
