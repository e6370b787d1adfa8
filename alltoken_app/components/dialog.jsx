import { useEffect, useId, useRef } from "react";

// The control that opened the dialog; for an item of a menu, the button of that menu.
function opener() {
  const active = document.activeElement;
  const menu = active?.closest?.("[popover]");
  return menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : active;
}

export function Dialog({ open, title, text, onClose, dismissable = true, look = "dialog", children }) {
  const element = useRef(null);
  const before = useRef(null);
  const id = useId();

  useEffect(() => {
    const dialog = element.current;
    if (open && !dialog.open) {
      before.current = opener();
      dialog.showModal();
    }
    if (!open && dialog.open) dialog.close();
    if (!open && before.current) {
      if (before.current.isConnected) before.current.focus();
      before.current = null;
    }
  }, [open]);

  const leave = () => dismissable && onClose?.();
  const onCancel = (event) => {
    event.preventDefault(); // the owner of `open` decides
    leave();
  };
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    leave();
  };
  const onNativeClose = () => {
    if (open && dismissable) onClose?.();
    if (open && !dismissable) element.current.showModal();
  };

  return (
    <dialog
      ref={element}
      className={look}
      aria-labelledby={`${id}title`}
      aria-describedby={text ? `${id}text` : undefined}
      onCancel={onCancel}
      onKeyDown={onKeyDown}
      onClose={onNativeClose}
      onMouseDown={(event) => event.target === element.current && leave()}
    >
      {open && (
        <div className={`${look}-frame`}>
          <div className={`${look}-head`}>
            <div>
              <h2 id={`${id}title`}>{title}</h2>
              {text && (
                <p className="small muted" id={`${id}text`}>
                  {text}
                </p>
              )}
            </div>
            {dismissable && (
              <button
                className="button button-quiet button-icon push"
                type="button"
                aria-label="Close"
                onClick={leave}
              >
                <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
                  <path d="m6 6 12 12M18 6 6 18" />
                </svg>
              </button>
            )}
          </div>
          {children}
        </div>
      )}
    </dialog>
  );
}
