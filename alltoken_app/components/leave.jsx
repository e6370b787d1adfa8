import { useEffect } from "react";

// Loads another document as soon as it knows which: a payment page is no page of the app.
export function Leave({ to }) {
  useEffect(() => {
    if (to) location.assign(to);
  }, [to]);
  return null;
}
